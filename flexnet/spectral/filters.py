"""Images with some of their spatial frequencies alone (Flexible Layer paper, Figure 5C).

The paper says "a 5 Hz wide Gaussian band-pass filter"; the authors' released notebook multiplies a Gaussian
high-pass with a low-pass, takes the modulus of what comes back, and so shows rectified edges on black. Both
are here, and what a careful study adds. D is the distance of a frequency from 0 and f the setting, both in
cycles per image; channels are filtered one by one.

release    H = (1 - exp(-D^2 / 2 f^2)) exp(-D^2 / 2 (f + 5)^2); the modulus of the result, cut off at 255,
           fractions dropped. 0 is always removed; its half width is about 1.4 f and its peak lies at 1.2 f
paper      H = exp(-(D - f)^2 / 2 s^2) with a full width at half maximum of 5; the mean is kept
contrast   as `paper`; then what is not the mean is enlarged until its root mean square over all channels is
           that of the whole image, so that no band is seen worse for being faint. An image that has nothing
           in the band stays plain
low_pass   H = exp(-D^2 / 2 f^2); the mean is kept
high_pass  1 - H of `low_pass`; the mean is kept

All but `release` are real, rounded and cut off at 0 and 255.
"""

import math
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from flexnet.by_name import ByName
from flexnet.errors import ConfigError
from flexnet.spectral.grid import highest, radii
from flexnet.spectral.stored import require_stored

BAND: Final = 5.0  # width of the paper's band, and of the released code's between its two passes
DEVIATION: Final = BAND / (2 * math.sqrt(2 * math.log(2)))
WHITE: Final = 255.0


def release_response(distance: Tensor, frequency: float) -> Tensor:
    """How much of each frequency the released notebook leaves."""
    squares = distance.square()
    return -torch.expm1(-squares / (2 * frequency**2)) * torch.exp(-squares / (2 * (frequency + BAND) ** 2))


def band_response(distance: Tensor, frequency: float) -> Tensor:
    """A Gaussian band of a full width at half maximum of 5; 1 at frequency 0, so that the mean is kept."""
    return _with_mean(torch.exp(-(distance - frequency).square() / (2 * DEVIATION**2)))


def low_response(distance: Tensor, frequency: float) -> Tensor:
    """A Gaussian low-pass."""
    return torch.exp(-distance.square() / (2 * frequency**2))


def high_response(distance: Tensor, frequency: float) -> Tensor:
    """What the low-pass takes away, and the mean."""
    return _with_mean(1 - low_response(distance, frequency))


def _with_mean(response: Tensor) -> Tensor:
    response = response.clone()
    response[0, 0] = 1.0
    return response


RESPONSES: ByName[Callable[[Tensor, float], Tensor]] = {
    "release": release_response,
    "paper": band_response,
    "contrast": band_response,
    "low_pass": low_response,
    "high_pass": high_response,
}


def filtered(images: Tensor, name: str, frequency: float) -> Tensor:
    """Filter images.

    Args:
        images: (n, C, H, W) in uint8, on any device.
        name: of the filter, see the head of this module.
        frequency: centre of the band, or width of the pass, in cycles per image: above 0 and at most that of
            the corners of the spectrum.

    Returns:
        uint8, of the same shape.

    Raises:
        ConfigError: if there is no such filter, or the images have no such frequency.
        DataError: if the images have another type or shape.
    """
    check_filter(name, frequency, images)
    response = RESPONSES[name](radii(*images.shape[-2:]), frequency).to(images.device)
    found = torch.fft.ifft2(torch.fft.fft2(images.double()) * response)
    if name == "release":
        folded: Tensor = found.abs().clamp(max=WHITE)
        return folded.to(torch.uint8)
    plain: Tensor = _enlarged(found.real, images) if name == "contrast" else found.real
    return plain.round().clamp(0.0, WHITE).to(torch.uint8)


def check_filter(name: str, frequency: float, images: Tensor) -> None:
    """Check a filter before anything is computed; errors as `filtered`."""
    if name not in RESPONSES:
        raise ConfigError(f"expected a filter among {list(RESPONSES)}; got {name!r}; correct it")
    require_stored(images)
    most = highest(*images.shape[-2:])
    if not 0 < frequency <= most:
        raise ConfigError(
            f"expected a frequency above 0 and at most {most:.4g} cycles per image, the highest of images of "
            f"{images.shape[-2]} x {images.shape[-1]} pixels; got {frequency:g}; choose another"
        )


def _enlarged(band: Tensor, images: Tensor) -> Tensor:
    """The mean of each channel as it is, and all else at the contrast of the images."""
    means = band.mean((2, 3), keepdim=True)
    part = band - means
    own, whole = (_contrast(values) for values in (part, images.double()))
    # What rounding alone leaves of a band without content is no picture of it.
    factor = torch.where(own > 1e-6 * WHITE, whole / own.clamp_min(1e-300), 0.0)
    return means + factor * part


def _contrast(images: Tensor) -> Tensor:
    """Root mean square of all channels about their means, (n, 1, 1, 1)."""
    return (images - images.mean((2, 3), keepdim=True)).square().mean((1, 2, 3), keepdim=True).sqrt()
