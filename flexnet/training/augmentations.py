"""Augmentations: what is done to training images, as pure functions of uint8 batches and of what was drawn.

What is random is drawn once for all images of an epoch, by a generator on the CPU: neither the device, nor
the size of batches, nor the step from which a run goes on changes it. It goes to the device once as well, for
each copy makes a GPU wait. An image keeps its size, and images that are scored are never augmented: what goes
with a resized crop at test time, scaling and cutting the centre, is a matter of preparing the data.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from flexnet.by_name import ByName
from flexnet.options.augmentations import (
    AUGMENTATIONS,
    AugmentationOptions,
    CropOptions,
    FlipOptions,
    ResizedCropOptions,
    unfit,
)
from flexnet.options.rules import made
from flexnet.problems import refuse

ATTEMPTS = 10  # shapes drawn for a resized crop; the first that fits into the image is taken


@dataclass(frozen=True)
class Kernel:
    """How an augmentation is done.

    Attributes:
        draw: options, shape of all images (N, C, H, W) and generator -> what is random, one row per image.
        apply: batch (n, C, H, W) in uint8, its rows of what was drawn, options -> batch of the same shape.
    """

    draw: Callable[[Any, Sequence[int], Generator], Tensor]
    apply: Callable[[Tensor, Tensor, Any], Tensor]


@dataclass(frozen=True)
class Drawn:
    """An augmentation with what was drawn for every image of an epoch.

    Attributes:
        options: of the augmentation.
        kernel: how it is done.
        values: what was drawn, (N, ...), where the images are.
    """

    options: AugmentationOptions
    kernel: Kernel
    values: Tensor

    def apply(self, images: Tensor, places: Tensor) -> Tensor:
        """Augment a batch.

        Args:
            images: (n, C, H, W) in uint8.
            places: of these images among all, (n,).
        """
        return self.kernel.apply(images, self.values[places], self.options)


def draw(
    augment: Sequence[Mapping[str, Any]],
    shape: Sequence[int],
    generator: Generator,
    device: torch.device | str = "cpu",
) -> list[Drawn]:
    """Draw for all images of an epoch what is random in a list of augmentations.

    Args:
        augment: the list, as a recipe has it.
        shape: of all images, (N, C, H, W).
        generator: on the CPU.
        device: where the images are.

    Raises:
        ConfigError: if one of them cannot be done to images of this size.
    """
    refuse("recipe.augment", unfit(augment, *shape[2:]) if augment else ())
    drawn = []
    for entry in augment:
        options, kernel = made(AUGMENTATIONS, entry), KERNELS[entry["kind"]]
        drawn.append(Drawn(options, kernel, kernel.draw(options, shape, generator).to(device)))
    return drawn


# --- flip --------------------------------------------------------------------------------------------


def draw_flips(options: FlipOptions, shape: Sequence[int], generator: Generator) -> Tensor:
    """Which images are mirrored, (N,)."""
    return torch.rand(shape[0], generator=generator) < options.probability


def flip(images: Tensor, mirrored: Tensor) -> Tensor:
    """Mirror those images (n, C, H, W) for which `mirrored` (n,) is true."""
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(-1), images)


# --- crop --------------------------------------------------------------------------------------------


def draw_corners(options: CropOptions, shape: Sequence[int], generator: Generator) -> Tensor:
    """Top and left of each crop in the padded image, (N, 2), from 0 to twice the padding."""
    return torch.randint(2 * options.padding + 1, (shape[0], 2), generator=generator)


def crop(images: Tensor, corners: Tensor, padding: int, mode: str) -> Tensor:
    """Pad images and cut one of the same size out of each.

    Each pixel is fetched from where it comes from, without the padded images ever being made.

    Args:
        images: (n, C, H, W).
        corners: top and left of each crop in the padded image, (n, 2).
        padding: pixels on each side.
        mode: one of `flexnet.options.augmentations.MODES`.
    """
    _, channels, height, width = images.shape
    rows, inside_rows = _sources(corners[:, 0], height, padding, mode)
    columns, inside_columns = _sources(corners[:, 1], width, padding, mode)
    pixels = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)
    cut = images.flatten(2).gather(2, pixels[:, None].expand(-1, channels, -1)).view_as(images)
    if mode == "zeros":
        cut *= (inside_rows[:, :, None] & inside_columns[:, None, :])[:, None]
    return cut


def _sources(start: Tensor, side: int, padding: int, mode: str) -> tuple[Tensor, Tensor]:
    """Rows (or columns) from which those of each crop come, (n, side), and whether they are in the image."""
    wanted = start[:, None] + torch.arange(side, device=start.device) - padding
    last = side - 1
    inside = (wanted >= 0) & (wanted <= last)
    return (last - (last - wanted.abs()).abs() if mode == "reflect" else wanted.clamp(0, last)), inside


# --- resized crop ------------------------------------------------------------------------------------


def draw_boxes(options: ResizedCropOptions, shape: Sequence[int], generator: Generator) -> Tensor:
    """Top, left, height and width of each part in pixels, (N, 4).

    Area is uniform and the logarithm of width over height is uniform, as in Szegedy et al. (2015) and in
    torchvision. Of `ATTEMPTS` shapes the first that fits is taken, at any place; if none does, the largest of
    the nearest ratio, in the middle. Every image takes as many random numbers, so none depends on another.
    """
    n, _, height, width = shape
    chance = torch.rand(2, n, ATTEMPTS, dtype=torch.float64, generator=generator)
    place = torch.rand(n, 2, dtype=torch.float64, generator=generator)
    area = height * width * _between(options.scale, chance[0])
    ratio = _between([math.log(end) for end in options.ratio], chance[1]).exp()
    nearest = min(max(width / height, options.ratio[0]), options.ratio[1])
    heights = _with_last((area / ratio).sqrt(), min(height, width / nearest))
    widths = _with_last((area * ratio).sqrt(), min(width, height * nearest))
    fits = (heights >= 1) & (widths >= 1) & (heights <= height) & (widths <= width)
    fits[:, -1] = True
    first = fits.int().argmax(1, keepdim=True)
    sizes = torch.cat([heights.gather(1, first), widths.gather(1, first)], 1)
    room = torch.tensor([height, width]) - sizes
    corners = torch.where(first == ATTEMPTS, room // 2, (place * (room + 1)).long())
    return torch.cat([corners, sizes], 1)


def _between(ends: Sequence[float], chance: Tensor) -> Tensor:
    return ends[0] + (ends[1] - ends[0]) * chance


def _with_last(sides: Tensor, last: float) -> Tensor:
    """Sides in whole pixels (N, ATTEMPTS + 1): those drawn, and one that always fits."""
    return torch.cat([sides.round().long(), torch.full_like(sides[:, :1], max(1, round(last))).long()], 1)


def resized_crop(images: Tensor, boxes: Tensor) -> Tensor:
    """Cut a part out of each image and stretch it to the size of the image, linearly in both directions.

    A part is never larger than its image, so nothing is made smaller and there is nothing to smooth: with
    and without antialiasing the result is the same. Values are rounded to the nearest of uint8.

    Args:
        images: (n, C, H, W) in uint8.
        boxes: top, left, height and width of the parts in pixels, (n, 4).
    """
    n, _, height, width = images.shape
    rows = _coordinates(boxes[:, 0], boxes[:, 2], height)[:, :, None].expand(n, height, width)
    columns = _coordinates(boxes[:, 1], boxes[:, 3], width)[:, None, :].expand(n, height, width)
    grid = torch.stack([columns, rows], -1)
    found = F.grid_sample(images.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return found.round_().to(torch.uint8)


def _coordinates(start: Tensor, length: Tensor, side: int) -> Tensor:
    """Where in the image (-1 to 1 from edge to edge) each pixel of a stretched part lies, (n, side)."""
    pixels = (torch.arange(side, device=start.device) + 0.5) * (length[:, None] / side) - 0.5
    inside = pixels.clamp(min=0).minimum(length[:, None] - 1.0)  # of the part: its surroundings do not count
    return (2 * (start[:, None] + inside) + 1) / side - 1


KERNELS: ByName[Kernel] = {
    "crop": Kernel(draw_corners, lambda images, corners, it: crop(images, corners, it.padding, it.mode)),
    "flip": Kernel(draw_flips, lambda images, mirrored, _: flip(images, mirrored)),
    "resized_crop": Kernel(draw_boxes, lambda images, boxes, _: resized_crop(images, boxes)),
}
