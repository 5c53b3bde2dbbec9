"""What a file of an array claims to be, against its size: before memory is taken for it."""

import math
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np

from flexnet.errors import DataError

_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}

# What damaged and foreign headers raise, depending on where they break.
NO_HEADER = (
    *(OSError, ValueError, LookupError, EOFError, RecursionError, MemoryError),
    *(SyntaxError, TypeError),
)


def claimed(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape, type and bytes of the array that follows a header (`.npy`), as it says; -1 of what cannot be.

    Raises:
        ValueError: if it is no such header; of a damaged one any of `NO_HEADER`.
    """
    shape, _, kind = _READERS[np.lib.format.read_magic(stream)](stream)
    return shape, kind, math.prod(shape) * kind.itemsize if min(shape, default=0) >= 0 else -1


@cache
def require_array(path: str | Path) -> None:
    """Check that a file is one array (`.npy`) of numbers and as long as its header says.

    Raises:
        DataError: if it is cut, longer, pickled or something else; the message names it.
    """
    try:
        with Path(path).open("rb") as stream:
            shape, kind, size = claimed(stream)
            start, end = stream.tell(), stream.seek(0, 2)
    except NO_HEADER as error:
        told = str(error)[:200] or type(error).__name__
        raise DataError(f"{path}: expected an array of NumPy; got: {told}; get it again") from error
    if kind.hasobject or size != end - start:
        raise DataError(
            f"{path}: expected an array as long as its header says, {kind} of shape {shape}; got "
            f"{end - start:,} bytes; get it again"
        )
