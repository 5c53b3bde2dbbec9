"""Digital corruptions: contrast, pixelation and JPEG; the elastic transformation has a file of its own."""

import torch
from torch import Tensor

from flexnet.corruptions.constants import Values
from flexnet.corruptions.elastic import elastic_transform as elastic_transform
from flexnet.corruptions.kernel import Corruption, Draws, truncated, unit
from flexnet.corruptions.pillow import box_resized, jpeg


def fade(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Move all values towards the mean of their channel."""
    pixels = unit(images)
    mean = channel_means(pixels)
    return truncated((pixels - mean).mul_(constants["factor"]).add_(mean))


def channel_means(pixels: Tensor) -> Tensor:
    """Mean of each channel (n, C, 1, 1) in float64, summed up pixel by pixel, as NumPy does over two axes."""
    total = pixels.flatten(2).cpu().cumsum(2)[:, :, -1].to(pixels.device)
    count = torch.tensor(float(pixels[0, 0].numel()), dtype=torch.float64, device=pixels.device)
    return (total / count)[:, :, None, None]


def to_blocks(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Make images smaller and large again."""
    height, width = images.shape[2:]
    rows, columns = (max(1, int(side * constants["share"])) for side in (height, width))
    return box_resized(box_resized(images, rows, columns), height, width)


def compress(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Store images as JPEG and read them again."""
    return jpeg(images, int(constants["quality"]))


contrast = Corruption(fade)
pixelate = Corruption(to_blocks, one_thread=True)
jpeg_compression = Corruption(compress, one_thread=True)
