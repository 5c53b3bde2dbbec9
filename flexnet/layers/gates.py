"""The soft switch of the Flexible Layer paper, eq. (1): g MAX + (1 - g) conv.

With threshold T and sharpness s (50 in the paper), g = sigmoid(s (T - MAX)) is the share of the MAX
branch under the rule "below" (MAX where the pooled input lies below the threshold). The rule "above"
flips the sign of the argument; it is what the authors' released code does in its larger networks.
"""

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor

from flexnet.errors import ConfigError
from flexnet.layers.chunks import Buffers, batch_chunks, eager_cpu
from flexnet.layers.eager import one_node, ordinary_gradients, plain, sizes
from flexnet.options.layers.flexible import RULES

__all__ = ["RULES", "blend", "gate", "signed_sharpness"]


def signed_sharpness(rule: str, sharpness: float) -> float:
    """`sharpness` with the sign that the rule gives to the gate's argument.

    Raises:
        ConfigError: if the rule is unknown or the sharpness is not positive.
    """
    if rule not in RULES:
        raise ConfigError(f"expected a rule out of {RULES}; got {rule!r}")
    if not sharpness > 0:
        raise ConfigError(f"expected a positive sharpness; got {sharpness}; the rule sets the direction")
    return sharpness if rule == "below" else -sharpness


@one_node
def gate(f_max: Tensor, threshold: Tensor, rule: str = "below", sharpness: float = 50.0) -> Tensor:
    """Share g of the MAX branch in each unit, in [0,1] (Flexible Layer paper, eq. (1)).

    The share of the convolution is the gate of the other rule, not 1 - g: in float32 g rounds to 1 as
    soon as |T - MAX| > 0.34, while sigmoid(-z) keeps its digits down to 1e-38 (|T - MAX| = 1.7).

    Args:
        f_max: pooled input (N,C,H,W).
        threshold: T, broadcastable to (1,C,H,W).
        rule: "below" (MAX where f_max < T) or "above".
        sharpness: s, per unit of input.

    Returns:
        g (N,C,H,W), computed and returned in at least float32, since bfloat16 saturates at |T - MAX| = 0.12.

    Raises:
        ConfigError: if the rule is unknown or the sharpness is not positive.
    """
    return _share(_wide(threshold) - _wide(f_max), signed_sharpness(rule, sharpness))


@one_node
def blend(f_max: Tensor, f_conv: Tensor, threshold: Tensor, rule: str, sharpness: float) -> Tensor:
    """Mix the two branches by their gates, in the type of `f_conv` (Flexible Layer paper, eq. (1)).

    Args:
        f_max: pooled input (N,C,H,W).
        f_conv: convolved input (N,C,H,W).
        threshold: T, broadcastable to (1,C,H,W).
        rule: "below" or "above".
        sharpness: s, per unit of input.

    Raises:
        ConfigError: if the rule is unknown, the sharpness is not positive or a shape does not fit.
    """
    slope = signed_sharpness(rule, sharpness)
    dtype = f_conv.dtype
    threshold = _fitting(threshold, sizes(f_max), sizes(f_conv))
    f_max, f_conv, threshold = _wide(f_max), _wide(f_conv), _wide(threshold)
    if not eager_cpu(f_max, f_conv, threshold):
        return _blend(f_max, f_conv, threshold, slope).to(dtype)
    return _cached_blend(f_max, f_conv, threshold, slope).to(dtype)


def _fitting(threshold: Tensor, pooled: tuple[int, ...], convolved: tuple[int, ...]) -> Tensor:
    """The threshold with four dimensions, of which each is 1 or that of a unit's.

    Any other shape could be stretched, or stretch the branches, to something that nobody asked for.
    """
    threshold = threshold[(None,) * (4 - threshold.dim())] if threshold.dim() < 4 else threshold
    units = (1, *convolved[1:])
    fits = all(size in (1, most) for size, most in zip(sizes(threshold), units, strict=False))
    if pooled != convolved or threshold.dim() != len(units) or not fits:
        raise ConfigError(
            "expected branches of one shape (N,C,H,W) and a threshold that stretches to (1,C,H,W); "
            f"got MAX {pooled}, conv {convolved} and threshold {sizes(threshold)}"
        )
    return threshold


def _cached_blend(f_max: Tensor, f_conv: Tensor, threshold: Tensor, slope: float) -> Tensor:
    """`_blend` in cache-sized pieces, for any memory order."""
    if f_conv.is_contiguous() or not f_conv.is_contiguous(memory_format=torch.channels_last):
        return _chunked(f_max, f_conv, threshold, slope)
    # Channels last: seen as (N,H,W,C) all operands are contiguous, and the sum over images is fast.
    f_max, f_conv, threshold = (tensor.permute(0, 2, 3, 1) for tensor in (f_max, f_conv, threshold))
    return _chunked(f_max, f_conv, threshold, slope).permute(0, 3, 1, 2)


def _wide(tensor: Tensor) -> Tensor:
    """The tensor in float32, or in float64 if it is that already."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _limits(dtype: torch.dtype) -> tuple[float, float]:
    """Arguments beyond which a sigmoid is exactly 0 and exactly 1: (-88.8, 87.2) in float32.

    Clamping there changes no result, but larger arguments make exp(-z) a subnormal number, which
    slows the sigmoid down four times on CPU.
    """
    info = torch.finfo(dtype)
    return -math.log(info.max) - 0.1, -math.log(info.tiny) - 0.1


def _share(difference: Tensor, slope: float) -> Tensor:
    """sigmoid(slope * difference)."""
    return torch.sigmoid((difference * slope).clamp(*_limits(difference.dtype)))


def _shares(f_max: Tensor, threshold: Tensor, slope: float, buffers: Buffers) -> tuple[Tensor, Tensor]:
    """The gates of the MAX and of the conv branch, in buffers."""
    limits = _limits(f_max.dtype)
    argument = torch.sub(threshold, f_max, out=buffers.take_like("of_max", f_max)).mul_(slope)
    of_conv = torch.neg(argument, out=buffers.take_like("of_conv", f_max)).clamp_(*limits).sigmoid_()
    return argument.clamp_(*limits).sigmoid_(), of_conv


def _blend(f_max: Tensor, f_conv: Tensor, threshold: Tensor, slope: float) -> Tensor:
    """Eq. (1) as ordinary operations; the definition that `_ChunkedBlend` must agree with."""
    difference = threshold - f_max
    return _share(difference, slope) * f_max + _share(difference, -slope) * f_conv


def _chunked(f_max: Tensor, f_conv: Tensor, threshold: Tensor, slope: float) -> Tensor:
    operands = (f_max.contiguous(), f_conv.contiguous(), threshold.contiguous())
    result: Tensor = _ChunkedBlend.apply(*operands, slope)  # type: ignore[no-untyped-call]
    return result


class _ChunkedBlend(torch.autograd.Function):
    """Eq. (1) on CPU, forward and backward in cache-sized pieces; keeps only its operands.

    With g + h = 1 for the two gates, y = g m + h c has the derivatives
        dy/dT = s g h (m - c),   dy/dm = g - dy/dT,   dy/dc = h.
    Differentiating the two sigmoids separately gives the same sum, but as the difference of
    s g (1 - g) m and s h (1 - h) c, where 1 - g loses all digits once the gate is nearly closed.
    """

    @staticmethod
    def forward(ctx: Any, f_max: Tensor, f_conv: Tensor, threshold: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(f_max, f_conv, threshold)
        ctx.slope = slope
        output = torch.empty_like(f_conv)
        buffers = Buffers(f_conv)
        for part in batch_chunks(f_conv):
            of_max, of_conv = _shares(f_max[part], threshold, slope, buffers)
            torch.mul(of_max, f_max[part], out=output[part]).addcmul_(of_conv, f_conv[part])
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        operands = ctx.saved_tensors
        needed = ctx.needs_input_grad[:3]
        if torch.is_grad_enabled() or not plain(grad):  # ordinary operations have all rules
            mixed = partial(_blend, slope=ctx.slope)
            return *ordinary_gradients(mixed, operands, needed, grad), None
        results = [torch.empty_like(t) if need else None for t, need in zip(operands, needed, strict=True)]
        if results[2] is not None:
            results[2].zero_()
        buffers = Buffers(operands[0])
        for part in batch_chunks(operands[0]):
            _backward_chunk(grad, operands, results, ctx.slope, part, buffers)
        return *results, None


def _backward_chunk(
    grad: Tensor,
    operands: tuple[Tensor, ...],
    results: list[Tensor | None],
    slope: float,
    part: slice,
    buffers: Buffers,
) -> None:
    """Write the gradients of one piece of the batch into `results` (MAX, conv, threshold; None: skip)."""
    f_max, f_conv, threshold = operands[0][part], operands[1][part], operands[2]
    to_max, to_conv, to_threshold = results
    of_max, of_conv = _shares(f_max, threshold, slope, buffers)
    through_conv = torch.mul(of_conv, grad[part], out=of_conv if to_conv is None else to_conv[part])
    if to_max is None and to_threshold is None:
        return
    through_gate = torch.sub(f_max, f_conv, out=buffers.take_like("through_gate", f_max))
    through_gate.mul_(of_max).mul_(through_conv)
    if to_threshold is not None:
        to_threshold.add_(through_gate.sum_to_size(threshold.shape), alpha=slope)
    if to_max is not None:
        torch.mul(of_max, grad[part], out=to_max[part]).sub_(through_gate, alpha=slope)
