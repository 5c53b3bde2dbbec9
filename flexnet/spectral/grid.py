"""Where each frequency of a spectrum lies, in cycles per image ("Hz" of the Flexible Layer paper)."""

from functools import cache

import torch
from torch import Tensor


@cache
def frequencies(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Vertical (H, 1) and horizontal (1, W) frequency, float64; 0 first, as an FFT has it.

    Of an even number of pixels the frequency of half as many cycles is counted as negative.
    """
    rows, columns = (torch.fft.fftfreq(side, 1 / side, dtype=torch.float64) for side in (height, width))
    return rows[:, None], columns[None, :]


@cache
def radii(height: int, width: int) -> Tensor:
    """Distance of each frequency from 0, (H, W), float64."""
    return torch.hypot(*frequencies(height, width))


def highest(height: int, width: int) -> float:
    """The greatest distance of any frequency of such images from 0: that of a corner of the spectrum."""
    return float(radii(height, width).max())
