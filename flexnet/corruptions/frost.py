"""Synthesised pictures of frost.

The originals are photographs without a known author or licence, which cannot be handed on. These five are
drawn from noise of many scales, folded into ridges like needles of ice, bluish white. Size, mean colour and
contrast of each are those of the photograph whose place it takes; what it shows is not. So results under
frost are called `frost_synthetic` (`flexnet.corruptions.names.SYNTHETIC`) and are no results of ImageNet-C.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from flexnet.seeds import derive_seed

OCTAVES = 9
RIDGES = 0.5  # share of folded noise


@dataclass(frozen=True)
class Picture:
    """What a photograph of frost measures.

    Attributes:
        height: in pixels.
        width: in pixels.
        colour: mean of red, green and blue.
        contrast: standard deviation of its grey levels.
    """

    height: int
    width: int
    colour: tuple[int, int, int]
    contrast: float


# The generators have six photographs and draw from the first five; the second and the third look alike.
PICTURES = (
    Picture(600, 900, (78, 149, 166), 18.4),
    Picture(315, 560, (201, 205, 214), 21.9),
    Picture(315, 560, (201, 205, 214), 21.9),
    Picture(350, 527, (138, 153, 165), 28.6),
    Picture(495, 660, (112, 123, 135), 43.4),
)


@cache
def frost_picture(number: int, size: float, height: int = 1, width: int = 1) -> Tensor:
    """A picture at a multiple of its size, (3, height, width) in uint8, on the CPU.

    Args:
        number: of the picture, from 0.
        size: the multiple.
        height: that it covers at least, in pixels; the multiple is larger where it must be.
        width: as the height.
    """
    drawn = _draw(PICTURES[number], number)
    sides = drawn.shape[1:]
    size = max(size, height / sides[0], width / sides[1])
    return drawn if size == 1 else _resized(drawn, [max(1, round(side * size)) for side in sides])


def _resized(picture: Tensor, sides: list[int]) -> Tensor:
    """Linear interpolation without smoothing, as the generator of CIFAR-10-C resizes them."""
    large = F.interpolate(picture[None].double(), size=sides, mode="bilinear", align_corners=False)
    return large[0].round_().clamp_(0, 255).to(torch.uint8)


@cache
def _draw(picture: Picture, number: int) -> Tensor:
    """One picture at its own size."""
    field = _ice(picture.height, picture.width, np.random.default_rng(derive_seed("frost", number)))
    field *= picture.contrast / field.std()
    colour = np.array(picture.colour, dtype=float)[:, None, None]
    return torch.from_numpy(np.clip(np.round(colour + field), 0, 255).astype(np.uint8))


def _ice(height: int, width: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Noise of many scales, each as strong, half of it folded into bright ridges; (height, width), mean 0."""
    total: NDArray[np.float64] = np.zeros((height, width))
    for octave in range(OCTAVES):
        cells = 2.0 ** (octave + 1)
        smooth = _noise(height, width, cells / max(height, width), generator)
        ridges = 1 - 2 * np.abs(_noise(height, width, cells / max(height, width), generator))
        total += (1 - RIDGES) * smooth + RIDGES * ridges
    total -= total.mean()
    return total


def _noise(height: int, width: int, cells: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Random numbers in [-1, 1] on a grid of `cells` to the pixel, with linear interpolation between them."""
    rows, columns = (np.arange(side) * cells for side in (height, width))
    grid = generator.uniform(-1, 1, (int(rows[-1]) + 2, int(columns[-1]) + 2))
    top, left = rows.astype(int), columns.astype(int)
    down, right = (rows - top)[:, None], (columns - left)[None, :]
    upper = grid[top][:, left] * (1 - right) + grid[top][:, left + 1] * right
    lower = grid[top + 1][:, left] * (1 - right) + grid[top + 1][:, left + 1] * right
    between: NDArray[np.float64] = upper * (1 - down) + lower * down
    return between
