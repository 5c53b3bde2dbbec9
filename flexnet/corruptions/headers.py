"""What a file of an array claims to be, against its size: before a job starts, and without reading it."""

import math
from functools import cache
from pathlib import Path

import numpy as np

from flexnet.errors import DataError

_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@cache
def require_array(path: str | Path) -> None:
    """Check that a file is one array (`.npy`) of numbers and as long as its header says.

    Raises:
        DataError: if it is cut, longer, pickled or something else; the message names it.
    """
    try:
        with Path(path).open("rb") as stream:
            shape, _, kind = _READERS[np.lib.format.read_magic(stream)](stream)
            start, end = stream.tell(), stream.seek(0, 2)
    except (OSError, ValueError, LookupError, EOFError, RecursionError, MemoryError) as error:
        told = str(error)[:200] or type(error).__name__
        raise DataError(f"{path}: expected an array of NumPy; got: {told}; get it again") from error
    if kind.hasobject or min(shape, default=0) < 0 or math.prod(shape) * kind.itemsize != end - start:
        raise DataError(
            f"{path}: expected an array as long as its header says, {kind} of shape {shape}; got "
            f"{end - start:,} bytes; get it again"
        )
