"""Errors of networks under corruptions in a few numbers, each with its spread over training seeds."""

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any, Final

import pandas as pd

from flexnet.corruptions.names import CLEAN, NAMES, SEVERITIES, SYNTHETIC, original
from flexnet.errors import DataError
from flexnet.statistics.categories import by_original_name
from flexnet.statistics.corruption_errors import (
    Means,
    alexnet_cifar10,
    category_means,
    mce,
    relative_mce,
)
from flexnet.statistics.intervals import t_interval
from flexnet.statistics.same_images import THEIR_IMAGES, require_same_images
from flexnet.tables.columns import ESTIMATES

ALEXNET: Final = "AlexNet on CIFAR-10-C"  # a reference by its published errors
CLEAN_ERROR, MEAN_ERROR, MCE, RELATIVE = "clean error", "mean error", "mCE", "relative mCE"
SYNTHESISED: Final = tuple(SYNTHETIC)
_BY: Final = ["figure", "protocol", "series"]


def network_errors(
    rows: pd.DataFrame, reference: str, grouping: Mapping[str, Sequence[str]], without: Sequence[str] = ()
) -> pd.DataFrame:
    """Clean error, mean error, mCE, relative mCE, and the mean error of each category, over training seeds.

    Args:
        rows: with the columns figure, protocol, series, seed, corruption, severity, n and accuracy. Errors
            are means over the severities that were asked.
        reference: the series with which the others are compared, seed by seed; or `ALEXNET`.
        grouping: category -> corruptions.
        without: corruptions; categories that hold one are given without it as well.

    Returns:
        One row for each network and measure: columns figure, protocol, series, measure, n (seeds), n_images,
        mean, sem, low, high, by_seed. All are fractions: an mCE of 1 is as good as the reference. A measure
        that is not defined, such as the relative mCE where a corruption does not raise the error of the
        reference, or an mCE where not all of `ALEXNET`'s corruptions, or of the five severities, were asked,
        is NaN, and its by_seed is "undefined". Of a mean over some of its corruptions the measure says so:
        "weather (2 of 4)".

    Raises:
        DataError: if the reference has no rows, or those of other corruptions, severities or numbers of
            images, or as `by_original_name`.
    """
    known = by_original_name(rows)
    found = pd.DataFrame(
        [
            record
            for _, part in known.groupby(_BY[:2], sort=False)
            for record in _runs(part, reference, grouping, without)
        ]
    )
    return over_seeds(found)


def over_seeds(found: pd.DataFrame) -> pd.DataFrame:
    """Means of measures over training seeds, as `network_errors` gives them.

    Args:
        found: columns figure, protocol, series, seed, n_images, measure and value.
    """
    records = [_record(key, part) for key, part in found.groupby([*_BY, "measure"], sort=False)]
    return pd.DataFrame(records, columns=[*_BY, "measure", *ESTIMATES])


def _runs(
    rows: pd.DataFrame, reference: str, grouping: Mapping[str, Sequence[str]], without: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Every measure of every network and seed of a figure and protocol."""
    if reference != ALEXNET:
        _require_pairs(rows, reference)
    runs = {key: errors_of(part) for key, part in rows.groupby(["series", "seed"], sort=False)}
    known = {key: (_means(errors), clean) for key, (errors, clean) in runs.items()}
    for (series, seed), (errors, _) in runs.items():
        others = alexnet_cifar10() if reference == ALEXNET else known[reference, seed]
        label = dict(zip(_BY, (rows["figure"].iloc[0], rows["protocol"].iloc[0], series), strict=True))
        label |= {"seed": seed, "n_images": int(rows["n"].min())}
        means, clean = known[series, seed]
        mean = MEAN_ERROR + _part(len(means), len(NAMES))
        values = {CLEAN_ERROR: clean, mean: sum(means.values()) / len(means)}
        values |= compared(means, clean, *others) if _whole(errors) else {MCE: math.nan, RELATIVE: math.nan}
        values |= _categories(means, grouping, without)
        yield from ({**label, "measure": name, "value": value} for name, value in values.items())


def _require_pairs(rows: pd.DataFrame, reference: str) -> None:
    """Every seed of every network has its reference, under the same corruptions and on the same images."""
    keys = ["seed", "corruption", "severity"]
    theirs = rows[rows["series"] == reference][[*keys, "n"]].rename(columns={"n": THEIR_IMAGES})
    for series, own in rows.groupby("series", sort=False):
        if lacking := sorted({*own["seed"]} - {*theirs["seed"]}):
            raise DataError(
                f"expected rows of {reference!r}, seed {lacking[0]}, with which {series!r} is compared; got "
                "none; evaluate it"
            )
        pairs = own.merge(theirs[theirs["seed"].isin(own["seed"])], on=keys, how="outer", indicator=True)
        _refuse_alone(pairs[pairs["_merge"] != "both"], str(series), reference)
        require_same_images(pairs, "n", keys, reference)


def _refuse_alone(alone: pd.DataFrame, series: str, reference: str) -> None:
    """Refuse corruptions that one of two networks was judged under and the other was not."""
    if not alone.empty:
        name, severity = alone["corruption"].iloc[0], alone["severity"].iloc[0]
        raise DataError(
            f"expected {series!r} and {reference!r} under the same corruptions; got {name} at severity "
            f"{severity} of one alone; evaluate both under all of them"
        )


def _part(asked: int, known: int) -> str:
    """What is said of a mean over some of the corruptions."""
    return f" ({asked} of {known})" if asked < known else ""


def _means(errors: Mapping[str, Mapping[int, float]]) -> dict[str, float]:
    """Mean error of each corruption over the severities that were asked.

    Raises:
        DataError: if no corruption was.
    """
    if not errors:
        raise DataError("expected errors under at least one corruption; got none; check the rows")
    return {name: fmean(values.values()) for name, values in errors.items()}


def _whole(errors: Mapping[str, Mapping[int, float]]) -> bool:
    """Whether every corruption was asked at all five severities, by which an mCE is defined."""
    return all({*values} == {*SEVERITIES} for values in errors.values())


def errors_of(part: pd.DataFrame) -> tuple[dict[str, dict[int, float]], float]:
    """Error of each corruption by severity, and the clean error, of one network and seed.

    Raises:
        DataError: if there is not one row of clean images.
    """
    clean = part[part["corruption"] == CLEAN]["accuracy"]
    if len(clean) != 1:
        raise DataError(f"expected one row of clean images for each network and seed; got {len(clean)}")
    errors: dict[str, dict[int, float]] = {}
    rest = part[part["corruption"] != CLEAN]
    for name, severity, accuracy in zip(rest["corruption"], rest["severity"], rest["accuracy"], strict=True):
        errors.setdefault(original(str(name)), {})[int(severity)] = 1 - float(accuracy)
    return errors, 1 - float(clean.iloc[0])


def at_all(values: Mapping[int, float]) -> list[float]:
    """Errors at the five severities; NaN at those that were not asked."""
    return [values.get(severity, math.nan) for severity in SEVERITIES]


def compared(means: Means, clean: float, others: Means, others_clean: float) -> dict[str, float]:
    """Measures beside another network, as fractions; NaN where they are not defined."""
    return {
        MCE: _or_nan(lambda: mce(means, others)),
        RELATIVE: _or_nan(lambda: relative_mce(means, clean, others, others_clean)),
    }


def _or_nan(percent: Callable[[], float]) -> float:
    """A measure as a fraction; NaN where an error of the reference is none by which one can divide."""
    try:
        return percent() / 100
    except DataError:
        return math.nan


def _categories(
    means: Means, grouping: Mapping[str, Sequence[str]], without: Sequence[str]
) -> dict[str, float]:
    """Mean error of each category of which something was asked."""
    there = {name: [each for each in names if each in means] for name, names in grouping.items()}
    asked = {name + _part(len(names), len(grouping[name])): names for name, names in there.items() if names}
    found = category_means(means, asked)
    for name, names in asked.items():
        left = [each for each in names if each not in without]
        if left and len(left) < len(names):
            gone = ", ".join(each for each in names if each in without)
            found[f"{name} without {gone}"] = category_means(means, {name: names}, without)[name]
    return found


def _record(key: Any, part: pd.DataFrame) -> dict[Hashable, Any]:
    ordered = part.sort_values("seed")
    label: dict[Hashable, Any] = dict(zip([*_BY, "measure"], key, strict=True))
    told: dict[Hashable, Any] = {**label, "n": len(part), "n_images": int(part["n_images"].min())}
    if ordered["value"].isna().any():
        return {**told, **dict.fromkeys(("mean", "sem", "low", "high"), math.nan), "by_seed": "undefined"}
    estimate = t_interval(ordered["value"])
    told |= {name: getattr(estimate, name) for name in ("mean", "sem", "low", "high")}
    return {**told, "by_seed": " ".join(f"{value:.7g}" for value in ordered["value"])}
