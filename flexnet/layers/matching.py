"""Channel matching: giving the pooled input as many channels as the convolution has.

The Flexible Layer paper states no rule. "tile" covers all its networks: it is the identity for equal
counts, a broadcast for one input channel and a repetition of whole copies for integer multiples.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from flexnet.errors import ConfigError

MATCHINGS = ("tile", "interleave", "interp")


def match_channels(pooled: Tensor, channels: int, matching: str = "tile") -> Tensor:
    """Map pooled input (N,C,H,W) to (N,`channels`,H,W).

    Args:
        pooled: the MAX branch before matching.
        channels: number of output channels.
        matching: "tile" (output j takes channel j mod C), "interleave" (channel floor(j C / channels)) or
            "interp" (linear along the channels). With fewer output than input channels the first two take
            the maximum over all channels that would fall on the same output.

    Raises:
        ConfigError: if the matching is unknown.
    """
    if matching not in MATCHINGS:
        raise ConfigError(f"expected a matching out of {MATCHINGS}; got {matching!r}")
    given = pooled.shape[1]
    if given == channels:
        return pooled
    if matching == "interp":
        return _interpolated(pooled, channels)
    if given > channels:
        return _grouped_maximum(pooled, channels, matching)
    output = torch.arange(channels, device=pooled.device)
    return pooled[:, output % given if matching == "tile" else output * given // channels]


def _interpolated(pooled: Tensor, channels: int) -> Tensor:
    images, _, height, width = pooled.shape
    lines = pooled.flatten(2).transpose(1, 2)
    matched = F.interpolate(lines, size=channels, mode="linear", align_corners=False)
    return matched.transpose(1, 2).reshape(images, channels, height, width)


def _grouped_maximum(pooled: Tensor, channels: int, matching: str) -> Tensor:
    given = torch.arange(pooled.shape[1], device=pooled.device)
    group = given % channels if matching == "tile" else given * channels // pooled.shape[1]
    return torch.stack([pooled[:, group == output].amax(dim=1) for output in range(channels)], dim=1)
