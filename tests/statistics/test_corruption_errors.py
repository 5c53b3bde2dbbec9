"""Errors under corruptions: the published table gives the published summary."""

import math
from typing import Any

import pytest

from flexnet.corruptions.names import GROUPINGS, NAMES
from flexnet.errors import DataError
from flexnet.statistics.corruption_errors import (
    alexnet_cifar10,
    category_means,
    corruption_errors,
    mce,
    mean_errors,
    relative_errors,
    relative_mce,
)

ORDER = (
    *("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"),
    *("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "gaussian_blur"),
    *("snow", "frost", "fog", "spatter", "brightness"),
    *("contrast", "elastic_transform", "pixelate", "jpeg_compression", "saturate"),
)
# Table 2 of the push-pull paper in percent, and of Table 3 the clean error, mCE and rCE.
PUBLISHED = {
    "ResNet-20": (
        "57.41 45.75 41.88 41.34 21.43 58.82 30.62 27.54 31.32 25.06 "
        "31.39 16.56 19.03 9.73 29.59 20.37 32.33 23.81 11.52",
        (7.56, 104, 169),
    ),
    "ResNet-20-PP": (
        "49.90 39.98 37.20 37.55 22.30 58.56 29.50 29.68 33.24 25.59 "
        "31.29 17.58 17.85 10.34 30.50 20.65 32.70 22.16 11.70",
        (8.29, 101, 158),
    ),
    "ResNet-32-PP": (
        "47.81 37.12 35.55 33.96 19.86 50.80 27.92 26.92 30.12 22.60 "
        "26.37 15.45 15.58 8.98 28.08 18.10 28.87 20.73 11.24",
        (7.15, 92, 145),
    ),
    "DenseNet-100-12": (
        "56.19 44.01 40.71 39.14 17.15 42.92 20.89 22.94 28.58 16.87 "
        "23.39 13.11 14.95 6.30 19.63 16.44 30.73 23.28 8.25",
        (4.70, 88, 160),
    ),
}


def published(network: str) -> dict[str, float]:
    values = [float(text) / 100 for text in PUBLISHED[network][0].split()]
    return dict(zip(ORDER, values, strict=True))


@pytest.mark.parametrize("network", PUBLISHED)
def test_the_published_table_gives_the_published_summary(network: str) -> None:
    """A ratio of means instead of a mean of ratios would give 149 instead of 169 for ResNet-20."""
    others, others_clean = alexnet_cifar10()
    clean, expected, relative = PUBLISHED[network][1]
    means = published(network)
    assert round(mce(means, others)) == expected
    assert round(relative_mce(means, clean / 100, others, others_clean)) == relative


def test_alexnet_is_100_beside_itself() -> None:
    others, clean = alexnet_cifar10()
    assert set(others) == set(NAMES)
    assert math.isclose(sum(others.values()) / 19, 0.2909, abs_tol=5e-5)
    assert math.isclose(mce(others, others), 100)
    assert math.isclose(relative_mce(others, clean, others, clean), 100)


def test_small_numbers_by_hand() -> None:
    means = mean_errors({"fog": [0.1, 0.2, 0.3, 0.4, 0.5], "snow": [0.5] * 5})
    assert means == pytest.approx({"fog": 0.3, "snow": 0.5})
    others = {"fog": 0.6, "snow": 0.4}
    assert corruption_errors(means, others) == pytest.approx({"fog": 0.5, "snow": 1.25})
    assert mce(means, others) == pytest.approx(87.5)
    assert relative_errors(means, 0.1, others, 0.2) == pytest.approx({"fog": 0.5, "snow": 2})
    assert relative_mce(means, 0.1, others, 0.2) == pytest.approx(125)


def test_means_of_categories() -> None:
    values = {name: float(place) for place, name in enumerate(NAMES)}
    means = category_means(values, GROUPINGS["flexible-layer"])
    assert means == {"noise": 1, "blur": 4.5, "weather": 8.5, "digital": 12.5, "other": 16.5}
    without = category_means(values, GROUPINGS["flexible-layer"], without=["frost"])
    assert without["weather"] == pytest.approx((7 + 9 + 10) / 3)
    assert {key: without[key] for key in means if key != "weather"} == {
        key: means[key] for key in means if key != "weather"
    }


@pytest.mark.parametrize(
    ("errors", "message"),
    [
        ({}, "expected errors under at least one corruption"),
        ({"fog": [0.1] * 4}, "fog: expected five errors from 0 to 1"),
        ({"fog": [0.1] * 4 + [math.nan]}, "fog: expected five errors"),
        ({"fog": [10, 20, 30, 40, 50]}, "fog: expected five errors"),
    ],
)
def test_errors_are_five_fractions(errors: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        mean_errors(errors)


@pytest.mark.parametrize(
    ("means", "others", "clean", "message"),
    [
        ({"fog": 0.3}, {"fog": 0.3, "snow": 0.3}, 0.1, r"missing are \['snow'\], too many are \[\]"),
        ({"fog": 0.3, "snow": 0.3}, {"fog": 0.3}, 0.1, r"missing are \[\], too many are \['snow'\]"),
        ({"fog": 0.3}, {"fog": 0.1}, 0.1, "fog: expected an error of the other network above 0.1"),
        ({"fog": 30.0}, {"fog": 0.3}, 0.1, "fog: expected an error from 0 to 1; got 30.0; divide percents"),
        ({"fog": math.nan}, {"fog": 0.3}, 0.1, "fog: expected an error from 0 to 1; got nan"),
    ],
)
def test_what_cannot_be_compared_is_refused(means: Any, others: Any, clean: float, message: str) -> None:
    with pytest.raises(DataError, match=message):
        relative_mce(means, 0.1, others, clean)


def test_a_category_without_values_is_refused() -> None:
    with pytest.raises(DataError, match=r"category weather: .*missing are \['snow'\]"):
        category_means({"fog": 0.1}, {"weather": ["fog", "snow"]})
    with pytest.raises(DataError, match="category weather: expected corruptions; got none"):
        category_means({"fog": 0.1}, {"weather": ["fog"]}, without=["fog"])
