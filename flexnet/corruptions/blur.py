"""Blurs: out of focus, through glass, by motion and by zooming."""

from functools import cache
from math import ceil, floor

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from torch import Generator, Tensor
from torch.nn import functional as F

from flexnet.corruptions.constants import Values
from flexnet.corruptions.gaussian import gaussian_filter
from flexnet.corruptions.kernel import Corruption, Draws, Shape, truncated, uniform, unit
from flexnet.corruptions.motion import draw_path
from flexnet.corruptions.motion import motion_blur as blur_along
from flexnet.corruptions.zoom import zoomed

# A transform is exact to some 1e-14, and a region of one grey level may come out a little below it. What is
# so near to a whole grey level is that level, whatever the machine.
NEAR = 1e-11

# --- out of focus ------------------------------------------------------------------------------------


def defocus(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Average over a disk with a smoothed edge; images go on beyond their edges as in a mirror."""
    disk = torch.from_numpy(smooth_disk(constants["radius"], constants["alias"])).to(images.device)
    reach = disk.shape[0] // 2
    padded = F.pad(unit(images), (reach, reach, reach, reach), mode="reflect")
    size = [next_fast_len(side, real=True) for side in padded.shape[2:]]
    # Of a product of transforms the values that do not reach around an edge are the sums over the disk.
    spectrum = torch.fft.rfft2(padded, s=size) * torch.fft.rfft2(disk, s=size)
    blurred: Tensor = torch.fft.irfft2(spectrum, s=size)[:, :, 2 * reach :, 2 * reach :]
    blurred = blurred[:, :, : images.shape[2], : images.shape[3]].contiguous()
    return blurred.clamp_(0, 1).mul_(255).add_(NEAR).to(torch.uint8)


@cache
def smooth_disk(radius: float, alias: float) -> NDArray[np.float64]:
    """Weights of a disk in single precision, as OpenCV makes them; their sum misses 1 by some 1e-8.

    The disk lies in a square of 17 pixels, or its own size above 8 of radius, and is smoothed over 3 pixels,
    or 5, by a Gaussian of the width `alias`; the square goes on beyond its edges as in a mirror.
    """
    half = 8 if radius <= 8 else int(radius)
    line = np.arange(-half, half + 1)
    disk = (line[:, None] ** 2 + line**2 <= radius**2).astype(np.float32)
    disk /= disk.sum()
    steps = np.arange(-1, 2) if radius <= 8 else np.arange(-2, 3)
    curve = np.exp(-0.5 / (alias * alias) * steps**2)
    weights = (curve / curve.sum()).astype(np.float32)
    smooth = _smoothed(_smoothed(disk, weights).T, weights).T
    return _trimmed(smooth.astype(np.float64))


def _smoothed(values: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Filter the rows of a square in single precision."""
    reach, side = len(weights) // 2, values.shape[1]
    padded = np.pad(values, ((0, 0), (reach, reach)), mode="reflect")
    total: NDArray[np.float32] = padded[:, reach : reach + side] * weights[reach]
    for step in range(1, reach + 1):
        pair = padded[:, reach - step :][:, :side] + padded[:, reach + step :][:, :side]
        total = total + pair * weights[reach + step]
    return total


def _trimmed(square: NDArray[np.float64]) -> NDArray[np.float64]:
    """The square without the empty border that it has on all sides."""
    filled = np.flatnonzero(square.any(axis=0))
    cut = min(filled[0], len(square) - 1 - filled[-1])
    return np.ascontiguousarray(square[cut : len(square) - cut, cut : len(square) - cut])


# --- through glass -----------------------------------------------------------------------------------


def draw_neighbours(generator: Generator, shape: Shape, constants: Values) -> Draws:
    """For each round and pixel, how far down and right the neighbour is, (2, rounds, H, W) in int8.

    Of a shift between two whole numbers a share of the pixels has the upper one: 1.25 is 2 for a quarter.
    """
    least, size = floor(constants["shift"]), (2, int(constants["rounds"]), *shape[1:])
    neighbours, shift = uniform(generator, *size), torch.full((), float(least), device="cpu")
    if constants["shift"] > least:
        farther = uniform(generator, *size[1:]) < constants["shift"] - least
        shift = shift + farther.float()
    return (neighbours.mul_(2 * shift).sub_(shift).floor_().to(torch.int8),)


def glass(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Blur, replace pixels by their neighbours, blur again."""
    sigma = constants["sigma"]
    blurred = truncated(gaussian_filter(unit(images), sigma)).flatten(2)
    places = glass_places(drawn[0], ceil(constants["shift"]))
    shuffled = blurred.gather(2, places[:, None].expand_as(blurred)).view_as(images)
    return truncated(gaussian_filter(unit(shuffled), sigma))


def glass_places(neighbours: Tensor, shift: int) -> Tensor:
    """Where each pixel of the shuffled images comes from, (n, H * W).

    The generators go through the pixels from the last to the first and mean to swap each with a neighbour, up
    to `shift` before and `shift - 1` behind it. But the two sides of their swap are views of one array: the
    pixel takes the neighbour's value, and the neighbour then takes its own. So each pixel copies a neighbour,
    which has copied one before if it lies behind, and has not if it lies before. A pixel that copies a copy
    is followed to where that is from, with steps that double.

    Args:
        neighbours: (n, 2, rounds, H, W), as `draw_neighbours` draws them.
        shift: farthest distance in rows and columns.
    """
    n, _, rounds, height, width = neighbours.shape
    pixels = torch.arange(height * width, device=neighbours.device)
    moved = _moved(height, width, shift, pixels)
    places = pixels.expand(n, -1)
    for number in range(rounds):
        down, right = neighbours[:, :, number].flatten(2).long().unbind(1)
        offset = down.mul_(width).add_(right).mul_(moved)
        source = pixels + offset
        places = places.gather(1, _first_of(source, offset > 0))
    return places


def _moved(height: int, width: int, shift: int, pixels: Tensor) -> Tensor:
    """Which pixels are gone through: those far enough from the edges."""
    rows, columns = pixels // width, pixels % width
    return (rows > shift) & (rows <= height - shift) & (columns > shift) & (columns <= width - shift)


def _first_of(source: Tensor, copied: Tensor) -> Tensor:
    """Follow each pixel over pixels that were copied before, to the one whose value of before it has."""
    while bool(copied.any()):
        # `source` names a pixel whose own copy counts where `copied`, else its value of before.
        further = source.gather(1, source) - source
        source, copied = source + further * copied, copied & copied.gather(1, source)
    return source


# --- by motion and by zooming ------------------------------------------------------------------------


def draw_motion(generator: Generator, shape: Shape, constants: Values) -> Draws:
    """A path within 45 degrees of the horizontal."""
    return (draw_path(generator, -45, 45, constants),)


def motion(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Average each image along its path."""
    return blur_along(images, drawn[0], constants["sigma"])


def zoom(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Average an image and its enlargements, in single precision, as the generators do."""
    factors = np.arange(1, constants["end"], constants["step"]).tolist()
    pixels = unit(images).float()
    exact, total = pixels.double(), torch.zeros_like(pixels)
    for factor in factors:
        total.add_(zoomed(exact, factor).float())
    count = torch.tensor(len(factors) + 1.0, device=images.device)
    return truncated((pixels + total) / count)


defocus_blur = Corruption(defocus)
glass_blur = Corruption(glass, draw_neighbours)
motion_blur = Corruption(motion, draw_motion)
zoom_blur = Corruption(zoom)
