"""Where files can be made."""

import os
from pathlib import Path


def can_be_written(folder: str | Path) -> bool:
    """Whether files can be made below a folder, which need not be there yet."""
    place = Path(folder).absolute()
    # Not by `exists`, which raises where a folder above may not be read.
    there = next(path for path in (place, *place.parents) if os.access(path, os.F_OK))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
