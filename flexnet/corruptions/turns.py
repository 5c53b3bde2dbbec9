"""Work on parts of a batch side by side: one thread for each part, instead of several for each operation.

Operations on some images take microseconds. Split over threads, each waits for the slowest of them, and where
other programs run on the same cores that is most of the time.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch


def in_turn(work: Callable[[int], None], starts: Sequence[int], threads: int) -> None:
    """Call `work` for each of `starts`, as many at a time as there are threads.

    The first error that a part raises is raised here, once the parts that had begun are done. The number of
    threads that torch uses is the same afterwards.
    """
    if threads == 1:
        for start in starts:
            work(start)
        return
    alone = partial(torch.set_num_threads, 1)
    try:
        with ThreadPoolExecutor(min(threads, len(starts)), initializer=alone) as pool:
            for _ in pool.map(work, starts):
                pass
    finally:
        torch.set_num_threads(threads)
