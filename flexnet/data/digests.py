"""`python -m flexnet.data.digests MIRROR`: the digests of official contents, computed from a mirror.

Prints what `contents.json` holds under `digests`, for every split that the mirror has with a number of
images that the catalogue accepts, so that anybody with another copy can compare.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from flexnet.data.catalogue import DATASETS, Dataset, Unavailable
from flexnet.data.content import content_digest
from flexnet.data.mirror import read_mirror
from flexnet.jobs import run_job

Digests = dict[str, dict[str, dict[str, str]]]


def digests_of(mirror: str | Path) -> Digests:
    """Digests by dataset, split and number of images; what the mirror lacks is left out.

    Raises:
        DataError: if a split is damaged.
    """
    found = {name: _splits_of(mirror, record) for name, record in DATASETS.items()}
    return {name: splits for name, splits in found.items() if splits}


def _splits_of(mirror: str | Path, record: Dataset) -> dict[str, dict[str, str]]:
    splits = {}
    for split in record.splits:
        try:
            arrays = read_mirror(mirror, record, split)
        except Unavailable:
            continue
        splits[split] = {str(len(arrays)): content_digest(arrays)}
    return splits


def main(arguments: Sequence[str]) -> int:
    """Print the digests of the mirror named; return the exit status."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m flexnet.data.digests MIRROR\n")
        return 2
    return run_job(
        "flexnet.data.digests", None, lambda: print(json.dumps(digests_of(arguments[0]), indent=2))
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
