"""Max-pooling at stride 1 by a compiled library, one pass over memory in each direction."""

import ctypes

import torch
from torch import Tensor

from flexnet.layers.compiled import addresses

SIDES = range(2, 6)


class FusedPool:
    """Whole batches in either order of memory.

    Args:
        library: compiled from kernels.cpp.
        side: of the square that is pooled, one of `SIDES`.
    """

    def __init__(self, library: ctypes.CDLL, side: int) -> None:
        self.library, self.side = library, side

    def pool(self, input: Tensor, out: Tensor) -> None:
        """Write the maximum of each window of a dense (N,C,H,W) into `out`, in the same order of memory."""
        self.library.flexnet_pool(*addresses(input, out), self.side, *self._maps(input))

    def backward(self, input: Tensor, grad: Tensor, out: Tensor) -> None:
        """Write the gradient with respect to the input into `out`, in the order of memory of the input."""
        order = torch.contiguous_format if input.is_contiguous() else torch.channels_last
        grad = grad.contiguous(memory_format=order)  # kept by its name until the library is done with it
        self.library.flexnet_pool_backward(*addresses(input, grad, out), self.side, *self._maps(input))

    def _maps(self, input: Tensor) -> tuple[int, int, int, int, int, int]:
        """Blocks that share no window, their size, steps of rows and columns; rows of windows, their size."""
        images, channels, height, width = input.shape
        rows, columns = height - self.side + 1, width - self.side + 1
        if input.is_contiguous():
            return images * channels, height * width, width, 1, rows, columns
        row = width * channels
        return images, height * row, row, channels, rows, columns * channels
