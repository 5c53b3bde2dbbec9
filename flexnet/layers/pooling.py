"""Max-pooling, the MAX branch of the Flexible Layer; on CPU several times faster than PyTorch's own.

`F.max_pool2d` walks every window on its own: for 100 x 64 x 32 x 32 inputs and 3x3 windows its forward
pass alone takes three times as long as that of the convolution beside it.

Results and gradients are those of `F.max_pool2d`, ties included: both give the whole gradient to the
first maximum in row-major order.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from flexnet.layers.chunks import Buffers, batch_chunks, dense, eager_cpu
from flexnet.layers.eager import one_node, ordinary_gradients, plain
from flexnet.layers.fused import fused_pool
from flexnet.layers.pool_passes import Pair as Pair
from flexnet.layers.pool_passes import pool_backward_chunk, pool_chunk


@one_node
def max_pool(
    input: Tensor,
    kernel_size: Pair,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
) -> Tensor:
    """Maximum of each window of `input`; padding counts as minus infinity, never as zero.

    Args:
        input: (N,C,H,W), any floating type.
        kernel_size: window height and width.
        stride: vertical and horizontal step.
        padding: rows and columns added on each side, at most half the window of that extent.
        dilation: vertical and horizontal distance between the entries of a window.

    Returns:
        (N,C,H',W') of the same type, as `F.max_pool2d` gives it.
    """
    beyond = any(pad > size // 2 for pad, size in zip(padding, kernel_size, strict=True))
    ours = stride == (1, 1) and eager_cpu(input) and _fits(input, extent(kernel_size, dilation), padding)
    if beyond or (ours and padding != (0, 0)):  # PyTorch itself pads by half the kernel at most
        rows, columns = padding
        input, padding = F.pad(input, (columns, columns, rows, rows), value=-torch.inf), (0, 0)
    if not ours:
        return F.max_pool2d(input, kernel_size, stride, padding, dilation)
    result: Tensor = _ShiftedMaxPool.apply(dense(input), kernel_size, dilation)  # type: ignore[no-untyped-call]
    return result


def extent(kernel_size: Pair, dilation: Pair) -> Pair:
    """Height and width in pixels of a window whose entries lie `dilation` apart."""
    return (kernel_size[0] - 1) * dilation[0] + 1, (kernel_size[1] - 1) * dilation[1] + 1


def _fits(input: Tensor, window: Pair, padding: Pair) -> bool:
    """Whether there is at least one window; else PyTorch says what is wrong."""
    sides = zip(input.shape[2:], padding, window, strict=True)
    return all(side + 2 * pad >= k for side, pad, k in sides)


class _ShiftedMaxPool(torch.autograd.Function):
    """Stride-1 max-pool of a dense (N,C,H,W) tensor; keeps nothing but its input for the backward pass."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, kernel_size: Pair, dilation: Pair) -> Tensor:
        ctx.save_for_backward(input)
        ctx.kernel_size, ctx.dilation = kernel_size, dilation
        window = extent(kernel_size, dilation)
        height, width = input.shape[2] - window[0] + 1, input.shape[3] - window[1] + 1
        output = torch.empty_like(input[:, :, :height, :width])
        fused = fused_pool(input, kernel_size, dilation)
        if fused is not None:
            fused.pool(input, output)
            return output
        buffers = Buffers(input)
        for part in batch_chunks(input):
            pool_chunk(input[part], kernel_size, dilation, output[part], buffers)
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None, None]:
        (input,) = ctx.saved_tensors
        if torch.is_grad_enabled() or not plain(grad):  # PyTorch's own pool has all rules
            window = {"kernel_size": ctx.kernel_size, "stride": 1, "dilation": ctx.dilation}
            found = ordinary_gradients(lambda x: F.max_pool2d(x, **window), [input], [True], grad)
            return found[0], None, None
        result = torch.empty_like(input)
        fused = fused_pool(input, ctx.kernel_size, ctx.dilation)
        if fused is not None:
            fused.backward(input, grad, result)
            return result, None, None
        buffers = Buffers(input)
        for part in batch_chunks(input):
            pool_backward_chunk(input[part], grad[part], ctx.kernel_size, ctx.dilation, result[part], buffers)
        return result, None, None
