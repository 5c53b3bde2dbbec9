"""Max-pooling, the MAX branch of the Flexible Layer; on CPU several times faster than PyTorch's own.

`F.max_pool2d` walks every window on its own: for 100 x 64 x 32 x 32 inputs and 3x3 windows its forward
pass alone takes three times as long as that of the convolution beside it. A rectangular maximum is the
maximum along columns of the maximum along rows, so at stride 1 it is 2(k-1) elementwise maxima of shifted
copies. Here an image batch is one long vector: a neighbour in a row lies one step ahead, a neighbour in a
column one row ahead, and what wraps around at the end of a row falls outside the output and is cropped.

Results and gradients are those of `F.max_pool2d`, ties included: both give the whole gradient to the
first maximum in row-major order.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from flexnet.layers.chunks import Buffers, batch_chunks, dense, eager_cpu
from flexnet.layers.eager import one_node, ordinary_gradients, plain

Pair = tuple[int, int]


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
        ctx.kernel_size, ctx.dilation = (rows, columns), (down, right) = kernel_size, dilation
        window = extent(kernel_size, dilation)
        height, width = input.shape[2] - window[0] + 1, input.shape[3] - window[1] + 1
        output = torch.empty_like(input[:, :, :height, :width])
        buffers = Buffers(input)
        for part in batch_chunks(input):
            across = _running_max(_flat(input[part]), right * input.stride(3), columns, "across", buffers)
            pooled = _running_max(across, down * input.stride(2), rows, "pooled", buffers)
            output[part].copy_(pooled.as_strided(output[part].shape, input.stride()))
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None, None]:
        (input,) = ctx.saved_tensors
        if torch.is_grad_enabled() or not plain(grad):  # PyTorch's own pool has all rules
            window = {"kernel_size": ctx.kernel_size, "stride": 1, "dilation": ctx.dilation}
            found = ordinary_gradients(lambda x: F.max_pool2d(x, **window), [input], [True], grad)
            return found[0], None, None
        result = torch.empty_like(input)
        buffers = Buffers(input)
        for part in batch_chunks(input):
            _backward_chunk(input[part], grad[part], ctx.kernel_size, ctx.dilation, result[part], buffers)
        return result, None, None


def _backward_chunk(
    input: Tensor, grad: Tensor, kernel_size: Pair, dilation: Pair, out: Tensor, buffers: Buffers
) -> None:
    """Write the gradient with respect to `input` into `out`; the maxima are found again, not remembered."""
    row, column = dilation[0] * input.stride(2), dilation[1] * input.stride(3)
    column_wins = _wins(_flat(input), column, kernel_size[1], "column", buffers)
    across = _running_max(_flat(input), column, kernel_size[1], "across", buffers)
    row_wins = _wins(across, row, kernel_size[0], "row", buffers)
    out.zero_()
    out.as_strided(grad.shape, input.stride()).copy_(grad)
    _route(_flat(out)[: across.numel()], row, row_wins)
    _route(_flat(out), column, column_wins)


def _flat(tensor: Tensor) -> Tensor:
    """A dense tensor as the vector that lies in memory."""
    return tensor.as_strided((tensor.numel(),), (1,))


def _shifts(vector: Tensor, step: int, taps: int) -> list[Tensor]:
    """The vector, and the vector from `step`, 2 `step`, ... on, all cut to the length of the last."""
    length = vector.numel() - step * (taps - 1)
    return [vector.narrow(0, step * tap, length) for tap in range(taps)]


def _running_max(vector: Tensor, step: int, taps: int, name: str, buffers: Buffers) -> Tensor:
    """Maximum of `taps` entries that lie `step` apart, starting at each entry, in the buffer `name`."""
    best, *others = _shifts(vector, step, taps)
    for shifted in others:
        best = torch.maximum(best, shifted, out=buffers.take(name, best.numel()))
    return best


def _wins(vector: Tensor, step: int, taps: int, name: str, buffers: Buffers) -> list[Tensor]:
    """For each tap but the first: where it beats all earlier ones (1.0) or not (0.0).

    The flags are floats: PyTorch vectorises float products on CPU, but not masking by booleans.
    """
    best, *others = _shifts(vector, step, taps)
    wins = []
    for tap, shifted in enumerate(others):
        wins.append(torch.gt(shifted, best, out=buffers.take(f"{name}{tap}", best.numel())))
        if tap + 1 < len(others):
            best = torch.maximum(best, shifted, out=buffers.take("earlier", best.numel()))
    return wins


def _route(grad: Tensor, step: int, wins: list[Tensor]) -> None:
    """Send each gradient to the last tap that beat its predecessors, that is to the first maximum.

    In place: `grad` holds each window's gradient at its first entry, then each entry's. Uses up `wins`.
    """
    rest, *others = _shifts(grad, step, len(wins) + 1)
    shares = []
    for tap in reversed(range(len(wins))):
        shares.append(torch.mul(rest, wins[tap], out=wins[tap]))
        rest.sub_(shares[-1])
    for target, share in zip(reversed(others), shares, strict=True):
        target.add_(share)
