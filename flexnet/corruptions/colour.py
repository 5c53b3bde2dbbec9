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
    most_blue = blue == value
    most_green = (green == value) & ~most_blue
    above = torch.where(most_blue, red - green, torch.where(most_green, blue - red, green - blue))
    start = most_green * 2.0 + most_blue * 4.0
    hue = above.div_(spread).add_(start).div_(torch.tensor(6.0, dtype=torch.float64, device=images.device))
    return Hsv((hue + (hue < 0)).masked_fill_(grey, 0), saturation, value)


def rgb_bytes(given: Hsv) -> Tensor:
    """The images (n, 3, H, W) in uint8, truncated, of hue, saturation and value."""
    turns = given.hue * 6
    sector = turns.floor()
    part = turns.sub_(sector)
    # A hue that rounding brought to a full turn is in sector 6, which is sector 0 again.
    inside = [(sector == number) | (sector == 6) if number == 0 else sector == number for number in range(6)]
    falling = inside[1] | inside[3] | inside[5]
    part = torch.where(falling, part, 1 - part)
    least = truncated(given.value * (1 - given.saturation))
    between = truncated(given.value * (1 - part.mul_(given.saturation)))
    most = truncated(given.value.clone())
    # Sums of bytes wrap around, so these differences do as well as a choice, in a fraction of its time.
    up, down = most - between, least - between
    channels = [
        between
        + (inside[2 * channel] | inside[2 * channel - 1]) * up
        + (inside[(2 * channel + 2) % 6] | inside[(2 * channel + 3) % 6]) * down
        for channel in range(3)
    ]
    return torch.stack(channels, 1)
