"""Corruptions against the package imagecorruptions: the same images, or the same statistics.

It has the constants of ImageNet-C, at any size. The deterministic ones must agree within one grey level at
every severity; of the random ones mean, deviation and radial spectrum. It differs from the generators of
ImageNet-C, and so from us, in four places: frost shows photographs, and six of them; elastic transforms have
constants of its own; motion blur is truncated where ImageMagick rounds, and loses the end of a path that is
longer than the image; and images that were zoomed are cut at their first corner and not in their middle.
"""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
import torch

from flexnet.corruptions import SEVERITIES, constants_of, corrupt
from flexnet.corruptions.kernel import nothing
from flexnet.corruptions.motion import motion_blur, path
from flexnet.corruptions.registry import CORRUPTIONS

pytestmark = pytest.mark.oracle
Pictures = Callable[..., torch.Tensor]
SIDES = (32, 224)
ALONE = {"zoom_blur"}  # cut elsewhere
DETERMINISTIC = [name for name, it in CORRUPTIONS.items() if it.draw is nothing and name not in ALONE]
OTHERWISE = {"frost", "elastic_transform"}
RANDOM = [name for name, it in CORRUPTIONS.items() if it.draw is not nothing and name not in OTHERWISE]
SEEDED = {"impulse_noise", "glass_blur"}  # the others draw from NumPy's global state


@pytest.fixture(scope="module")
def theirs() -> ModuleType:
    return pytest.importorskip("imagecorruptions")


def by_them(theirs: ModuleType, images: torch.Tensor, name: str, severity: int) -> torch.Tensor:
    """What the package makes of images, one by one, the same in every run."""
    np.random.seed(0)  # noqa: NPY002
    made = []
    for seed, image in enumerate(images.permute(0, 2, 3, 1).numpy()):
        seeded = {"seed": seed} if name in SEEDED else {}
        image = np.ascontiguousarray(image)
        made.append(theirs.corrupt(image, corruption_name=name, severity=severity, **seeded))
    return torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2)


@pytest.mark.parametrize("name", RANDOM)
def test_the_package_repeats_itself(name: str, theirs: ModuleType, pictures: Pictures) -> None:
    """Else the comparisons below fail in one run of some hundred, as impulse noise did."""
    images = pictures(64, n=2)
    assert by_them(theirs, images, name, 3).equal(by_them(theirs, images, name, 3))


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", DETERMINISTIC)
@pytest.mark.parametrize("side", SIDES)
def test_deterministic_ones_agree_within_one_grey_level(
    side: int, name: str, severity: int, theirs: ModuleType, pictures: Pictures
) -> None:
    images = pictures(side, n=4 if side == 32 else 1)
    ours = corrupt(images, name, severity, constants="imagenet").int()
    apart = (ours - by_them(theirs, images, name, severity)).abs()
    assert apart.max() <= 1
    assert apart.float().mean() < 0.01


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("side", SIDES)
def test_zoom_blur_agrees_where_both_cut_alike(
    side: int, severity: int, theirs: ModuleType, pictures: Pictures
) -> None:
    """One pixel that is too much is cut at the end by both; two are cut at both ends by the generators."""
    from imagecorruptions import corruptions

    factors = np.arange(1, *constants_of("zoom_blur", severity, side, "imagenet").values())
    images = pictures(side, n=1)
    image = (images[0].permute(1, 2, 0).numpy() / 255.0).astype(np.float32)
    total = np.zeros_like(image)
    for factor in factors:
        large = corruptions.clipped_zoom(image, factor)
        first = (len(large) - side) // 2
        total += large[first : first + side, first : first + side]
    expected = np.uint8(np.clip((image + total) / (len(factors) + 1), 0, 1) * 255)
    ours = corrupt(images, "zoom_blur", severity, constants="imagenet")
    assert np.abs(ours[0].permute(1, 2, 0).numpy().astype(int) - expected).max() <= 1


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("angle", [-44.9, -20.0, 0.0, 13.0, 45.0, -90.0])
def test_motion_blur_along_a_path_agrees(
    angle: float, severity: int, theirs: ModuleType, pictures: Pictures
) -> None:
    from imagecorruptions import corruptions

    it, images = constants_of("motion_blur", severity, 224), pictures(224, n=1)
    ours = motion_blur(images, path(angle, it["radius"])[None], it["sigma"])[0].permute(1, 2, 0)
    image = images[0].permute(1, 2, 0).numpy()
    expected = corruptions._motion_blur(image, radius=int(it["radius"]), sigma=it["sigma"], angle=angle)
    assert np.abs(ours.numpy() - np.round(expected)).max() <= 1


def radial_spectrum(changes: torch.Tensor) -> torch.Tensor:
    """Power of what a corruption adds, in four rings of spatial frequency that double, (4,)."""
    power = torch.fft.fft2(changes.double()).abs().square().mean((0, 1))
    steps = torch.fft.fftfreq(power.shape[0])
    radius = torch.hypot(steps[:, None], steps[None, :])
    rings = [(0.5 / 2**k, 0.5 / 2 ** (k + 1)) for k in range(4)]
    return torch.stack([power[(radius <= high) & (radius > low)].mean() for high, low in rings])


# Tolerances: of the mean change in grey levels, of its deviation as a share, of each ring's power as a share.
# Whole images of snow, fog and water differ much from each other, and so do those blurred along a long path.
CLOSE, LOOSE = (1.0, 0.03, 0.08), (8.0, 0.2, 0.5)
TOLERANCES = dict.fromkeys(("snow", "fog", "spatter", "motion_blur"), LOOSE) | {
    "glass_blur": (1.0, 0.05, 0.25)
}


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize("name", RANDOM)
def test_random_ones_have_the_same_statistics(
    name: str, severity: int, theirs: ModuleType, pictures: Pictures
) -> None:
    """Of 24 images of 64 pixels under the same constants."""
    images = (pictures(64, n=1) // 2 + 40).expand(24, -1, -1, -1)
    ours = corrupt(images, name, severity, constants="imagenet").float() - images
    others = by_them(theirs, images, name, severity).float() - images
    mean, spread, power = TOLERANCES.get(name, CLOSE)
    assert abs(float(ours.mean() - others.mean())) < mean
    assert abs(float(ours.std() / others.std()) - 1) < spread
    assert (radial_spectrum(ours) / radial_spectrum(others) - 1).abs().max() < power


def test_synthetic_frost_is_like_the_photographs_in_brightness_and_fineness(
    theirs: ModuleType, pictures: Pictures
) -> None:
    """It is no substitute for them, but no other corruption either: within a factor of two in every ring."""
    images = torch.full((40, 3, 224, 224), 40, dtype=torch.uint8)
    ours = corrupt(images, "frost", 3).float() - images
    others = by_them(theirs, images, "frost", 3).float() - images
    assert abs(float(ours.mean() - others.mean())) < 15
    ratios = radial_spectrum(ours - ours.mean((2, 3), keepdim=True)) / radial_spectrum(
        others - others.mean((2, 3), keepdim=True)
    )
    assert ratios.max() < 2
    assert ratios.min() > 1 / 2
    assert abs(float(ours.std() / others.std()) - 1) < 0.15
