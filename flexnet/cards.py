"""Several GPUs in one machine: each job takes a card of its own. Nothing here imports torch.

The workflow says how many jobs may share a card; jobs that somebody starts by hand take no card this way.
What a job holds is a lock in the temporary folder; the operating system drops it however the job ends.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from flexnet.errors import BusyError
from flexnet.locks import exclusive

VISIBLE = "CUDA_VISIBLE_DEVICES"
# How many jobs may share a card; the workflow sets it where there is something to choose.
SHARE_VARIABLE = "FLEXNET_JOBS_PER_CARD"
POLL_SECONDS = 1.0
LISTING_SECONDS = 60.0
_held = ExitStack()


def cards(environment: Mapping[str, str]) -> list[str]:
    """Names of the GPUs that a program started here may use, as CUDA_VISIBLE_DEVICES takes them.

    They are that variable's own if it is set, else what `nvidia-smi -L` lists; none where there is neither.
    """
    if VISIBLE in environment:
        return [name.strip() for name in environment[VISIBLE].split(",") if name.strip()]
    tool = shutil.which("nvidia-smi", path=environment.get("PATH"))
    if tool is None:
        return []
    try:
        done = subprocess.run(
            [tool, "-L"], capture_output=True, text=True, timeout=LISTING_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return re.findall(r"^GPU \d+: .*\(UUID: (\S+)\)", done.stdout, re.MULTILINE)


def jobs_per_card(jobs: int, there: int) -> int:
    """How many jobs share a card if so many may run at once: one, as long as there are cards enough."""
    return max(1, -(-jobs // max(1, there)))


def take_card(environment: MutableMapping[str, str] = os.environ) -> str | None:
    """Take a card that no other job holds, and let this process see it alone until it ends.

    Call it before anything starts CUDA. Where all are held as often as they may be shared, it waits and says
    so.

    Returns:
        The name of the card; None where there is nothing to choose: outside the workflow, without a GPU, and
        where one card was assigned already, as a cluster does.
    """
    share = environment.get(SHARE_VARIABLE)
    if not share or len(environment.get(VISIBLE, ",").split(",")) == 1:
        return None
    there = cards(environment)
    if not there:
        return None
    folder = _folder(environment.get("SLURM_JOB_ID", ""))
    card = _first_free(there, int(share), folder)
    if card is None:
        sys.stderr.write(
            f"waiting for a GPU: other jobs hold all {len(there)}; this one goes on when one ends\n"
        )
    while card is None:
        time.sleep(POLL_SECONDS)
        card = _first_free(there, int(share), folder)
    environment[VISIBLE] = card
    return card


def _first_free(there: Sequence[str], share: int, folder: Path) -> str | None:
    """Lock the first place that is free: all cards once before any card twice."""
    for place in range(share):
        for card in there:
            try:
                _held.enter_context(exclusive(folder / f"{card.replace('/', '-')}.{place}"))
            except BusyError:
                continue
            return card
    return None


def _folder(allocation: str) -> Path:
    """Where the locks of this user lie: by allocation, for in each the same number may mean another card."""
    name = f"flexnet-cards-{os.getuid()}{allocation and f'-{allocation}'}"
    return Path(tempfile.gettempdir()) / name
