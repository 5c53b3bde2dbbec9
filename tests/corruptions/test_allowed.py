"""Constants of one's own: what a corruption takes it can do, and all else is refused."""

import pytest
import torch

from flexnet.corruptions import NAMES, SEVERITIES, constants_of, corrupt
from flexnet.corruptions.allowed import ALLOWED
from flexnet.corruptions.constants import check_values, columns_of
from flexnet.corruptions.registry import CORRUPTIONS
from flexnet.corruptions.zoom import zoomed
from flexnet.errors import ConfigError

# What is at the end of what is allowed, and what is beyond; of constants that are not named 0 and -0.1.
ENDS: dict[tuple[str, str], tuple[tuple[float, ...], tuple[object, ...]]] = {
    ("shot_noise", "photons"): ((1e-3,), (0, -1)),
    ("impulse_noise", "amount"): ((0, 1), (-0.1, 1.1, 5)),
    ("defocus_blur", "alias"): ((0.01,), (0,)),
    ("glass_blur", "shift"): ((0, 127), (-1, 128)),
    ("glass_blur", "rounds"): ((1,), (0, 1.5, -1)),
    ("motion_blur", "radius"): ((1, 2.0), (0, 1.5)),
    ("motion_blur", "sigma"): ((0.01,), (0,)),
    ("zoom_blur", "end"): ((1.001,), (1, 0.9)),
    ("zoom_blur", "step"): ((0.001,), (0, -0.1, 1e-9)),
    ("snow", "zoom"): ((1,), (0.99, 0)),
    ("snow", "radius"): ((1,), (0, 1.5)),
    ("snow", "sigma"): ((0.01,), (0,)),
    ("snow", "mix"): ((0, 1), (-0.1, 1.1)),
    ("frost", "size"): ((0.001,), (0,)),
    ("fog", "strength"): ((0.001,), (0,)),
    ("fog", "decay"): ((0.5,), (0,)),
    ("brightness", "added"): ((-1, 1), (-1.1, 1.1)),
    ("saturate", "plus"): ((-1, 1), (-1.1, 1.1)),
    ("elastic_transform", "side"): ((0.1,), (0,)),
    ("pixelate", "share"): ((0.001, 1), (0, 1.1)),
    ("jpeg_compression", "quality"): ((1, 95), (0, 96, 12.5)),
}
USUAL: tuple[tuple[float, ...], tuple[object, ...]] = ((0,), (-0.1, torch.nan, torch.inf, True, "1", None))
COLUMNS = [(name, column) for name in NAMES for column in columns_of(name)]


def changed(name: str, column: str, value: object) -> dict[str, object]:
    constants: dict[str, object] = dict(constants_of(name, 1, 32))
    return {**constants, column: value}


def test_every_bound_is_of_a_constant_that_there_is() -> None:
    assert {(name, column) for name, columns in ALLOWED.items() for column in columns} == set(ENDS)
    assert set(ENDS) <= set(COLUMNS)


@pytest.mark.parametrize("name", NAMES)
def test_all_constants_at_all_sizes_are_allowed(name: str) -> None:
    """Those of small images included, where a length may fall below a pixel."""
    for side in range(16, 400, 3):
        for severity in SEVERITIES:
            check_values(name, constants_of(name, severity, side))
            for family in ("imagenet", "cifar"):
                check_values(name, constants_of(name, severity, side, family))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("name", "column"), COLUMNS)
def test_what_is_allowed_can_be_done(name: str, column: str) -> None:
    images = torch.randint(
        0, 256, (2, 3, 16, 21), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    images[1] = 0
    for value in ENDS.get((name, column), USUAL)[0]:
        for channels in (3,) if CORRUPTIONS[name].colour_only else (3, 1):
            done = corrupt(images[:, :channels], name, 1, constants=changed(name, column, value))  # type: ignore[arg-type]
            assert done.shape == images[:, :channels].shape


@pytest.mark.parametrize(("name", "column"), COLUMNS)
def test_what_is_beyond_is_refused_by_name(name: str, column: str) -> None:
    for value in (*ENDS.get((name, column), USUAL)[1], *USUAL[1][1:]):
        with pytest.raises(ConfigError, match=rf"constants: {name}\.{column}: expected a .*; got"):
            check_values(name, changed(name, column, value))


def test_spatter_is_water_or_mud() -> None:
    """Of both, the water would be left out in silence."""
    with pytest.raises(ConfigError, match="water or mud above 0 and the other one 0"):
        check_values("spatter", changed("spatter", "mud", 0.6))


# --- snow on small images --------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [16, 20, 28, 31])
def test_flakes_of_small_images_are_pixels_and_no_clouds(side: int) -> None:
    """Enlarging by less than 1 would take the flakes from the four pixels of one corner."""
    black, own = torch.zeros(8, 1, side, side, dtype=torch.uint8), constants_of("snow", 1, side)
    assert own["zoom"] == 1
    dense = {**own, "mean": 0.3, "deviation": 0.1, "cut": 0, "sigma": 0.01, "mix": 1}
    flakes = corrupt(black, "snow", 1, constants=dense).double()
    across = flakes.diff(dim=3).abs().mean() / flakes.std()
    assert across == pytest.approx(1.13, abs=0.1)  # neighbours differ as any two normal numbers do


def test_nothing_is_enlarged_by_less_than_1() -> None:
    with pytest.raises(ConfigError, match="expected a factor of at least 1; got 0.875"):
        zoomed(torch.zeros(1, 1, 28, 28), 0.875)
