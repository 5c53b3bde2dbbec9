"""Images of other sizes than 32 and 224: what severities do to them stands as at the size of their family."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from flexnet.corruptions import NAMES, SEVERITIES, constants_of, corrupt
from flexnet.corruptions.constants import nearest_family, side_of
from flexnet.corruptions.gaussian import gaussian_filter
from flexnet.corruptions.registry import CORRUPTIONS
from flexnet.corruptions.widths import evenness, filter_weights, spread, width_of

Pictures = Callable[..., Tensor]

SIDES = (48, 64, 96, 128)
CLEAR = 1.4  # times as far from the clean images: clearly stronger


@pytest.fixture(scope="module")
def distances(pictures: Pictures) -> Callable[[str, int], list[float]]:
    """How far each severity brings images of a side from the clean ones, in grey levels."""
    found: dict[tuple[str, int], list[float]] = {}

    def measure(name: str, side: int) -> list[float]:
        if (name, side) not in found:
            images = pictures(side, n=2).repeat(8 if side < 128 else 3, 1, 1, 1)
            changes = [corrupt(images, name, severity).float() - images.float() for severity in SEVERITIES]
            found[name, side] = [float(change.square().mean().sqrt()) for change in changes]
        return found[name, side]

    return measure


@pytest.mark.parametrize("name", NAMES)
def test_what_is_clearly_stronger_at_the_size_of_the_family_is_stronger_at_others(
    name: str, distances: Callable[[str, int], list[float]]
) -> None:
    for side in SIDES:
        own, here = distances(name, side_of(nearest_family(side))), distances(name, side)
        for low in range(5):
            for high in range(5):
                assert own[high] < CLEAR * own[low] or here[high] > here[low], (side, low, high, own, here)


def test_glass_of_the_first_two_severities_is_about_as_strong_at_every_size(
    distances: Callable[[str, int], list[float]],
) -> None:
    """As at 32 and 224; whole shifts, and widths that follow the side, make the first stronger."""
    for side in (32, *SIDES, 160, 224):
        first, second = distances("glass_blur", side)[:2]
        assert second == pytest.approx(first, rel=0.15), side


# --- what widths do on a grid --------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.0, 0.05, 0.25, 0.4, 0.7, 1.0, 1.5, 6.0])
def test_spread_and_evenness_are_what_the_filter_does(sigma: float) -> None:
    point = torch.zeros(1, 1, 101, 101, dtype=torch.float64)
    point[..., 50, 50] = 1
    made = gaussian_filter(point, sigma)[0, 0]
    steps = torch.arange(101, dtype=torch.float64) - 50
    assert spread(sigma) == pytest.approx(float((made.sum(1) * steps**2).sum().sqrt()), abs=1e-9)
    assert evenness(sigma) == pytest.approx(float(made.square().sum().sqrt()), rel=1e-9)


def test_a_width_is_found_from_its_spread() -> None:
    assert width_of(0) == 0
    assert [width_of(spread(sigma)) for sigma in (0.25, 0.4, 1.0, 6.0)] == [0.25, 0.4, 1.0, 6.0]
    assert len(filter_weights(width_of(spread(0.05)))) == 1


@pytest.mark.parametrize(("side", "own"), [(48, 32), (64, 32), (96, 224), (300, 224)])
def test_blurs_spread_a_point_as_many_times_as_far_as_images_are_larger(side: int, own: int) -> None:
    for name in ("gaussian_blur", "glass_blur"):
        for severity in SEVERITIES:
            here, there = (spread(constants_of(name, severity, size)["sigma"]) for size in (side, own))
            assert here == pytest.approx(there * side / own, abs=2e-3)


@pytest.mark.parametrize(("side", "own"), [(48, 32), (64, 32), (96, 224), (128, 224)])
def test_smoothed_noise_of_spatter_is_as_uneven_at_every_size(side: int, own: int) -> None:
    """Else no drop reaches the threshold on larger images, and too many do on smaller ones."""
    noise = torch.randn(1, 1, 512, 512, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for severity in SEVERITIES:
        here, there = (constants_of("spatter", severity, size) for size in (side, own))
        left = [float((gaussian_filter(noise, it["sigma"]) * it["deviation"]).std()) for it in (here, there)]
        assert left[0] == pytest.approx(left[1], rel=0.05)
        assert here["sigma"] == pytest.approx(there["sigma"] * side / own)


# --- shifts of glass that are no whole numbers -----------------------------------------------------------


def neighbours(shift: float) -> Tensor:
    values = {"sigma": 1.0, "shift": shift, "rounds": 2.0}
    drawn: Tensor = CORRUPTIONS["glass_blur"].draw(torch.Generator().manual_seed(3), (3, 200, 200), values)[0]
    return drawn


@pytest.mark.parametrize("shift", [1, 3])
def test_whole_shifts_are_drawn_as_ever(shift: int) -> None:
    chances = torch.rand(2, 2, 200, 200, generator=torch.Generator().manual_seed(3))
    assert torch.equal(neighbours(shift), (chances * 2 * shift - shift).floor().to(torch.int8))


@pytest.mark.parametrize(
    ("shift", "shares"), [(0.4, {-1: 0.2, 0: 0.8}), (1.5, {-2: 1 / 8, -1: 3 / 8, 0: 3 / 8, 1: 1 / 8})]
)
def test_other_shifts_are_the_whole_ones_beside_them_by_shares(
    shift: float, shares: dict[int, float]
) -> None:
    values, counts = neighbours(shift).unique(return_counts=True)
    found = dict(zip(values.tolist(), (counts / counts.sum()).tolist(), strict=True))
    assert found == pytest.approx(shares, abs=0.01)


def test_rows_and_columns_of_a_pixel_are_moved_under_the_same_shift() -> None:
    """With a shift of 0 for six pixels of ten neither moves; were both drawn apart, two of ten would move."""
    moved = (neighbours(0.4) != 0).any(0).float().mean()
    assert float(moved) == pytest.approx(0.4 * 0.75, abs=0.01)


def test_glass_reaches_no_pixel_beyond_the_edges(pictures: Pictures) -> None:
    """A shift of 1.7 reaches 2 pixels, and so far from the edges pixels stay where they are."""
    constants = {"sigma": 0.0, "shift": 1.7, "rounds": 3.0}
    images = pictures(40, n=2)
    out = corrupt(images, "glass_blur", 1, constants=constants)
    assert torch.equal(out[..., :1, :], images[..., :1, :])
    assert not torch.equal(out, images)
