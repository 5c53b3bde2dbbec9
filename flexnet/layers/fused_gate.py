"""Eq. (1) of the Flexible Layer paper by a compiled library, one pass over memory in each direction."""

import ctypes

import torch
from torch import Tensor

from flexnet.layers.chunks import Buffers
from flexnet.layers.compiled import addresses
from flexnet.layers.gate_passes import Gradients, Operands, add_threshold, limits


class FusedGate:
    """Pieces of a batch, as `flexnet.layers.gate_passes.Mixer` says, of units that vectors divide.

    Args:
        library: compiled from kernels.cpp.
        like: the whole batch.
    """

    def __init__(self, library: ctypes.CDLL, like: Tensor) -> None:
        self.library, self.buffers = library, Buffers(like)

    def blend(self, given: Operands, out: Tensor) -> None:
        """As `Mixer` says."""
        self.library.flexnet_blend(*addresses(*given[:3], out), *_sizes(given))

    def backward(self, given: Operands, grad: Tensor, results: Gradients) -> None:
        """As `Mixer` says."""
        to_max, to_conv, to_threshold = results
        through_gate = self.buffers.take_like("through_gate", given.f_max)
        asked = to_max, to_conv, None if to_threshold is None else through_gate
        grad = grad.contiguous()  # kept by its name until the library is done with it
        self.library.flexnet_blend_backward(*addresses(*given[:3], grad, *asked), *_sizes(given))
        if to_threshold is not None:
            add_threshold(to_threshold, through_gate, given.slope)


def _sizes(given: Operands) -> tuple[int, int, int, float, float, float]:
    """Images, units of each, whether one threshold serves all, slope, bounds of the sigmoid's argument."""
    units = given.f_conv[:1].numel()
    single = given.threshold.numel() == 1
    return len(given.f_conv), units, single, given.slope, *limits(torch.float32)
