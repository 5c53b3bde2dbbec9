"""Max-pooling, the MAX branch of the Flexible Layer; on CPU several times faster than PyTorch's own.

`F.max_pool2d` walks every window on its own: for a batch of 100 x 64 x 32 x 32 and 3x3 windows its
forward pass takes three times as long as the convolution beside it. A square maximum is the maximum
along columns of the maximum along rows, so at stride 1 it is 2(k-1) elementwise maxima of shifted views,
which vectorise. Results and gradients are those of `F.max_pool2d`, ties included: both give the
gradient to the first maximum in row-major order.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from flexnet.layers.chunks import batch_chunks, eager_cpu

Pair = tuple[int, int]


def max_pool(input: Tensor, kernel_size: Pair, stride: Pair = (1, 1), padding: Pair = (0, 0)) -> Tensor:
    """Maximum of each window of `input` (N,C,H,W); padding counts as minus infinity, never as zero.

    Args:
        input: (N,C,H,W), any floating type.
        kernel_size: window height and width.
        stride: vertical and horizontal step.
        padding: rows and columns added on each side, at most half the window.

    Returns:
        (N,C,H',W') of the same type, as `F.max_pool2d` gives it.
    """
    if stride != (1, 1) or kernel_size == (1, 1) or not eager_cpu(input):
        return F.max_pool2d(input, kernel_size, stride, padding)
    if padding != (0, 0):
        rows, columns = padding
        input = F.pad(input, (columns, columns, rows, rows), value=-torch.inf)
    result: Tensor = _ShiftedMaxPool.apply(input, kernel_size)  # type: ignore[no-untyped-call]
    return result


class _ShiftedMaxPool(torch.autograd.Function):
    """Stride-1 max-pool of an already padded input. Keeps nothing but its input for the backward pass."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, kernel_size: Pair) -> Tensor:
        ctx.save_for_backward(input)
        ctx.kernel_size = kernel_size
        rows, columns = kernel_size
        size = (input.shape[2] - rows + 1, input.shape[3] - columns + 1)
        output = torch.empty_like(input[:, :, : size[0], : size[1]])
        for part in batch_chunks(input):
            across = _running_max(input[part], 3, columns)
            _running_max(across, 2, rows, out=output[part])
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None]:
        (input,) = ctx.saved_tensors
        if torch.is_grad_enabled():  # create_graph=True: leave the second derivative to PyTorch
            pooled = F.max_pool2d(input, ctx.kernel_size, 1)
            return torch.autograd.grad(pooled, input, grad, create_graph=True)[0], None
        rows, columns = ctx.kernel_size
        result = torch.empty_like(input)
        for part in batch_chunks(input):
            across, column_wins = _max_with_wins(input[part], 3, columns)
            _, row_wins = _max_with_wins(across, 2, rows)
            grad_across = _route(grad[part], 2, row_wins, torch.empty_like(across))
            _route(grad_across, 3, column_wins, result[part])
        return result, None


def _shifts(input: Tensor, dim: int, taps: int) -> list[Tensor]:
    """The `taps` views of `input` along `dim` that are one step apart and equally long."""
    length = input.shape[dim] - taps + 1
    return [input.narrow(dim, offset, length) for offset in range(taps)]


def _running_max(input: Tensor, dim: int, taps: int, out: Tensor | None = None) -> Tensor:
    """Maximum of `taps` neighbours along `dim`."""
    first, *others = _shifts(input, dim, taps)
    for shifted in others[:-1]:
        first = torch.maximum(first, shifted)
    if others:
        return torch.maximum(first, others[-1], out=out)
    return first if out is None else out.copy_(first)


def _max_with_wins(input: Tensor, dim: int, taps: int) -> tuple[Tensor, list[Tensor]]:
    """The running maximum, and for each later tap where it beats all earlier ones (1.0) or not (0.0).

    The flags are floats, because PyTorch vectorises float products on CPU but not boolean masking.
    """
    best, *others = _shifts(input, dim, taps)
    wins = []
    for shifted in others:
        wins.append(torch.gt(shifted, best, out=torch.empty_like(shifted)))
        best = torch.maximum(best, shifted)
    return best, wins


def _route(grad: Tensor, dim: int, wins: list[Tensor], out: Tensor) -> Tensor:
    """Send each gradient to the last tap that beat its predecessors, that is to the first maximum."""
    out.zero_()
    first, *others = _shifts(out, dim, len(wins) + 1)
    for target, win in zip(reversed(others), reversed(wins), strict=True):
        share = grad * win
        target.add_(share)
        grad = grad - share
    first.add_(grad)
    return out
