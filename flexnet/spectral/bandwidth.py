"""Radial spectra of images and four measures of their bandwidth.

An image is made grey (ITU-R 601), its mean is taken away, and A is the amplitude of its Fourier transform.
P(r) is the mean of A over the ring of integer radius r around frequency 0, in cycles per image. Source: the
Flexible Layer paper, Figure 5B ("full width at half maximum of the spatial Fourier decomposition"), which
does not say of what; the other measures are those of this study.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

import torch
from torch import Tensor

from flexnet.corruptions.kernel import luma
from flexnet.spectral.grid import radii
from flexnet.spectral.stored import require_stored

Measure = Callable[[Tensor, Tensor], Tensor]  # amplitudes (n, H, W), radial spectra (n, R) -> (n,)


def amplitudes(images: Tensor) -> Tensor:
    """Amplitudes of the spectrum of grey levels, (n, H, W) in float64; frequency 0 first, as FFT has it.

    Args:
        images: (n, C, H, W) in uint8, C is 1 or 3.

    Raises:
        DataError: if they are no such images.
    """
    require_stored(images)
    grey = luma(images.double())[:, 0]
    found: Tensor = torch.fft.fft2(grey - grey.mean((1, 2), keepdim=True)).abs()
    return found


def radial_spectra(spectra: Tensor) -> Tensor:
    """Mean amplitude over rings, (n, R), from amplitudes (n, H, W); ring r holds radii from r - 0.5."""
    height, width = spectra.shape[1:]
    rings = _rings(height, width).to(spectra.device)
    number = int(rings.max()) + 1
    counts = torch.bincount(rings.flatten(), minlength=number)
    sums = torch.zeros(number, len(spectra), dtype=spectra.dtype, device=spectra.device)
    sums.index_add_(0, rings.flatten(), spectra.flatten(1).T.contiguous())
    return (sums / counts[:, None]).T


def half_width(profiles: Tensor) -> Tensor:
    """Full width at half maximum of profiles (n, R): twice the radius of the first crossing beyond the peak.

    Between rings the profile is a straight line. Where it never falls to half (`reaches_edge`), the last ring
    counts: the width is that or more. NaN for a profile that is 0 everywhere.
    """
    most, below = profiles.amax(1, keepdim=True), _fallen(profiles)
    first = torch.where(below.any(1), below.int().argmax(1), profiles.shape[1] - 1)[:, None]
    low, high = profiles.gather(1, first), profiles.gather(1, first - 1)
    share = ((high - most / 2) / (high - low).clamp_min(1e-300)).clamp(0, 1)
    width = 2 * (first - 1 + share)
    return torch.where(most > 0, width, torch.nan)[:, 0]


def reaches_edge(profiles: Tensor) -> Tensor:
    """Which profiles (n, R) are nowhere beyond their peak at half of it, (n,): they have no half width."""
    return ~_fallen(profiles).any(1)


def _fallen(profiles: Tensor) -> Tensor:
    """Where a profile is at most half its maximum, beyond it, (n, R)."""
    most, peak = profiles.max(1, keepdim=True)
    return (profiles <= most / 2) & (torch.arange(profiles.shape[1], device=profiles.device) > peak)


def centroid(spectra: Tensor) -> Tensor:
    """Mean radius, weighted by amplitude, (n,); NaN for an image without contrast."""
    distance = radii(*spectra.shape[1:]).to(spectra.device)
    return (spectra * distance).sum((1, 2)) / spectra.sum((1, 2))


def rms_radius(spectra: Tensor) -> Tensor:
    """Root of the mean squared radius, weighted by power, (n,); NaN for an image without contrast."""
    distance, power = radii(*spectra.shape[1:]).to(spectra.device), spectra.square()
    return ((power * distance.square()).sum((1, 2)) / power.sum((1, 2))).sqrt()


MEASURES: Final[Mapping[str, Measure]] = {
    "fwhm": lambda spectra, profiles: half_width(profiles),
    "fwhm_log": lambda spectra, profiles: half_width(profiles.log1p()),
    "centroid": lambda spectra, profiles: centroid(spectra),
    "rms": lambda spectra, profiles: rms_radius(spectra),
}


def bandwidths(images: Tensor) -> dict[str, Tensor]:
    """All measures of images, each (n,) in float64, in cycles per image.

    `fwhm` is that of P, `fwhm_log` that of log(1 + P) with grey levels from 0 to 255; `centroid` and `rms`
    weigh all frequencies. NaN where an image has no contrast.

    Args:
        images: (n, C, H, W) in uint8, C is 1 or 3.

    Raises:
        DataError: as `amplitudes`.
    """
    return measured(images)[0]


def measured(images: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """What `bandwidths` gives, and of which images `fwhm_log` is the edge of the spectrum, (n,).

    At 32 pixels the spectrum of many photographs ends before its logarithm has fallen to half, and that of
    noise does at any size.
    """
    spectra = amplitudes(images)
    profiles = radial_spectra(spectra)
    found = {name: measure(spectra, profiles) for name, measure in MEASURES.items()}
    return found, reaches_edge(profiles.log1p())


@cache
def _rings(height: int, width: int) -> Tensor:
    return (radii(height, width) + 0.5).floor().long()
