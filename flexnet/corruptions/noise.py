"""Noise: Gaussian, shot and impulse noise.

The order of operations is that of the generators: images in [0, 1], noise, clip, truncation to uint8.
"""

from functools import cache

import numpy as np
import torch
from scipy.special import pdtr
from torch import Generator, Tensor

from flexnet.corruptions.constants import Values
from flexnet.corruptions.kernel import Corruption, Draws, Shape, normal, truncated, uniform

BINS = 1024  # of the probabilities of one value: a power of two, so that products with it are exact
RARE = 1e-10  # numbers of photons beyond which so little probability lies are never drawn


def draw_normal(generator: Generator, shape: Shape, constants: Values) -> Draws:
    """A standard normal number for each value, (C, H, W)."""
    return (normal(generator, *shape),)


def draw_uniform(generator: Generator, shape: Shape, constants: Values) -> Draws:
    """A number in [0, 1) for each value, (C, H, W)."""
    return (uniform(generator, *shape),)


def add_gaussian(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Add noise of the standard deviation `sigma`."""
    return truncated((drawn[0] * constants["sigma"]).add_(images.float().mul_(1 / 255)))


def count_photons(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """A Poisson number for each value, whose mean is the value times `photons`.

    The number is found by inverting the distribution function at what was drawn. There are 256 values, so
    all their distribution functions lie one behind the other in one table, that of value v in [v, v + 1].
    What was drawn lies in one of `BINS` bins, and nearly all bins hold one grey level alone, which a second
    table tells; the others are searched.
    """
    bounds, results, bins = (table.to(images.device) for table in _photon_tables(constants["photons"]))
    wanted = drawn[0].double().add_(images).flatten()
    levels = bins.index_select(0, (wanted * BINS).int())
    open_places = (levels < 0).nonzero()[:, 0]
    found = torch.searchsorted(bounds, wanted.index_select(0, open_places), right=True)
    levels.index_copy_(0, open_places, results.index_select(0, found))
    return levels.to(torch.uint8).view_as(images)


@cache
def _photon_tables(photons: float) -> tuple[Tensor, Tensor, Tensor]:
    """Ends of the probabilities of all photon counts of all 256 values, their grey levels, that of each bin.

    A bin that holds more than one level has -1.
    """
    bounds, levels = [], []
    for value in range(256):
        mean = value / 255 * photons
        reach = 7 * np.sqrt(mean) + 14
        counts = np.arange(max(0, int(mean - reach)), int(mean + reach) + 2)
        chance = pdtr(counts, mean)
        kept = (chance > RARE) & (np.append(0, chance[:-1]) < 1 - RARE)
        ends = chance[kept]
        ends[-1] = 1.0
        bounds.append(value + ends)
        levels.append(np.clip(counts[kept] / photons, 0, 1) * 255)
    levels.append(levels[-1][-1:])  # nothing that is drawn lies beyond the last bound
    ends, results = np.concatenate(bounds), np.concatenate(levels).astype(np.int16)
    edges = np.arange(256 * BINS + 1) / BINS
    first = results[np.searchsorted(ends, edges[:-1], side="right")]
    last = results[np.searchsorted(ends, edges[1:], side="left")]
    bins = np.where(first == last, first, np.int16(-1))
    return torch.from_numpy(ends), torch.from_numpy(results), torch.from_numpy(bins)


def add_impulses(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Set the share `amount` of all values to 0 or 255, each channel by itself."""
    (chance,), amount = drawn, constants["amount"]
    pepper = images.masked_fill(chance < amount, 0)
    return pepper.masked_fill_(chance < amount / 2, 255)


gaussian_noise = Corruption(add_gaussian, draw_normal)
shot_noise = Corruption(count_photons, draw_uniform)
impulse_noise = Corruption(add_impulses, draw_uniform)
