"""The constants of both families, number by number, and which of them an image of some size gets."""

import numpy as np
import pytest

from flexnet.corruptions import GROUPINGS, NAMES, SEVERITIES, SYNTHETIC, constants_of
from flexnet.corruptions.constants import nearest_family, source_of
from flexnet.corruptions.registry import CORRUPTIONS
from flexnet.errors import ConfigError

# The published tables, column by column: severities 1 to 5 of each constant.
IMAGENET = {
    "gaussian_noise": "sigma .08 .12 .18 .26 .38",
    "shot_noise": "photons 60 25 12 5 3",
    "impulse_noise": "amount .03 .06 .09 .17 .27",
    "speckle_noise": "sigma .15 .2 .35 .45 .6",
    "gaussian_blur": "sigma 1 2 3 4 6",
    "defocus_blur": "radius 3 4 6 8 10, alias .1 .5 .5 .5 .5",
    "glass_blur": "sigma .7 .9 1 1.1 1.5, shift 1 2 2 3 4, rounds 2 1 3 2 2",
    "motion_blur": "radius 10 15 15 15 20, sigma 3 5 8 12 15",
    "zoom_blur": "end 1.11 1.16 1.21 1.26 1.31, step .01 .01 .02 .02 .03",
    "snow": "mean .1 .2 .55 .55 .55, deviation .3 .3 .3 .3 .3, zoom 3 2 4 4.5 2.5, cut .5 .5 .9 .85 .85, "
    "radius 10 12 12 12 12, sigma 4 4 8 8 12, mix .8 .7 .7 .65 .55",
    "frost": "image 1 .8 .7 .65 .6, frost .4 .6 .7 .7 .75, size 1 1 1 1 1",
    "fog": "strength 1.5 2 2.5 2.5 3, decay 2 2 1.7 1.5 1.4",
    "brightness": "added .1 .2 .3 .4 .5",
    "contrast": "factor .4 .3 .2 .1 .05",
    "saturate": "times .3 .1 2 5 20, plus 0 0 0 .1 .2",
    "elastic_transform": "side 244 244 244 244 244, alpha 2 2 .05 .07 .12, sigma .7 .08 .01 .01 .01, "
    "jitter .1 .2 .02 .02 .02",
    "pixelate": "share .6 .5 .4 .3 .25",
    "jpeg_compression": "quality 25 18 15 10 7",
    "spatter": "mean .65 .65 .65 .65 .67, deviation .3 .3 .3 .3 .4, sigma 4 3 2 1 1, "
    "cut .69 .68 .68 .65 .65, water .6 .6 .5 0 0, mud 0 0 0 1.5 1.5",
}
CIFAR = {
    "gaussian_noise": "sigma .04 .06 .08 .09 .10",
    "shot_noise": "photons 500 250 100 75 50",
    "impulse_noise": "amount .01 .02 .03 .05 .07",
    "speckle_noise": "sigma .06 .1 .12 .16 .2",
    "gaussian_blur": "sigma .4 .6 .7 .8 1",
    "defocus_blur": "radius .3 .4 .5 1 1.5, alias .4 .5 .6 .2 .1",
    "glass_blur": "sigma .05 .25 .4 .25 .4, shift 1 1 1 1 1, rounds 1 1 1 2 2",
    "motion_blur": "radius 6 6 6 8 9, sigma 1 1.5 2 2 2.5",
    "zoom_blur": "end 1.06 1.11 1.16 1.21 1.26, step .01 .01 .01 .01 .01",
    "snow": "mean .1 .1 .15 .25 .3, deviation .2 .2 .3 .3 .3, zoom 1 1 1.75 2.25 1.25, "
    "cut .6 .5 .55 .6 .65, radius 8 10 10 12 14, sigma 3 4 4 6 12, mix .95 .9 .9 .85 .8",
    "frost": "image 1 1 .9 .85 .75, frost .2 .3 .4 .4 .45, size .2 .2 .2 .2 .2",
    "fog": "strength .2 .5 .75 1 1.5, decay 3 3 2.5 2 1.75",
    "brightness": "added .05 .1 .15 .2 .3",
    "contrast": "factor .75 .5 .4 .3 .15",
    "saturate": "times .3 .1 1.5 2 2.5, plus 0 0 0 .1 .2",
    "elastic_transform": "side 32 32 32 32 32, alpha 0 .05 .08 .1 .1, sigma 0 .2 .06 .04 .03, "
    "jitter .08 .07 .06 .05 .03",
    "pixelate": "share .95 .9 .85 .75 .65",
    "jpeg_compression": "quality 80 65 58 50 40",
    "spatter": "mean .62 .65 .65 .65 .65, deviation .1 .1 .3 .1 .1, sigma .7 .8 1 .7 .5, "
    "cut .7 .7 .69 .69 .68, water .5 .5 .5 0 0, mud 0 0 0 .6 .6",
}


def told(text: str) -> dict[str, list[float]]:
    columns = [column.split() for column in text.split(",")]
    return {name: [float(value) for value in values] for name, *values in columns}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("family", "side", "table"), [("imagenet", 224, IMAGENET), ("cifar", 32, CIFAR)])
def test_every_constant_is_the_published_one(
    name: str, family: str, side: int, table: dict[str, str]
) -> None:
    for constants in ("auto", family):
        rows = [constants_of(name, severity, side, constants) for severity in SEVERITIES]
        assert {key: [row[key] for row in rows] for key in rows[0]} == told(table[name])


def test_both_tables_name_their_source() -> None:
    assert source_of("imagenet").endswith("make_imagenet_c.py")
    assert source_of("cifar").endswith("make_cifar_c.py")


def test_small_images_get_the_constants_that_were_made_for_them() -> None:
    """Those of ImageNet-C leave nothing of an image of 32 pixels."""
    assert [nearest_family(side) for side in (28, 32, 64, 84, 85, 96, 224, 299)] == ["cifar"] * 4 + [
        "imagenet"
    ] * 4
    assert constants_of("shot_noise", 5, 32) == {"photons": 50}
    assert constants_of("shot_noise", 5, 32, "imagenet") == {"photons": 3}


def test_lengths_follow_the_side_and_nothing_else_does() -> None:
    half = constants_of("glass_blur", 5, 112)
    assert half == {"sigma": pytest.approx(0.75, abs=1e-3), "shift": 2, "rounds": 2}
    assert constants_of("snow", 1, 64) == {
        "mean": 0.1, "deviation": 0.2, "zoom": 2, "cut": 0.6, "radius": 16, "sigma": 6, "mix": 0.95,
    }  # fmt: skip
    assert constants_of("elastic_transform", 1, 112)["side"] == 122
    assert constants_of("motion_blur", 1, 28)["radius"] == 5  # of 5.25: a whole length
    assert constants_of("motion_blur", 5, 48)["radius"] == 14  # of 13.5: the nearest, a half goes up
    assert constants_of("glass_blur", 1, 28)["shift"] == 0.875  # which is 1 for seven pixels of eight


def test_a_family_asked_for_by_name_is_taken_as_it_stands() -> None:
    for side in (16, 32, 100, 500):
        assert constants_of("motion_blur", 5, side, "imagenet") == {"radius": 20, "sigma": 15}
        assert constants_of("motion_blur", 5, side, "cifar") == {"radius": 9, "sigma": 2.5}


def test_every_name_has_a_kernel_and_one_place_in_each_grouping() -> None:
    assert tuple(CORRUPTIONS) == NAMES
    assert len(NAMES) == len(set(NAMES)) == 19
    for grouping in GROUPINGS.values():
        members = [name for names in grouping.values() for name in names]
        assert sorted(members) == sorted(NAMES)
    assert set(SYNTHETIC) <= set(NAMES)


@pytest.mark.parametrize(
    ("name", "severity", "family", "message"),
    [
        ("fogg", 3, "auto", "corruption: expected a corruption; got 'fogg'; did you mean 'fog'?"),
        ("jpeg", 3, "auto", "corruption: expected a corruption: one of"),
        (
            "fog",
            0,
            "auto",
            "severity: expected an integer from 1 to 5 (the clean images are severity 0); got 0",
        ),
        ("fog", 6, "auto", "got 6"),
        ("fog", 3.0, "auto", "got 3.0"),
        ("fog", True, "auto", "got True"),
        ("fog", np.int64(3), "auto", "severity: expected an integer"),
        ("fog", 3, "imagnet", "did you mean 'imagenet'?"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(name: str, severity: int, family: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        constants_of(name, severity, 32, family)
    assert message in str(error.value)
