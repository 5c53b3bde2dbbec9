"""Hue, saturation and value of images and back, in the arithmetic of scikit-image.

Changes of value and saturation often end on a whole grey level up to the last bit of a double, which decides
to which level it is truncated. So each operation is that of `skimage.color`, in its order.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from flexnet.corruptions.kernel import truncated


@dataclass(frozen=True)
class Hsv:
    """Hue, saturation and value, each (n, H, W) in float64 within [0, 1]."""

    hue: Tensor
    saturation: Tensor
    value: Tensor


def hsv(images: Tensor) -> Hsv:
    """Hue, saturation and value of images (n, 3, H, W) in float64 within [0, 1]."""
    red, green, blue = images.unbind(1)
    value = images.amax(1)
    spread = value - images.amin(1)
    grey = spread == 0
    saturation = (spread / value).masked_fill_(grey, 0)
    # Where two channels are the greatest, blue goes before green and green before red.
    most_blue, most_green = blue == value, green == value
    above = torch.where(most_blue, red - green, torch.where(most_green, blue - red, green - blue))
    start = torch.where(most_blue, 4.0, torch.where(most_green, 2.0, 0.0)).double()
    hue = above.div_(spread).add_(start).div_(torch.tensor(6.0, dtype=torch.float64, device=images.device))
    return Hsv((hue + (hue < 0)).masked_fill_(grey, 0), saturation, value)


def rgb_bytes(given: Hsv) -> Tensor:
    """The images (n, 3, H, W) in uint8, truncated, of hue, saturation and value."""
    turns = given.hue * 6
    sector = turns.floor()
    part = turns.sub_(sector)
    sector = sector.to(torch.uint8) % 6
    part = torch.where(sector % 2 == 1, part, 1 - part)
    most = truncated(given.value)
    least = truncated(given.value * (1 - given.saturation))
    between = truncated(given.value * (1 - part.mul_(given.saturation)))
    channels = []
    for channel in range(3):
        place = (sector + (6 - 2 * channel)) % 6
        among = torch.where((place == 2) | (place == 3), least, between)
        channels.append(torch.where((place == 0) | (place == 5), most, among))
    return torch.stack(channels, 1)
