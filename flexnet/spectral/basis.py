"""Noise of one spatial frequency: the real Fourier basis of images.

Each is a plane wave whose spectrum is 0 but at one frequency and its mirror image. Accuracy under each of
them shows which frequencies a network listens to: Yin, Lopes, Shlens, Cubuk and Gilmer (2019), "A Fourier
perspective on model robustness in computer vision", arXiv:1906.08988.
"""

import torch
from torch import Tensor

from flexnet.errors import ConfigError


def basis_image(height: int, width: int, vertical: int, horizontal: int) -> Tensor:
    """A wave cos(2 pi (vertical y / H + horizontal x / W)) of norm 1, float64, (H, W).

    The waves of (v, h) and (-v, -h) are one.

    Args:
        height: of the image in pixels.
        width: of the image in pixels.
        vertical: cycles from top to bottom, from -H/2 to H/2.
        horizontal: cycles from left to right, from -W/2 to W/2.

    Raises:
        ConfigError: if images of this size have no such frequency.
    """
    for name, side, cycles in (("vertical", height, vertical), ("horizontal", width, horizontal)):
        if not -side <= 2 * cycles <= side:
            raise ConfigError(
                f"expected a {name} frequency between {-(side // 2)} and {side // 2} cycles in {side} pixels;"
                f" got {cycles}; choose another"
            )
    rows, columns = (torch.arange(side, dtype=torch.float64) for side in (height, width))
    # Whole cycles are taken off before the cosine: each value is as exact as its angle can be.
    turns = (vertical * rows[:, None] / height + horizontal * columns[None, :] / width) % 1.0
    wave = torch.cos(2 * torch.pi * turns)
    found: Tensor = wave / wave.norm()
    return found
