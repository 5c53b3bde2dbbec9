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
from flexnet.layers.chunks import batch_chunks, eager_cpu
from flexnet.layers.eager import one_node, ordinary_gradients, plain, sizes
from flexnet.layers.fused import fused_gate
from flexnet.layers.gate_passes import Gradients, Mixer, Operands, Passes, limits
from flexnet.options.layers.flexible import RULES

__all__ = ["RULES", "blend", "gate", "signed_sharpness"]


def signed_sharpness(rule: str, sharpness: float) -> float:
    """`sharpness` with the sign that the rule gives to the gate's argument.

    Raises:
        ConfigError: if the rule is unknown or the sharpness is not a positive number.
    """
    if rule not in RULES:
        raise ConfigError(f"expected a rule out of {RULES}; got {rule!r}")
    if not 0 < sharpness < math.inf:  # an infinite one is no number where MAX equals the threshold
        raise ConfigError(
            f"expected a finite positive sharpness; got {sharpness}; the rule sets the direction"
        )
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
        ConfigError: if the rule is unknown or the sharpness is not a positive number.
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
        ConfigError: if the rule is unknown, the sharpness is not a positive number or a shape does not fit.
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


def _share(difference: Tensor, slope: float) -> Tensor:
    """sigmoid(slope * difference)."""
    argument = difference * slope
    if argument.device.type == "cpu":  # changes no number; elsewhere it costs passes and saves nothing
        argument = argument.clamp(*limits(argument.dtype))
    return torch.sigmoid(argument)


def _blend(f_max: Tensor, f_conv: Tensor, threshold: Tensor, slope: float) -> Tensor:
    """Eq. (1) as ordinary operations; the definition that `_ChunkedBlend` must agree with."""
    difference = threshold - f_max
    return _share(difference, slope) * f_max + _share(difference, -slope) * f_conv


def _chunked(f_max: Tensor, f_conv: Tensor, threshold: Tensor, slope: float) -> Tensor:
    operands = (f_max.contiguous(), f_conv.contiguous(), threshold.contiguous())
    result: Tensor = _ChunkedBlend.apply(*operands, slope)  # type: ignore[no-untyped-call]
    return result


class _ChunkedBlend(torch.autograd.Function):
    """Eq. (1) on CPU, forward and backward in cache-sized pieces; keeps only its operands."""

    @staticmethod
    def forward(ctx: Any, f_max: Tensor, f_conv: Tensor, threshold: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(f_max, f_conv, threshold)
        ctx.slope = slope
        output = torch.empty_like(f_conv)
        mixer = _mixer(f_conv, threshold)
        for part in batch_chunks(f_conv):
            mixer.blend(Operands(f_max[part], f_conv[part], threshold, slope), output[part])
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        operands = ctx.saved_tensors
        needed = ctx.needs_input_grad[:3]
        if torch.is_grad_enabled() or not plain(grad):  # ordinary operations have all rules
            mixed = partial(_blend, slope=ctx.slope)
            return *ordinary_gradients(mixed, operands, needed, grad), None
        f_max, f_conv, threshold = operands
        results = [torch.empty_like(t) if need else None for t, need in zip(operands, needed, strict=True)]
        to_max, to_conv, to_threshold = results
        if to_threshold is not None:
            to_threshold.zero_()
        mixer = _mixer(f_conv, threshold)
        for part in batch_chunks(f_conv):
            given = Operands(f_max[part], f_conv[part], threshold, ctx.slope)
            wanted = Gradients(_piece(to_max, part), _piece(to_conv, part), to_threshold)
            mixer.backward(given, grad[part], wanted)
        return *results, None


def _piece(result: Tensor | None, part: slice) -> Tensor | None:
    return None if result is None else result[part]


def _mixer(f_conv: Tensor, threshold: Tensor) -> Mixer:
    """What computes pieces of this batch: one compiled pass where that is ready, else operations of torch."""
    return fused_gate(f_conv, threshold) or Passes(f_conv)
