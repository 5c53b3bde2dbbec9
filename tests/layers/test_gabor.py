"""S1 against Gabor filters and correlations of other libraries, and its invariances."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from flexnet.layers.gabor import DIVISORS, ORIENTATIONS, SIZES, GaborS1, disc, gabor_bank

BANKS = list(zip(SIZES, DIVISORS, strict=True))


def images(size: int = 28) -> torch.Tensor:
    """Images in [0, 1] with a blank border, as of clothes."""
    x = torch.rand(2, 1, size, size, generator=torch.Generator().manual_seed(0))
    x[:, :, :, :4] = 0
    return x


def test_sizes_and_divisors_are_those_of_the_definition() -> None:
    assert (SIZES[0], SIZES[1], SIZES[-1], len(SIZES)) == (7, 9, 37, 16)
    assert DIVISORS[0] == 4 and DIVISORS[1] == pytest.approx(3.95) and DIVISORS[-1] == pytest.approx(3.25)


@pytest.mark.parametrize(("size", "divisor"), BANKS)
def test_filters_vanish_outside_the_disc_and_have_zero_mean_and_unit_norm(size: int, divisor: float) -> None:
    bank = gabor_bank(size, divisor)
    assert bank.shape == (4, 1, size, size)
    offsets = np.arange(size) - size // 2
    outside = torch.from_numpy(np.hypot(offsets[:, None], offsets) > size / 2)
    assert not bank[:, :, outside].any()
    assert (bank[:, :, ~outside] != 0).double().mean() > 0.9
    torch.testing.assert_close(bank.double().sum((1, 2, 3)), torch.zeros(4).double(), atol=1e-5, rtol=0)
    torch.testing.assert_close(bank.square().sum((1, 2, 3)), torch.ones(4))


@pytest.mark.oracle
@pytest.mark.parametrize(("size", "divisor"), BANKS)
def test_filters_are_those_of_scikit_image(size: int, divisor: float) -> None:
    from skimage.filters import gabor_kernel

    wavelength = 2 * size / divisor
    deviation = 0.8 * wavelength
    for ours, orientation in zip(gabor_bank(size, divisor), ORIENTATIONS, strict=True):
        kernel = gabor_kernel(
            1 / wavelength,
            theta=-np.deg2rad(orientation),  # its rows run downwards
            sigma_x=deviation,
            sigma_y=deviation / 0.3,
            n_stds=4,
        ).real
        centre, half = np.array(kernel.shape) // 2, size // 2
        kernel = kernel[
            centre[0] - half : centre[0] + half + 1, centre[1] - half : centre[1] + half + 1
        ].copy()
        assert kernel.shape == (size, size)
        inside = disc(size)[0, 0].bool().numpy()
        kernel[~inside] = 0
        kernel[inside] -= kernel[inside].mean()
        np.testing.assert_allclose(ours[0].numpy(), kernel / np.linalg.norm(kernel), atol=1e-5)


@pytest.mark.parametrize("size", [28, 11])
def test_responses_are_those_of_scipy(size: int) -> None:
    x = images(size)
    expected = []
    for side, divisor in BANKS:
        window = disc(side)[0, 0].double().numpy()
        for image in x[:, 0].double().numpy():
            energy = ndimage.correlate(image**2, window, mode="constant")
            for kernel in gabor_bank(side, divisor)[:, 0].double().numpy():
                projection = ndimage.correlate(image, kernel, mode="constant")
                expected.append(np.abs(projection) / np.sqrt(energy + 1e-8))
    stacked = np.stack(expected).reshape(16, 2, 4, size, size)
    s1 = GaborS1()
    np.testing.assert_allclose(torch.stack(s1.responses(x)).numpy(), stacked, atol=2e-5)
    pairs = stacked.reshape(8, 2, 2, 4, size, size).max(1).swapaxes(0, 1)
    np.testing.assert_allclose(s1(x).numpy(), pairs, atol=2e-5)


def test_a_filter_sees_itself_with_response_one_and_nothing_with_more() -> None:
    s1 = GaborS1()
    for size in (7, 21, 37):
        image = torch.zeros(1, 1, 41, 41)
        low = 20 - size // 2
        image[..., low : low + size, low : low + size] = s1.get_buffer(f"filters{size}")[1:2]
        responses = s1.responses(image)[SIZES.index(size)]
        assert responses[0, 1, 20, 20].item() == pytest.approx(1, abs=1e-5)
        assert responses.max() <= 1 + 1e-5


@pytest.mark.parametrize(("channel", "rows", "columns"), [(0, 1, 0), (1, 1, 1), (2, 0, 1), (3, 1, -1)])
def test_each_orientation_prefers_its_wave(channel: int, rows: int, columns: int) -> None:
    steps = torch.arange(28.0)
    phase = (rows * steps.view(-1, 1) + columns * steps) / (rows**2 + columns**2) ** 0.5
    wave = torch.cos(2 * torch.pi * phase / (2 * 11 / 3.9)).view(1, 1, 28, 28)
    middle = GaborS1().responses(wave)[SIZES.index(11)][0, :, 10:18, 10:18].amax((1, 2))
    assert middle.argmax() == channel
    assert middle[channel] > 0.9 > 2 * middle.sort().values[-2]


def test_scale_does_not_matter_and_an_offset_does() -> None:
    s1, x = GaborS1(), images()
    torch.testing.assert_close(s1(x / 2), s1(x), atol=1e-4, rtol=0)
    change = (s1(x + 1) - s1(x)).abs().mean().item()
    assert change > 0.02


def test_blank_images_give_zeros_and_finite_gradients() -> None:
    blank = torch.zeros(1, 1, 28, 28, requires_grad=True)
    responses = GaborS1()(blank)
    assert not responses.any()
    responses.sum().backward()
    assert blank.grad is not None and blank.grad.isfinite().all()


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_a_model_in_half_precision_gets_responses_of_its_type(kind: torch.dtype) -> None:
    s1, x = GaborS1().to(kind), images().to(kind)
    wide = GaborS1().to(kind).float()  # whose filters are rounded as those
    assert torch.equal(s1(x), wide(x.float()).to(kind))
    assert all(map(torch.equal, s1.responses(x), (each.to(kind) for each in wide.responses(x.float()))))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(s1(x), wide(x.float()))


def test_precision_does_not_follow_autocast() -> None:
    s1, x = GaborS1(), images()
    with torch.autocast("cpu", torch.bfloat16):
        under = s1(x)
    assert torch.equal(under, s1(x))
    assert s1(x.double()).dtype == torch.float64
