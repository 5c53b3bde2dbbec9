"""Where a corrupted set lies that somebody has; without torch."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flexnet.errors import DataError

LABELS: Final = "labels"
MIRROR: Final = "FLEXNET_DATA_MIRROR"


def folder_of(given: str) -> Path:
    """The folder of a corrupted set: as it is called, or else below the data mirror.

    Raises:
        DataError: if there is none.
    """
    mirror = os.environ.get(MIRROR)
    places = [Path(given).expanduser(), *([Path(mirror).expanduser() / given] if mirror else [])]
    for place in places:
        if place.is_dir():
            return place
    looked = " or ".join(map(str, places))
    raise DataError(
        f"expected a corrupted set in the folder {looked}; there is no such folder; check the path"
    )


def require_complete(folder: Path, names: Sequence[str]) -> None:
    """Check that no file of a corrupted set is missing.

    Raises:
        DataError: naming those that are.
    """
    if not folder.is_dir():
        raise DataError(
            f"expected a corrupted set in the folder {folder}; there is no such folder; check the path"
        )
    missing = [f"{name}.npy" for name in (*names, LABELS) if not (folder / f"{name}.npy").is_file()]
    if missing or not names:
        raise DataError(
            f"{folder}: expected the files of a corrupted set; missing are {missing}; get or make the whole "
            "set again"
        )


def files_of(given: str, names: Sequence[str]) -> list[str]:
    """The files that hold some corruptions of a set, and its labels.

    Raises:
        DataError: if the folder or a file is missing.
    """
    folder = folder_of(given)
    require_complete(folder, names)
    return [str(folder / f"{name}.npy") for name in (*names, LABELS)]
