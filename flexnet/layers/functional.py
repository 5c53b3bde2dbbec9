"""The Flexible Layer as a function."""

from torch import Tensor
from torch.nn import functional as F

from flexnet.layers.gates import blend
from flexnet.layers.matching import match_channels
from flexnet.layers.pooling import Pair, max_pool


def max_branch(
    input: Tensor, channels: int, kernel_size: Pair, stride: Pair, padding: Pair, matching: str = "tile"
) -> Tensor:
    """f_MAX: max-pooled input with as many channels as the convolution has."""
    return match_channels(max_pool(input, kernel_size, stride, padding), channels, matching)


def flexible_conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    threshold: Tensor,
    *,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    rule: str = "below",
    sharpness: float = 50.0,
    matching: str = "tile",
) -> Tensor:
    """Convolve where the pooled input lies on one side of a threshold, max-pool where on the other.

    y = g f_MAX + (1 - g) f_conv with g = sigmoid(s (T - f_MAX)): Flexible Layer paper, eq. (1).

    Args:
        input: (N,C,H,W).
        weight: (K,C,h,w); the pool uses the same h x w windows.
        bias: (K,), or None.
        threshold: T, broadcastable to (1,K,H',W').
        stride: step of both branches.
        padding: of both branches; zero for the convolution, minus infinity for the pool.
        rule: "below" (MAX where f_MAX < T, the paper's equation) or "above" (the authors' released code).
        sharpness: s, the paper's 50.
        matching: rule by which the pooled channels are mapped to K.

    Returns:
        (N,K,H',W') in the type that the convolution gives; the gate is computed in float32 or better.

    Raises:
        ConfigError: if the rule, the sharpness or the matching is not allowed.
    """
    kernel = (weight.shape[2], weight.shape[3])
    pooled = max_branch(input, weight.shape[0], kernel, stride, padding, matching)
    return blend(pooled, F.conv2d(input, weight, bias, stride, padding), threshold, rule, sharpness)
