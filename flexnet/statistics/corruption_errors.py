"""Errors under corruptions, by themselves and beside those of a network that everybody compares with.

The measures of Hendrycks and Dietterich (2019), as the push-pull paper takes them: means of ratios, all
corruptions with the same weight. With E(c, s) the error of the network at severity s of corruption c and A(c,
s) that of the other network, CE(c) is the sum of E(c, s) over s divided by that of A(c, s); mCE is the mean
of CE(c) over c. Relative errors are counted from the error on clean images.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from flexnet.errors import DataError
from flexnet.yaml_files import read_yaml

ALEXNET: Final = Path(__file__).with_name("alexnet-cifar10.yaml")

Errors = Mapping[str, Sequence[float]]  # corruption -> errors at severities 1 to 5, as fractions
Means = Mapping[str, float]  # corruption -> mean of these


def mean_errors(errors: Errors) -> dict[str, float]:
    """Mean over the five severities for each corruption.

    Raises:
        DataError: if there is no corruption, or one has not five errors from 0 to 1.
    """
    if not errors:
        raise DataError("expected errors under at least one corruption; got none; check the rows")
    for name, values in errors.items():
        if len(values) != 5 or not all(isfinite(value) and 0 <= value <= 1 for value in values):
            raise DataError(
                f"{name}: expected five errors from 0 to 1, one for each severity; got "
                f"{list(values)}; check the rows"
            )
    return {name: fmean(values) for name, values in errors.items()}


def corruption_errors(means: Means, others: Means) -> dict[str, float]:
    """CE of each corruption: its error divided by that of the other network; 1 is as good as that.

    Args:
        means: error of each corruption (`mean_errors`).
        others: those of the other network, of the same corruptions.

    Raises:
        DataError: if the corruptions differ, an error is not a fraction, or the other network has none.
    """
    return _ratios(means, others, 0.0, 0.0)


def relative_errors(means: Means, clean: float, others: Means, others_clean: float) -> dict[str, float]:
    """Relative CE of each corruption: as `corruption_errors`, of what the corruption adds to the clean error.

    Args:
        means: error of each corruption (`mean_errors`).
        clean: error on clean images.
        others: as `means`, of the other network.
        others_clean: as `clean`, of the other network.

    Raises:
        DataError: as `corruption_errors`, and if a corruption does not raise the error of the other network.
    """
    return _ratios(means, others, clean, others_clean)


def mce(means: Means, others: Means) -> float:
    """Mean CE in percent: 100 is as good as the other network.

    Raises:
        DataError: as `corruption_errors`.
    """
    return 100 * fmean(corruption_errors(means, others).values())


def relative_mce(means: Means, clean: float, others: Means, others_clean: float) -> float:
    """Mean relative CE in percent: 100 is as robust as the other network. A mean of ratios, not their ratio.

    Raises:
        DataError: as `relative_errors`.
    """
    return 100 * fmean(relative_errors(means, clean, others, others_clean).values())


def category_means(
    values: Means, grouping: Mapping[str, Iterable[str]], without: Iterable[str] = ()
) -> dict[str, float]:
    """Mean of a value over the corruptions of each category.

    Args:
        values: corruption -> value, such as an error or a CE.
        grouping: category -> corruptions, as in `flexnet.corruptions.GROUPINGS`.
        without: corruptions that are left out, such as a synthesised one.

    Raises:
        DataError: if a corruption of a category has no value, or a category has none left.
    """
    left_out = set(without)
    means = {}
    for category, names in grouping.items():
        kept = [name for name in names if name not in left_out]
        _check_same(set(kept), set(values) & set(kept), f"category {category}")
        if not kept:
            raise DataError(f"category {category}: expected corruptions; got none; leave fewer out")
        means[category] = fmean(values[name] for name in kept)
    return means


@cache
def alexnet_cifar10() -> tuple[dict[str, float], float]:
    """Published errors of AlexNet on CIFAR-10-C: mean of each corruption, and on clean images; fractions.

    The network and its training were not published; these numbers are what the measures of others are based
    on.
    """
    stored: dict[str, Any] = read_yaml(ALEXNET)
    return {name: percent / 100 for name, percent in stored["errors"].items()}, stored["clean"] / 100


def _ratios(means: Means, others: Means, clean: float, others_clean: float) -> dict[str, float]:
    _check_same(set(others), set(means), "the two networks")
    for name, value in [*means.items(), *others.items(), ("clean", clean), ("clean", others_clean)]:
        if not (isfinite(value) and 0 <= value <= 1):
            raise DataError(f"{name}: expected an error from 0 to 1; got {value}; divide percents by 100")
    for name, value in others.items():
        if not value > others_clean:
            raise DataError(
                f"{name}: expected an error of the other network above {others_clean:g}, to divide by the "
                f"difference; got {value:g}; compare with another network"
            )
    return {name: (means[name] - clean) / (others[name] - others_clean) for name in means}


def _check_same(expected: set[str], got: set[str], where: str) -> None:
    if expected != got:
        raise DataError(
            f"{where}: expected the same corruptions; missing are {sorted(expected - got)}, too many are "
            f"{sorted(got - expected)}; measure all of them"
        )
