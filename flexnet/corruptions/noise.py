"""Noise: Gaussian, shot and impulse noise.

The order of operations is that of the generators: images in [0, 1], noise, clip, truncation to uint8.
"""

from functools import cache

import numpy as np
import torch
from scipy.special import pdtr
from torch import Generator, Tensor

from flexnet.corruptions.constants import Values
from flexnet.corruptions.kernel import Corruption, Draws, Shape, truncated

RARE = 1e-10  # numbers of photons beyond which so little probability lies are never drawn


def draw_normal(generator: Generator, shape: Shape, constants: Values) -> Draws:
    """A standard normal number for each value, (C, H, W)."""
    return (torch.randn(shape, generator=generator),)


def draw_uniform(generator: Generator, shape: Shape, constants: Values) -> Draws:
    """A number in [0, 1) for each value, (C, H, W)."""
    return (torch.rand(shape, generator=generator),)


def add_gaussian(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Add noise of the standard deviation `sigma`."""
    return truncated((drawn[0] * constants["sigma"]).add_(images.float().mul_(1 / 255)))


def count_photons(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """A Poisson number for each value, whose mean is the value times `photons`.

    The number is found by inverting the distribution function at what was drawn. There are 256 values, so
    all their distribution functions lie one behind the other in one table, that of value v in [v, v + 1].
    """
    bounds, results = _photon_table(constants["photons"])
    wanted = drawn[0].double().add_(images)
    places = torch.searchsorted(bounds.to(images.device), wanted, right=True, out_int32=True)
    return results.to(images.device)[places]


@cache
def _photon_table(photons: float) -> tuple[Tensor, Tensor]:
    """Ends of the probabilities of all photon counts of all 256 values, and the grey level of each count."""
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
    return torch.from_numpy(np.concatenate(bounds)), torch.from_numpy(np.concatenate(levels)).to(torch.uint8)


def add_impulses(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Set the share `amount` of all values to 0 or 255, each channel by itself."""
    (chance,), amount = drawn, constants["amount"]
    pepper = images.masked_fill(chance < amount, 0)
    return pepper.masked_fill_(chance < amount / 2, 255)


gaussian_noise = Corruption(add_gaussian, draw_normal)
shot_noise = Corruption(count_photons, draw_uniform)
impulse_noise = Corruption(add_impulses, draw_uniform)
