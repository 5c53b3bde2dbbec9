"""Max-pooling at stride 1 on a piece of a batch, one cheap operation of torch after another.

A rectangular maximum is the maximum along columns of the maximum along rows, 2(k-1) elementwise maxima of
shifted copies. A batch of images is one long vector here: a neighbour in a row lies one step ahead, one in a
column one row ahead, and what wraps around at the end of a row falls outside the output and is cropped.
"""

import torch
from torch import Tensor

from flexnet.layers.chunks import Buffers

Pair = tuple[int, int]


def pool_chunk(input: Tensor, kernel_size: Pair, dilation: Pair, out: Tensor, buffers: Buffers) -> None:
    """Write the maximum of each window of a dense `input` into `out`."""
    row, column = dilation[0] * input.stride(2), dilation[1] * input.stride(3)
    across = _running_max(_flat(input), column, kernel_size[1], "across", buffers)
    pooled = _running_max(across, row, kernel_size[0], "pooled", buffers)
    out.copy_(pooled.as_strided(out.shape, input.stride()))


def pool_backward_chunk(
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
