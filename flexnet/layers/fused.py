"""Eq. (1) of the Flexible Layer paper as one compiled pass over memory: the bytes of the passes, sooner.

A library of gates.cpp is used only after it gave the same bytes as `flexnet.layers.passes`. So it changes no
number whether there is one, and it may come at any time.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import torch
from torch import Tensor

from flexnet.layers.chunks import Buffers
from flexnet.layers.compiled import compile_library, library_path, load_library
from flexnet.layers.passes import Gradients, Mixer, Operands, Passes, add_threshold, limits

# torch computes what is left over after so many numbers in another way, with other roundings.
STRIDE = 32
PATIENCE = 10.0  # seconds that something must take to be worth a compilation
_libraries: dict[Path, ctypes.CDLL | None] = {}  # by their file; None: there is none that may be used


class Fused:
    """Pieces of a batch by a compiled library.

    Args:
        library: compiled from `SOURCE`.
        like: a whole batch, of which pieces will be given.
    """

    def __init__(self, library: ctypes.CDLL, like: Tensor) -> None:
        self.library, self.buffers = library, Buffers(like)

    def blend(self, given: Operands, out: Tensor) -> None:
        """As `Mixer` says."""
        self.library.flexnet_blend(*_addresses(*given[:3], out), *_sizes(given))

    def backward(self, given: Operands, grad: Tensor, results: Gradients) -> None:
        """As `Mixer` says."""
        to_max, to_conv, to_threshold = results
        through_gate = self.buffers.take_like("through_gate", given.f_max)
        asked = to_max, to_conv, None if to_threshold is None else through_gate
        grad = grad.contiguous()  # kept by its name until the library is done with it
        self.library.flexnet_blend_backward(*_addresses(*given[:3], grad, *asked), *_sizes(given))
        if to_threshold is not None:
            add_threshold(to_threshold, through_gate, given.slope)


def fused_mixer(f_conv: Tensor, threshold: Tensor) -> Mixer | None:
    """What computes pieces of a contiguous batch in one pass each, or None where passes must do it.

    One pass is for float32 and one thread, for a number of units that leaves nothing over, and for one
    threshold each or one for all.
    """
    units = f_conv[:1].numel()
    fits = f_conv.dtype == torch.float32 and units > 0 and units % STRIDE == 0
    if not (fits and threshold.numel() in (1, units) and torch.get_num_threads() == 1):
        return None
    library = _library()
    return None if library is None else Fused(library, f_conv)


def build() -> bool:
    """Compile the library unless there is one; return whether it can be used."""
    path = library_path()
    if path is not None and not path.is_file() and compile_library(path):
        _libraries.pop(path, None)
    return _library() is not None


@contextmanager
def compiled_meanwhile(patience: float = PATIENCE) -> Iterator[None]:
    """Compile beside the block, if it takes longer than so many seconds; what it computes stays the same."""
    timer = Timer(patience, build)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _library() -> ctypes.CDLL | None:
    """The library for this machine, if there is one that may be used; looked for once."""
    path = library_path()
    if path is None:
        return None
    if path not in _libraries:
        library = load_library(path)
        _libraries[path] = library if library is not None and agrees(library) else None
    return _libraries[path]


def _addresses(*tensors: Tensor | None) -> list[int | None]:
    return [None if tensor is None else tensor.data_ptr() for tensor in tensors]


def _sizes(given: Operands) -> tuple[int, int, int, float, float, float]:
    """Images, units of each, whether one threshold serves all, slope, bounds of the sigmoid's argument."""
    units = given.f_conv[:1].numel()
    single = given.threshold.numel() == 1
    return len(given.f_conv), units, single, given.slope, *limits(torch.float32)


@torch.no_grad()
def agrees(library: ctypes.CDLL) -> bool:
    """Whether a library gives the bytes that the passes give, numbers of all sizes and none included."""
    sizes = [0.0, 1e-45, 1e-39, 1e-30, 1e-10, 1e-3, 0.02, 0.3, 1.0, 1.7, 3.0, 1e4, 3e38, torch.inf, torch.nan]
    values = torch.tensor([*sizes, *(-size for size in sizes)], dtype=torch.float32, device="cpu")
    fine = torch.linspace(-2.5, 2.5, 2048, dtype=torch.float32, device="cpu")
    pairs = torch.cartesian_prod(values, values).T.reshape(2, -1)[:, : 900 // STRIDE * STRIDE]
    f_max = torch.cat([fine, fine.flip(0) / 50, pairs[0]]).repeat(2, 1)
    f_conv = torch.cat([fine.flip(0), fine.roll(700), pairs[1]]).repeat(2, 1)
    grad = torch.stack([f_conv[0].roll(11), f_max[1].roll(501)])
    for slope in (50.0, -50.0, 0.7):
        for threshold in (f_max[:1].roll(33), fine[1300:1301].view(1, 1)):
            given = Operands(f_max, f_conv, threshold, slope)
            if not all(
                map(_same, _all(Passes(f_conv), given, grad), _all(Fused(library, f_conv), given, grad))
            ):
                return False
    return True


def _all(mixer: Mixer, given: Operands, grad: Tensor) -> list[Tensor]:
    """Everything that a mixer computes."""
    found = [torch.empty_like(given.f_conv) for _ in range(4)]
    of_threshold = [torch.zeros_like(given.threshold) for _ in range(2)]
    mixer.blend(given, found[0])
    mixer.backward(given, grad, Gradients(found[1], found[2], of_threshold[0]))
    mixer.backward(given, grad, Gradients(None, None, of_threshold[1]))
    mixer.backward(given, grad, Gradients(None, found[3], None))
    return [*found, *of_threshold]


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same bytes, but for the many ways to write that something is no number."""
    equal = one.view(torch.int32) == other.view(torch.int32)
    return bool((equal | (one.isnan() & other.isnan())).all())
