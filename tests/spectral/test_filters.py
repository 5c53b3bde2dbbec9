"""Filters against NumPy's transforms written down anew, and what they do to images that one can foresee."""

import math

import numpy as np
import pytest
import torch

from flexnet.errors import ConfigError, DataError
from flexnet.spectral.filters import RESPONSES, band_response, filtered
from flexnet.spectral.grid import highest, radii

SIDES = [(16, 16), (15, 15), (17, 12), (32, 32)]


def photo(height=16, width=16, n=2, channels=3, seed=0):
    drawn = np.random.default_rng(seed).integers(0, 256, (n, channels, height, width))
    smooth = (drawn + np.roll(drawn, 1, -1) + np.roll(drawn, 1, -2)) / 3
    return torch.from_numpy(smooth.astype(np.uint8))


def by_numpy(channel, name, frequency):
    """One channel by the formulas of the paper and the notebook, with 0 in the middle of the spectrum."""
    height, width = channel.shape
    rows, columns = np.ogrid[:height, :width]
    distance = np.sqrt((rows - height // 2) ** 2 + (columns - width // 2) ** 2)
    if name == "release":
        high = 1 - np.exp(-(distance**2) / (2 * frequency**2))
        mask = high * np.exp(-(distance**2) / (2 * (frequency + 5) ** 2))
    elif name == "paper":
        mask = np.exp(-((distance - frequency) ** 2) / (2 * (5 / 2.3548200450309493) ** 2))
    else:
        low = np.exp(-(distance**2) / (2 * frequency**2))
        mask = low if name == "low_pass" else 1 - low
    if name != "release":
        mask[height // 2, width // 2] = 1
    spectrum = np.fft.fftshift(np.fft.fft2(channel.astype(float)))
    back = np.fft.ifft2(np.fft.ifftshift(spectrum * mask))
    if name == "release":
        return np.minimum(np.abs(back), 255).astype(np.uint8)
    return np.clip(np.rint(back.real), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("frequency", [1.0, 6.0, 8.0])
@pytest.mark.parametrize("name", ["release", "paper", "low_pass", "high_pass"])
@pytest.mark.parametrize("sides", SIDES)
def test_filters_are_those_of_numpy(sides, name, frequency):
    images = photo(*sides)
    ours = filtered(images, name, frequency).numpy()
    for image, found in zip(images.numpy(), ours, strict=True):
        for channel, own in zip(image, found, strict=True):
            theirs = by_numpy(channel, name, frequency)
            # A value on the edge between two grey levels may fall on either side.
            assert np.abs(theirs.astype(int) - own).max() <= 1
            assert (theirs != own).mean() < 0.01


def wave(cycles, side=32, mean=128.0, height=100.0):
    line = mean + height * np.cos(2 * np.pi * cycles * np.arange(side) / side)
    return torch.from_numpy(np.rint(np.tile(line, (1, 1, side, 1))).astype(np.uint8))


def contrast(images):
    return float(images.double().std())


@pytest.mark.parametrize("cycles", [1, 3, 8, 15])
def test_a_band_leaves_half_of_a_wave_that_lies_half_its_width_away(cycles):
    whole = contrast(wave(cycles))
    assert contrast(filtered(wave(cycles), "paper", float(cycles))) == pytest.approx(whole, rel=0.01)
    near = contrast(filtered(wave(cycles), "paper", cycles + 2.5))
    assert near == pytest.approx(whole / 2, rel=0.02)
    assert contrast(filtered(wave(cycles), "paper", cycles + 7.5 if cycles < 14 else cycles - 7.5)) < 1


def test_the_highest_wave_of_an_even_side_passes_its_band_and_no_other():
    nyquist = wave(16, height=90)
    assert torch.equal(filtered(nyquist, "paper", 16.0), nyquist)
    assert contrast(filtered(nyquist, "paper", 8.0)) == 0
    assert torch.equal(filtered(nyquist, "high_pass", 0.5), nyquist)


@pytest.mark.parametrize("name", ["paper", "contrast", "low_pass", "high_pass"])
def test_the_mean_of_each_channel_is_kept(name):
    # Little contrast, so that nothing is cut off at black or white.
    images = (photo() // 8) + torch.tensor([60, 120, 180], dtype=torch.uint8).view(1, 3, 1, 1)
    found = filtered(images, name, 6.0)
    means = [part.double().mean((2, 3)) for part in (images, found)]
    assert torch.allclose(*means, atol=0.3)
    assert not torch.equal(images, found)


def test_images_of_one_colour_stay_what_they_are_or_become_black():
    plain = torch.tensor([10, 128, 250], dtype=torch.uint8).view(1, 3, 1, 1).expand(2, 3, 9, 12).contiguous()
    for name in ("paper", "contrast", "low_pass", "high_pass"):
        assert torch.equal(filtered(plain, name, 3.0), plain)
    assert filtered(plain, "release", 3.0).max() == 0


def test_the_released_filter_folds_what_is_darker_than_the_mean():
    found = filtered(wave(4), "release", 3.0)
    # |cos| has twice the frequency, and nothing below 0.
    spectrum = np.abs(np.fft.fft(found[0, 0, 0].double().numpy() - float(found.double().mean())))
    assert spectrum[:17].argmax() == 8
    peak = 3.0 * math.sqrt(2 * math.log(1 + (8 / 3) ** 2))
    gains = RESPONSES["release"](torch.arange(0.0, 30.0, 0.01), 3.0)
    assert float(gains.argmax()) * 0.01 == pytest.approx(peak, abs=0.01)


def test_low_and_high_pass_add_up():
    images = photo().double()
    low, high = (RESPONSES[name](radii(16, 16), 4.0) for name in ("low_pass", "high_pass"))
    assert torch.allclose((low + high)[0, 1:], torch.ones(15, dtype=torch.float64))
    energy = (torch.fft.fft2(images).abs() ** 2).sum() / images[0, 0].numel()
    assert float(energy) == pytest.approx(float((images**2).sum()))  # no factor hides in the transforms


def test_contrast_makes_bands_equally_strong_and_keeps_their_colours():
    images = photo(32, 32) // 4 + 96
    whole = (images.double() - images.double().mean((2, 3), keepdim=True)).square().mean((1, 2, 3)).sqrt()
    for frequency in (3.0, 8.0, 15.0):
        found, plain = (filtered(images, name, frequency).double() for name in ("contrast", "paper"))
        parts = [part - part.mean((2, 3), keepdim=True) for part in (found, plain)]
        assert torch.allclose(parts[0].square().mean((1, 2, 3)).sqrt(), whole, rtol=0.05)
        strengths = [part.square().mean((2, 3)).sqrt() for part in parts]
        factors = strengths[0] / strengths[1]
        assert float((factors.max(1).values / factors.min(1).values).max()) < 1.1
        assert float(factors.min()) > 1


def test_images_do_not_depend_on_their_neighbours():
    images = photo(n=5)
    for name in RESPONSES:
        alone = torch.cat([filtered(images[i : i + 1], name, 5.0) for i in range(5)])
        assert torch.equal(filtered(images, name, 5.0), alone)


@pytest.mark.parametrize("sides", SIDES)
def test_the_highest_frequency_is_that_of_the_corner(sides):
    assert highest(*sides) == pytest.approx(math.hypot(sides[0] // 2, sides[1] // 2))
    assert highest(224, 224) == pytest.approx(158.39, abs=0.01)  # so that the paper's 156 is one of theirs


def test_the_response_has_the_paper_s_width():
    distance = torch.arange(0.0, 40.0, 0.001, dtype=torch.float64)
    response = band_response(distance[:, None], 20.0)[1:, 0]
    above = distance[1:][response >= 0.5]
    assert float(above.max() - above.min()) == pytest.approx(5.0, abs=0.01)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"name": "papers"}, ConfigError, "expected a filter among"),
        ({"frequency": 0.0}, ConfigError, "above 0 and at most 11.31"),
        ({"frequency": 12.0}, ConfigError, "images of 16 x 16 pixels; got 12"),
        ({"frequency": math.nan}, ConfigError, "got nan"),
        ({"images": photo().float()}, DataError, "expected uint8 images"),
        ({"images": photo()[0]}, DataError, "expected uint8 images"),
        ({"images": photo()[:0]}, DataError, "at least one"),
    ],
)
def test_what_cannot_be_filtered_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        filtered(**{"images": photo(), "name": "paper", "frequency": 5.0, **change})
