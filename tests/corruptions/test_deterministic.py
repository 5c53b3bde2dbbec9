"""Deterministic corruptions against NumPy, SciPy, scikit-image and Pillow: equal to the byte.

These are readings of what the generators of CIFAR-10-C and ImageNet-C say, image by image, in their order of
operations, with their precision and their truncation.
"""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from skimage.color import hsv2rgb, rgb2hsv
from skimage.filters import gaussian

from flexnet.corruptions import SEVERITIES, constants_of, corrupt
from flexnet.corruptions.blur import smooth_disk

Pictures = Callable[..., torch.Tensor]
Array = np.ndarray
SIDES = {32: "cifar", 224: "imagenet"}


def defocus_blur(image: Array, radius: float, alias: float) -> Array:
    disk = smooth_disk(radius, alias)
    sums = [ndimage.correlate(image[..., channel] / 255.0, disk, mode="mirror") for channel in range(3)]
    return np.clip(np.stack(sums, -1), 0, 1) * 255


def enlarged(image: Array, factor: float) -> Array:
    side = len(image)
    kept = int(np.ceil(side / factor))
    first = (side - kept) // 2
    part = image[first : first + kept, first : first + kept]
    large = ndimage.zoom(part, (factor, factor, 1), order=1)
    first = (len(large) - side) // 2
    return large[first : first + side, first : first + side]


def zoom_blur(image: Array, end: float, step: float) -> Array:
    pixels = (image / 255.0).astype(np.float32)
    factors = np.arange(1, end, step)
    total = np.zeros_like(pixels)
    for factor in factors:
        total += enlarged(pixels, factor)
    return np.clip((pixels + total) / (len(factors) + 1), 0, 1) * 255


def gaussian_blur(image: Array, sigma: float) -> Array:
    return np.clip(gaussian(image / 255.0, sigma=sigma, channel_axis=-1), 0, 1) * 255


def brightness(image: Array, added: float) -> Array:
    pixels = rgb2hsv(image / 255.0)
    pixels[..., 2] = np.clip(pixels[..., 2] + added, 0, 1)
    return np.clip(hsv2rgb(pixels), 0, 1) * 255


def saturate(image: Array, times: float, plus: float) -> Array:
    pixels = rgb2hsv(image / 255.0)
    pixels[..., 1] = np.clip(pixels[..., 1] * times + plus, 0, 1)
    return np.clip(hsv2rgb(pixels), 0, 1) * 255


def contrast(image: Array, factor: float) -> Array:
    pixels = image / 255.0
    means = np.mean(pixels, axis=(0, 1), keepdims=True)
    return np.clip((pixels - means) * factor + means, 0, 1) * 255


def pixelate(image: Array, share: float) -> Array:
    height, width = image.shape[:2]
    small = Image.fromarray(image).resize((int(width * share), int(height * share)), Image.Resampling.BOX)
    return np.asarray(small.resize((width, height), Image.Resampling.BOX))


def jpeg_compression(image: Array, quality: float) -> Array:
    stored = BytesIO()
    Image.fromarray(image).save(stored, "JPEG", quality=int(quality))
    return np.asarray(Image.open(stored))


READINGS: dict[str, Callable[..., Array]] = {
    reading.__name__: reading
    for reading in (
        *(defocus_blur, zoom_blur, gaussian_blur, brightness, saturate, contrast, pixelate, jpeg_compression),
    )
}


def compared(images: torch.Tensor, name: str, severity: int, family: str = "auto") -> tuple[Array, Array]:
    """What we make of images and what a reading makes of them, (n, H, W, C) in uint8."""
    constants = constants_of(name, severity, images.shape[2], family).values()
    ours = corrupt(images, name, severity, constants=family).permute(0, 2, 3, 1).numpy()
    expected = [READINGS[name](image, *constants) for image in images.permute(0, 2, 3, 1).numpy()]
    return ours, np.stack([np.uint8(image) for image in expected])


@pytest.mark.oracle
@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", sorted(set(READINGS) - {"defocus_blur"}))
@pytest.mark.parametrize("side", SIDES)
def test_every_byte_is_that_of_the_reading(side: int, name: str, severity: int, pictures: Pictures) -> None:
    ours, expected = compared(pictures(side, n=8 if side == 32 else 1), name, severity)
    assert np.array_equal(ours, expected)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("side", SIDES)
def test_defocus_is_the_sum_over_its_disk(side: int, severity: int, pictures: Pictures) -> None:
    """By a transform here, by direct sums there: next to a whole level a value may fall to either side."""
    ours, expected = compared(pictures(side, n=8 if side == 32 else 1), "defocus_blur", severity)
    apart = np.abs(ours.astype(int) - expected)
    assert apart.max() <= 1
    assert (apart > 0).mean() < 1e-4


@pytest.mark.oracle
@pytest.mark.parametrize("name", sorted(set(READINGS) - {"defocus_blur"}))
@pytest.mark.parametrize("shape", [(3, 40, 57), (3, 97, 64)])
def test_images_need_not_be_square(name: str, shape: tuple[int, ...], pictures: Pictures) -> None:
    """Where the generators' own crop is for squares, ours crops both sides by the same rule."""
    images = pictures(97, n=1)[:, :, : shape[1], : shape[2]]
    out = corrupt(images, name, 3)
    assert out.shape == images.shape
    if name != "zoom_blur":
        assert np.array_equal(*compared(images, name, 3, "cifar"))


# --- the disk ----------------------------------------------------------------------------------------


@pytest.mark.oracle
@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("side", SIDES)
def test_the_disk_is_opencv_s(side: int, severity: int) -> None:
    """To the bit at 32 pixels; above, OpenCV fuses products and sums, which moves a weight's last bit."""
    cv2 = pytest.importorskip("cv2")
    radius, alias = constants_of("defocus_blur", severity, side).values()
    line = np.arange(-8, 9) if radius <= 8 else np.arange(-int(radius), int(radius) + 1)
    disk = np.array(line[:, None] ** 2 + line**2 <= radius**2, dtype=np.float32)
    disk /= np.sum(disk)
    expected = cv2.GaussianBlur(disk, ksize=(3, 3) if radius <= 8 else (5, 5), sigmaX=alias)
    ours = smooth_disk(radius, alias)
    cut = (len(expected) - len(ours)) // 2
    expected = np.pad(expected, 0)[cut : len(expected) - cut, cut : len(expected) - cut]
    assert np.abs(ours - expected).max() <= (0 if side == 32 else 2e-9)


def test_a_disk_that_touches_its_square_brightens_images() -> None:
    """The border of the square is mirrored, which counts the outermost points twice; ImageNet-C has it so."""
    sums = {radius: smooth_disk(radius, 0.5).sum() for radius in (4, 6, 8, 10)}
    assert abs(sums[4] - 1) < 1e-6
    assert abs(sums[6] - 1) < 1e-6
    assert 1.01 < sums[8] < 1.02
    assert 1.01 < sums[10] < 1.02


# --- traps -------------------------------------------------------------------------------------------


def test_results_are_truncated_and_not_rounded() -> None:
    """At severity 1 contrast maps 100 in an image of the mean 131.5 to 107.875, which is stored as 107."""
    images = torch.full((1, 3, 32, 32), 163, dtype=torch.uint8)
    images[..., :16] = 100
    out = corrupt(images, "contrast", 1)
    assert out[0, 0, 0].unique().tolist() == [107, 155]  # of 107.875 and 155.125


def test_zoom_blur_takes_the_ends_that_rounding_adds() -> None:
    """Rounding brings 1.06 into numpy.arange(1, 1.06, 0.01), and 1.16 stays out of that up to 1.16."""
    rows = [constants_of("zoom_blur", severity, side) for side in SIDES for severity in SEVERITIES]
    counts = [len(np.arange(1, *row.values())) for row in rows]
    assert counts == [7, 12, 16, 21, 26, 12, 16, 11, 13, 11]


@pytest.mark.parametrize("factor", [1, 2])
def test_flat_regions_keep_the_level_that_the_generators_give_them(factor: int) -> None:
    """A blur of white is 254 or 255, as the sum of its weights falls: scipy's order of sums decides."""
    images = torch.full((1, 3, 32 * factor, 32 * factor), 255, dtype=torch.uint8)
    for severity in SEVERITIES:
        ours, expected = compared(images, "gaussian_blur", severity)
        assert np.array_equal(ours, expected)
