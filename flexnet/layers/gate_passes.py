"""Eq. (1) of the Flexible Layer paper on a piece of a batch, one cheap operation of torch after another.

With g + h = 1 for the two gates, y = g m + h c has the derivatives
    dy/dT = s g h (m - c),   dy/dm = g - dy/dT,   dy/dc = h.
Differentiating the two sigmoids separately gives the same sum, but as the difference of s g (1 - g) m and
s h (1 - h) c, where 1 - g loses all digits once the gate is nearly closed.
"""

import math
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from flexnet.layers.chunks import Buffers


class Operands(NamedTuple):
    """MAX and convolved branch of some images, contiguous and of one shape, with thresholds that fit.

    `slope` is the sharpness with the sign of the rule.
    """

    f_max: Tensor
    f_conv: Tensor
    threshold: Tensor
    slope: float


class Gradients(NamedTuple):
    """Where the gradients of the three operands go; None for those that nobody needs."""

    to_max: Tensor | None
    to_conv: Tensor | None
    to_threshold: Tensor | None


class Mixer(Protocol):
    """A way to compute eq. (1) and its derivatives."""

    def blend(self, given: Operands, out: Tensor) -> None:
        """Write the mixture of both branches into `out`."""
        ...

    def backward(self, given: Operands, grad: Tensor, results: Gradients) -> None:
        """Write gradients of the branches into `results`, and add that of the thresholds to what is there."""
        ...


def limits(dtype: torch.dtype) -> tuple[float, float]:
    """Arguments beyond which a sigmoid is exactly 0 and exactly 1: (-88.8, 87.2) in float32.

    Clamping there changes no result, but larger arguments make exp(-z) a subnormal number, which
    slows the sigmoid down four times on CPU.
    """
    info = torch.finfo(dtype)
    return -math.log(info.max) - 0.1, -math.log(info.tiny) - 0.1


class Passes:
    """Operations of torch into buffers that stay in a processor's cache.

    Args:
        like: a whole batch, of which pieces will be given.
    """

    def __init__(self, like: Tensor) -> None:
        self.buffers = Buffers(like)

    def blend(self, given: Operands, out: Tensor) -> None:
        """As `Mixer` says."""
        of_max, of_conv = self._shares(given)
        torch.mul(of_max, given.f_max, out=out).addcmul_(of_conv, given.f_conv)

    def backward(self, given: Operands, grad: Tensor, results: Gradients) -> None:
        """As `Mixer` says."""
        to_max, to_conv, to_threshold = results
        of_max, of_conv = self._shares(given)
        through_conv = torch.mul(of_conv, grad, out=of_conv if to_conv is None else to_conv)
        if to_max is None and to_threshold is None:
            return
        buffer = self.buffers.take_like("through_gate", given.f_max)
        through_gate = torch.sub(given.f_max, given.f_conv, out=buffer).mul_(of_max).mul_(through_conv)
        if to_threshold is not None:
            add_threshold(to_threshold, through_gate, given.slope)
        if to_max is not None:
            torch.mul(of_max, grad, out=to_max).sub_(through_gate, alpha=given.slope)

    def _shares(self, given: Operands) -> tuple[Tensor, Tensor]:
        """The gates of the MAX and of the conv branch, in buffers."""
        f_max, bounds = given.f_max, limits(given.f_max.dtype)
        room = self.buffers.take_like("of_max", f_max)
        argument = torch.sub(given.threshold, f_max, out=room).mul_(given.slope)
        of_conv = torch.neg(argument, out=self.buffers.take_like("of_conv", f_max)).clamp_(*bounds)
        return argument.clamp_(*bounds).sigmoid_(), of_conv.sigmoid_()


def add_threshold(to_threshold: Tensor, through_gate: Tensor, slope: float) -> None:
    """Add to the thresholds' gradient what the gates of some images pass on."""
    to_threshold.add_(through_gate.sum_to_size(to_threshold.shape), alpha=slope)
