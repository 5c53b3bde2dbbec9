"""Enlarging the middle of images, by linear interpolation from corner to corner."""

from math import ceil

from torch import Tensor
from torch.nn import functional as F

from flexnet.errors import ConfigError


def zoomed(images: Tensor, factor: float) -> Tensor:
    """Enlarge the middle of images (n, C, H, W) in float64, so that they keep their size.

    The part that is enlarged has whole pixels, its first and last pixels stay first and last, and what is
    too much at the edges is cut off, as the generators do it.

    Raises:
        ConfigError: if the factor is below 1, by which nothing is enlarged.
    """
    if factor < 1:
        raise ConfigError(f"zoom: expected a factor of at least 1; got {factor}; give another constant")
    height, width = images.shape[2:]
    rows, columns = ceil(height / factor), ceil(width / factor)
    top, left = (height - rows) // 2, (width - columns) // 2
    part = images[:, :, top : top + rows, left : left + columns]
    size = (round(rows * factor), round(columns * factor))
    large = F.interpolate(part, size=size, mode="bilinear", align_corners=True)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return large[:, :, top : top + height, left : left + width]
