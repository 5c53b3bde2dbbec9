"""Giving the MAX branch as many channels as the convolution has.

The Flexible Layer paper lists no rule. Where the numbers agree there is nothing to do, and a single
input channel goes to all outputs under every rule.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from flexnet.errors import ConfigError
from flexnet.layers.eager import one_node, sizes
from flexnet.options.layers.flexible import MATCHINGS

__all__ = ["MATCHINGS", "match_channels"]


@one_node
def match_channels(pooled: Tensor, out_channels: int, matching: str = "tile") -> Tensor:
    """Map the channels of `pooled` (N,C,H,W) to `out_channels` channels.

    Args:
        pooled: pooled input (N,C,H,W).
        out_channels: number of channels wanted, C'.
        matching: "tile" gives output j the channel j mod C; "interleave" floor(j C / C'); "interp"
            interpolates linearly along channels (their centres, not their ends, are aligned). With fewer
            outputs than inputs, "tile" and "interleave" take the maximum over the channels i that share
            an output: i mod C' and floor(i C' / C).

    Returns:
        (N,C',H,W).

    Raises:
        ConfigError: if the matching is unknown.
    """
    if matching not in MATCHINGS:
        raise ConfigError(f"expected a matching out of {MATCHINGS}; got {matching!r}")
    channels = sizes(pooled)[1]
    if channels == out_channels:
        return pooled
    if channels == 1:
        return pooled.expand(-1, out_channels, -1, -1)
    if matching == "interp":
        return _interpolate(pooled, out_channels)
    if channels < out_channels:
        source = torch.arange(out_channels, device=pooled.device)
        source = source % channels if matching == "tile" else source * channels // out_channels
        return pooled.index_select(1, source)
    return pooled[:, _groups(channels, out_channels, matching, pooled.device)].amax(2)


def _interpolate(pooled: Tensor, out_channels: int) -> Tensor:
    batch, channels, height, width = pooled.shape
    lines = pooled.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
    lines = F.interpolate(lines, size=out_channels, mode="linear", align_corners=False)
    return lines.reshape(batch, height, width, out_channels).permute(0, 3, 1, 2)


def _groups(channels: int, out_channels: int, matching: str, device: torch.device) -> Tensor:
    """Input channels of each output, (C', most); short groups repeat their first, which changes no maximum.

    Made on the device: numbers that are copied there cannot be part of a recorded step.
    """
    output = torch.arange(out_channels, device=device)[:, None]
    place = torch.arange(-(-channels // out_channels), device=device)
    if matching == "tile":
        first, member = output, output + place * out_channels
        inside = member < channels
    else:
        first = -(-output * channels // out_channels)
        member = first + place
        inside = member * out_channels // channels == output
    return torch.where(inside, member, first)
