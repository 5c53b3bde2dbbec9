"""Gate and pool of the Flexible Layer as one compiled pass over memory each: the same numbers, sooner.

A library of kernels.cpp is used only after it gave the same numbers as `flexnet.layers.gate_passes` and
`flexnet.layers.pool_passes`. So it changes none whether there is one, and it may come at any time.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import torch
from torch import Tensor

from flexnet.layers.agreement import agrees
from flexnet.layers.compiled import compile_library, library_path, load_library
from flexnet.layers.fused_gate import FusedGate
from flexnet.layers.fused_pool import SIDES, FusedPool

# torch computes what is left over after so many numbers in another way, with other roundings.
STRIDE = 32
_allowed = [True]
PATIENCE = 30.0  # seconds that something must take to be worth a compilation
_libraries: dict[Path, ctypes.CDLL | None] = {}  # by their file; None: there is none that may be used


def fused_gate(f_conv: Tensor, threshold: Tensor) -> FusedGate | None:
    """What computes pieces of a contiguous batch in one pass each, or None where passes must do it.

    One pass is for float32 and one thread, for a number of units that leaves nothing over, and for one
    threshold each or one for all.
    """
    units = f_conv[:1].numel()
    if units == 0 or units % STRIDE or threshold.numel() not in (1, units):
        return None
    library = _ready(f_conv)
    return None if library is None else FusedGate(library, f_conv)


def fused_pool(input: Tensor, kernel_size: tuple[int, int], dilation: tuple[int, int]) -> FusedPool | None:
    """What pools a dense batch in one pass, or None where passes must do it.

    One pass is for float32 and one thread, and for squares of pixels that lie side by side.
    """
    side, other = kernel_size
    if side != other or side not in SIDES or dilation != (1, 1) or not input.numel():
        return None
    library = _ready(input)
    return None if library is None else FusedPool(library, side)


def build() -> bool:
    """Compile the library unless there is one; return whether it can be used."""
    path = library_path()
    if path is not None and not path.is_file() and compile_library(path):
        _libraries.pop(path, None)
    return _library() is not None


@contextmanager
def compiled_meanwhile(patience: float = PATIENCE) -> Iterator[None]:
    """Compile beside the block, if it takes longer than so many seconds; what it computes stays the same.

    With several threads nothing would use the library, so nothing is compiled.
    """
    if torch.get_num_threads() != 1:
        yield
        return
    timer = Timer(patience, build)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


@contextmanager
def operations_alone() -> Iterator[None]:
    """Compute with operations of torch alone inside the block, to compare."""
    _allowed.append(False)
    try:
        yield
    finally:
        _allowed.pop()


def _ready(like: Tensor) -> ctypes.CDLL | None:
    """The library, if it computes with such tensors here."""
    fits = like.dtype == torch.float32 and torch.get_num_threads() == 1
    return _library() if fits and _allowed[-1] else None


def _library() -> ctypes.CDLL | None:
    """The library for this machine, if there is one that may be used; looked for once."""
    path = library_path()
    if path is None:
        return None
    try:  # once: what compiles beside this may take the entry away at any time
        return _libraries[path]
    except KeyError:
        library = load_library(path)
        found = _libraries[path] = library if library is not None and agrees(library) else None
        return found
