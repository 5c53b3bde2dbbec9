"""The Flexible Layer as a function of tensors."""

import torch.nn.functional as F
from torch import Tensor

from flexnet.errors import ConfigError
from flexnet.layers.eager import one_node
from flexnet.layers.gates import blend, gate
from flexnet.layers.matching import match_channels
from flexnet.layers.pooling import Pair, max_pool

__all__ = ["Pair", "check_padding", "flexible_conv2d", "gate", "pair"]


def pair(size: int | Pair) -> Pair:
    """A size given once for both directions, or as (vertical, horizontal)."""
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))


def check_padding(kernel_size: Pair, padding: Pair) -> None:
    """Check that every pooling window can touch a pixel.

    Raises:
        ConfigError: if the padding exceeds half the kernel size.
    """
    if any(pad > size // 2 for pad, size in zip(padding, kernel_size, strict=True)):
        limits = tuple(size // 2 for size in kernel_size)
        raise ConfigError(
            f"max-pooling needs a padding of at most half the kernel size; got padding {padding} with kernel "
            f"size {kernel_size}; use at most {limits}, or pad the images beforehand"
        )


@one_node
def flexible_conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    threshold: Tensor,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    rule: str = "below",
    sharpness: float = 50.0,
    matching: str = "tile",
) -> Tensor:
    """Switch softly between convolution and max-pooling in every unit (Flexible Layer paper, eq. (1)).

    Both branches use the kernel size of `weight`, the stride and the padding; padding is zero for the
    convolution and minus infinity for the maximum.

    Args:
        input: (N,C,H,W).
        weight: (C',C,k,k).
        bias: (C',) or None.
        threshold: T, broadcastable to (1,C',H',W'), in units of the input.
        stride: step of both branches.
        padding: border of both branches, at most half the kernel size.
        rule: "below" takes MAX where the pooled input lies below T, "above" where it lies above.
        sharpness: slope of the gate per unit of input.
        matching: how pooled channels are mapped to output channels, see `match_channels`.

    Returns:
        (N,C',H',W') in the type of the convolution. The gate is computed in float32 at least.

    Raises:
        ConfigError: if the rule, the sharpness, the matching or the padding is not allowed.
    """
    kernel_size = (weight.shape[2], weight.shape[3])
    check_padding(kernel_size, pair(padding))
    pooled = max_pool(input, kernel_size, pair(stride), pair(padding))
    convolved = F.conv2d(input, weight, bias, pair(stride), pair(padding))
    return blend(match_channels(pooled, weight.shape[0], matching), convolved, threshold, rule, sharpness)
