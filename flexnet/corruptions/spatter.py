"""Spatter: drops of water or mud on the lens."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from flexnet.corruptions.constants import Values
from flexnet.corruptions.edges import box_sum, canny, distances, equalised
from flexnet.corruptions.gaussian import gaussian_filter
from flexnet.corruptions.kernel import Corruption, Draws, Shape, luma, normal, truncated

WATER = (175, 238, 238)  # pale turquoise
MUD = (63, 42, 20)  # brown
LOW, HIGH = 50, 150  # thresholds of the edges of drops
FARTHEST = 20  # distance from an edge after which nothing changes
LIGHT = ((-2, -1, 0), (-1, 1, 1), (0, 1, 2))  # filter that lights drops from one corner
DENSEST = 0.8  # mud is there where its mask is at least this


def draw_liquid(generator: Generator, shape: Shape, constants: Values) -> Draws:
    """A standard normal number for each pixel, (1, H, W)."""
    return (normal(generator, 1, *shape[1:]),)


def splash(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Splash water or mud on images."""
    noise = drawn[0].double() * constants["deviation"] + constants["mean"]
    liquid = gaussian_filter(noise, constants["sigma"])
    liquid = liquid * (liquid >= constants["cut"])
    pixels = images.float() / torch.tensor(255.0, device=images.device)
    if constants["mud"] == 0:
        return truncated(pixels + water_drops(liquid) * constants["water"] * _colour(WATER, images))
    mask = gaussian_filter((liquid > constants["cut"]).float(), constants["mud"])
    mask = mask * (mask >= DENSEST)
    return truncated(pixels * (1 - mask) + _colour(MUD, images) * mask)


def water_drops(liquid: Tensor) -> Tensor:
    """How much light drops add, from 0 to 1 at the brightest place of each image, (n, 1, H, W) in float32.

    Args:
        liquid: thickness of the liquid, (n, 1, H, W) in float64, at most a little above 1.
    """
    liquid = ((liquid * 255).int() & 255).double()  # a byte, as the generators store it
    far = distances(canny(liquid, LOW, HIGH), FARTHEST)
    far = (box_sum(far.double(), "reflect") / 9).floor_()
    lit = _lit(equalised(far).float()).clamp_(0, 255)
    drops = ((box_sum(lit.double(), "reflect") / 9).round_() * liquid).float()
    brightest = drops.flatten(1).amax(1).view(-1, 1, 1, 1)
    return drops / brightest.clamp(min=1)  # where no drop fell there is nothing to divide


def _lit(levels: Tensor) -> Tensor:
    """Light whole numbers (n, 1, H, W): sums that are exact in single precision, in whatever order."""
    height, width = levels.shape[2:]
    padded = F.pad(levels, (1, 1, 1, 1), mode="reflect")
    total = torch.zeros_like(levels)
    for row, weights in enumerate(LIGHT):
        for place, weight in enumerate(weights):
            if weight:
                total.add_(padded[:, :, row : row + height, place : place + width], alpha=weight)
    return total


def _colour(colour: tuple[int, int, int], images: Tensor) -> Tensor:
    """A colour as (1, C, 1, 1) in [0, 1]: for grey images, its grey."""
    full = torch.tensor(colour, dtype=torch.float32, device=images.device).view(1, 3, 1, 1) / 255
    return full if images.shape[1] == 3 else luma(full)


spatter = Corruption(splash, draw_liquid)
