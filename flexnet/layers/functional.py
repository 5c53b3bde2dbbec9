"""The Flexible Layer as a function of tensors."""

from operator import index
from typing import SupportsIndex

import torch
import torch.nn.functional as F
from torch import Tensor

from flexnet.errors import ConfigError
from flexnet.layers.eager import one_node
from flexnet.layers.gates import blend, gate
from flexnet.layers.matching import match_channels
from flexnet.layers.pooling import Pair, extent, max_pool

__all__ = ["Pair", "check_padding", "flexible_conv2d", "gate", "match_groups", "pair"]


def pair(size: int | Pair) -> Pair:
    """A size given once for both directions, or as (vertical, horizontal).

    Raises:
        ConfigError: if it is neither one whole number nor two.
    """
    sides = size if isinstance(size, list | tuple) else (size, size)
    try:
        vertical, horizontal = (_whole(side) for side in sides)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"expected a size as one whole number or as two, (vertical, horizontal); got {size!r}; give it so"
        ) from error
    return vertical, horizontal


def _whole(side: SupportsIndex) -> int:
    """A number as Python's own, also one of NumPy or of a tracer; true and false are none."""
    if isinstance(side, bool):
        raise TypeError("expected a whole number")
    return side if isinstance(side, int) else index(side)


def check_padding(kernel_size: Pair, padding: Pair, dilation: Pair = (1, 1)) -> None:
    """Check that every pooling window can touch a pixel.

    Raises:
        ConfigError: if the padding exceeds half the window.
    """
    limits = tuple(size // 2 for size in extent(kernel_size, dilation))
    if any(pad > limit for pad, limit in zip(padding, limits, strict=True)):
        spread = "" if dilation == (1, 1) else f" and dilation {dilation}"
        raise ConfigError(
            f"max-pooling needs a padding of at most half the window; got padding {padding} with kernel "
            f"size {kernel_size}{spread}; use at most {limits}, or pad the images beforehand"
        )


def match_groups(pooled: Tensor, out_channels: int, matching: str, groups: int) -> Tensor:
    """Map pooled channels to output channels within each group of a convolution: (N,C,H,W) to (N,C',H,W)."""
    if groups == 1:
        return match_channels(pooled, out_channels, matching)
    parts = [match_channels(part, out_channels // groups, matching) for part in pooled.chunk(groups, 1)]
    return torch.cat(parts, 1)


@one_node
def flexible_conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    threshold: Tensor,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
    rule: str = "below",
    sharpness: float = 50.0,
    matching: str = "tile",
) -> Tensor:
    """Switch softly between convolution and max-pooling in every unit (Flexible Layer paper, eq. (1)).

    Both branches use the kernel size of `weight`, the stride, the padding and the dilation; padding is zero
    for the convolution and minus infinity for the maximum. A unit of a group sees its own channels in both.

    Args:
        input: (N,C,H,W).
        weight: (C',C/groups,k,k).
        bias: (C',) or None.
        threshold: T, broadcastable to (1,C',H',W'), in units of the input.
        stride: step of both branches.
        padding: border of both branches, at most half the window.
        dilation: distance between the entries of a window, in both branches.
        groups: of channels that do not see each other.
        rule: "below" takes MAX where the pooled input lies below T, "above" where it lies above.
        sharpness: slope of the gate per unit of input.
        matching: how pooled channels are mapped to output channels, see `match_channels`.

    Returns:
        (N,C',H',W') in the type of the convolution. The gate is computed in float32 at least.

    Raises:
        ConfigError: if the rule, the sharpness, the matching or the padding is not allowed.
    """
    kernel_size = (weight.shape[2], weight.shape[3])
    check_padding(kernel_size, pair(padding), pair(dilation))
    pooled = max_pool(input, kernel_size, pair(stride), pair(padding), pair(dilation))
    convolved = F.conv2d(input, weight, bias, pair(stride), pair(padding), pair(dilation), groups)
    matched = match_groups(pooled, weight.shape[0], matching, groups)
    return blend(matched, convolved, threshold, rule, sharpness)
