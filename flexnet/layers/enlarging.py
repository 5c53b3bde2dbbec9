"""Enlarged kernels: the pull kernel of a push-pull layer is its push kernel, stretched.

The push-pull paper's, as the authors' released code makes it: stretched bilinearly with aligned corners and
divided by nothing, so that the corner weights of both kernels are the same.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from flexnet.layers.eager import ordinary_gradients

Known = tuple[Tensor, int, Tensor]  # a kernel bank, the side it was enlarged to, and what came of it


def enlarged_size(size: int, h: float) -> int:
    """Side in pixels of a kernel of side `size` that is enlarged by `h`: floor(size h), the next odd number.

    A factor of 1 leaves the kernel as it is, which matters for even sizes alone.
    """
    whole = math.floor(size * h)
    return size if h == 1 else whole + 1 - whole % 2


def enlarge(weight: Tensor, size: int) -> Tensor:
    """Stretch kernels (C', C, s, s) to (C', C, size, size), each slice by itself.

    Entry `a` of a side reads the coordinate a (s - 1) / (size - 1) of the old one. Differentiable and linear.
    """
    if weight.shape[-1] == size:
        return weight
    return F.interpolate(weight, (size, size), mode="bilinear", align_corners=True)


class Enlarged:
    """The kernels that a layer enlarged last, to be used as long as its weights are the same.

    They are compared by their values, because weights can be written to behind every counter (`weight.data`).
    On a processor that costs a fraction of what it saves; on a device it would wait for everything under way
    there, and stretching anew costs less. A copy of the layer starts with nothing.
    """

    def __init__(self) -> None:
        self._known: Known | None = None

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return (type(self), ())

    def of(self, weight: Tensor, size: int) -> Tensor:
        """Enlarge kernels in plain execution, or give what is known; gradients reach `weight` either way."""
        if weight.device.type != "cpu" or weight.shape[-1] == size:
            return enlarge(weight, size)
        known = self._known  # read once: replicas of a model share it between threads
        if known is None or not _same(known, weight, size):
            with torch.inference_mode(False), torch.no_grad():
                kept = weight.detach().clone()
                known = (kept, size, enlarge(kept, size))
            self._known = known
        if torch.is_grad_enabled() and weight.requires_grad:
            found: Tensor = _Stretched.apply(weight, known[2], size)  # type: ignore[no-untyped-call]
            return found
        return known[2]


def _same(known: Known, weight: Tensor, size: int) -> bool:
    kept, side, _ = known
    return (
        side == size
        and kept.dtype == weight.dtype
        and kept.stride() == weight.stride()  # the order in memory chooses the code of the convolution
        and torch.equal(kept, weight)
    )


class _Stretched(torch.autograd.Function):
    """Kernels with what they are known to be enlarged to."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, known: Tensor, size: int) -> Tensor:
        """Return what is known."""
        ctx.save_for_backward(weight)
        ctx.size = size
        return known.detach()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, None, None]:
        """Gradient of the kernels."""
        (found,) = ordinary_gradients(
            lambda weight: enlarge(weight, ctx.size), ctx.saved_tensors, [True], grads[0]
        )
        return found, None, None
