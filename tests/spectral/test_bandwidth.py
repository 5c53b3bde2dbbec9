"""Bandwidth: gratings of known frequency, NumPy's own transform, and what noise and blur do."""

import numpy as np
import pytest
import torch
from torch import Tensor

from flexnet.corruptions import corrupt
from flexnet.errors import DataError
from flexnet.spectral.bandwidth import (
    amplitudes,
    bandwidths,
    half_width,
    measured,
    radial_spectra,
    reaches_edge,
)

SIDE = 32


def grating(cycles: int, side: int = SIDE) -> Tensor:
    wave = 127.5 + 100 * torch.cos(2 * torch.pi * cycles * torch.arange(side) / side)
    return wave.round().to(torch.uint8).expand(1, 3, side, side).clone()


def textures(n: int = 4, side: int = 64, slope: float = 2.0) -> Tensor:
    """Images whose amplitudes fall with frequency, as those of photographs do."""
    noise = torch.fft.fft2(torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(0)))
    rows = torch.fft.fftfreq(side, 1 / side)
    radius = torch.hypot(rows[:, None], rows[None, :]).clamp_min(1)
    images = torch.fft.ifft2(noise / radius**slope).real
    images = images - images.amin((1, 2, 3), keepdim=True)
    return (images / images.amax((1, 2, 3), keepdim=True) * 255).to(torch.uint8)


@pytest.mark.parametrize("images", [grating(5).float() / 255, grating(5)[0], grating(5)[:0]])
def test_what_is_not_in_grey_levels_is_refused(images: Tensor) -> None:
    """The logarithm of a spectrum is another where white is 1."""
    with pytest.raises(DataError, match="expected uint8 images"):
        bandwidths(images)


@pytest.mark.parametrize("cycles", [1, 5, 12, 16])
def test_a_grating_lies_at_its_frequency(cycles: int) -> None:
    found = bandwidths(grating(cycles))
    assert float(found["centroid"]) == pytest.approx(cycles, rel=0.12)  # grey levels are whole
    assert float(found["rms"]) == pytest.approx(cycles, rel=0.01)
    profile = radial_spectra(amplitudes(grating(cycles)))[0]
    assert int(profile.argmax()) == cycles


def test_spectra_are_those_of_numpy_and_rings_are_means_around_the_middle() -> None:
    images = textures(2, 20)
    red, green, blue = images.double().numpy().transpose(1, 0, 2, 3)
    grey = 0.299 * red + 0.587 * green + 0.114 * blue
    expected = np.abs(np.fft.fft2(grey - grey.mean((1, 2), keepdims=True)))
    assert np.allclose(amplitudes(images).numpy(), expected)
    shifted = np.fft.fftshift(expected, axes=(1, 2))
    y, x = np.mgrid[-10:10, -10:10]
    ring = np.floor(np.hypot(y, x) + 0.5).astype(int)
    profile = [shifted[:, ring == r].mean(1) for r in range(ring.max() + 1)]
    assert np.allclose(radial_spectra(amplitudes(images)).numpy(), np.array(profile).T)


@pytest.mark.parametrize(
    ("profile", "width"),
    [
        ([4.0, 4.0, 2.0, 0.0], 4.0),  # twice the radius where it is half
        ([4.0, 3.0, 1.0, 0.0], 3.0),  # between two rings
        ([0.0, 8.0, 8.0, 2.0], 2 * (2 + 4 / 6)),  # the rise before the peak does not count
        ([0.0, 1.0, 2.0, 10.0, 2.0, 0.0], 2 * (3 + 5 / 8)),  # nor that it was below half for long
        ([1.0, 4.0, 1.0, 4.0], 2 * (1 + 2 / 3)),  # the first crossing
        ([4.0, 4.0, 4.0, 4.0], 6.0),  # never: the last ring
    ],
)
def test_half_widths_by_hand(profile: list[float], width: float) -> None:
    assert float(half_width(torch.tensor([profile], dtype=torch.float64))) == pytest.approx(width)


def test_a_width_that_is_the_edge_is_told_from_one_that_is_measured() -> None:
    """One that ends at half its height has a width; one that ends above has none, however low it began."""
    profiles = [[4.0, 4.0, 4.0, 4.0], [4.0, 4.0, 4.0, 2.0], [1.0, 4.0, 3.0, 3.0], [4.0, 1.0, 4.0, 4.0]]
    assert reaches_edge(torch.tensor(profiles)).tolist() == [True, False, True, False]


def test_noise_reaches_the_edge_and_smooth_textures_do_not() -> None:
    images = textures(side=64)
    found, edge = measured(images)
    assert not edge.any()
    noisy, edge = measured(corrupt(images, "gaussian_noise", 5))
    assert edge.all()
    last = radial_spectra(amplitudes(images)).shape[1] - 1
    assert noisy["fwhm_log"].tolist() == [2 * last] * len(images)
    assert bool((found["fwhm_log"] < 2 * last).all())


def test_an_image_without_contrast_has_no_bandwidth() -> None:
    flat = torch.full((1, 3, 16, 16), 77, dtype=torch.uint8)
    assert all(bool(value.isnan()) for value in bandwidths(flat).values())
    both = bandwidths(torch.cat([flat, flat.clone().index_fill_(3, torch.tensor([3]), 9)]))
    assert all(value.isnan().tolist() == [True, False] for value in both.values())


def folds(images: Tensor, name: str) -> dict[str, float]:
    before, after = bandwidths(images), bandwidths(corrupt(images, name, 5))
    return {key: float((after[key] / before[key]).mean()) for key in before}


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("gaussian_noise", 2, 9), ("speckle_noise", 2, 9), ("gaussian_blur", 0.4, 0.8)],
)
def test_noise_widens_and_blur_narrows_all_measures_but_the_plain_width(
    name: str, least: float, most: float
) -> None:
    found = folds(textures(), name)
    assert found.pop("fwhm") == pytest.approx(1, abs=0.05)  # its maximum is that of the lowest frequencies
    assert all(least < fold < most for fold in found.values()), found


def test_contrast_moves_the_logarithmic_width_alone() -> None:
    found = folds(textures(slope=1.2), "contrast")
    assert found.pop("fwhm_log") < 0.8
    assert all(fold == pytest.approx(1, abs=0.03) for fold in found.values()), found


def test_a_batch_is_measured_image_by_image() -> None:
    images = textures()
    whole = bandwidths(images)
    for place in range(len(images)):
        alone = bandwidths(images[place : place + 1])
        assert all(float(whole[key][place]) == pytest.approx(float(alone[key])) for key in whole)
