"""Grids of accuracies: one row per training seed, one column per condition, one grid per series.

Repeats within a seed are averaged first; the seed is the unit of every interval.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from flexnet.claims.kinds import NotMeasured
from flexnet.families.registry import conditions
from flexnet.statistics.conditions import chosen, plain_values
from flexnet.statistics.repeats import cells
from flexnet.tables.kinds import Value

# Grid values such as 0.1 * 3 and 0.3 differ in their last digits and are one condition.
DIGITS = 9


@dataclass(frozen=True)
class SeriesGrid:
    """One series: accuracies as fractions and numbers of images, a row per seed, a column per condition.

    An accuracy is NaN where the seed was not measured, has fewer repeats than others of its series, or
    repeats on different numbers of images. `seen` holds every number of every seed, a row for each, whatever
    is compared: by these a run is known.
    """

    name: str
    accuracy: pd.DataFrame
    images: pd.DataFrame
    seen: pd.DataFrame


def series_grid(
    rows: pd.DataFrame,
    series: str,
    over: str,
    where: Mapping[str, Value] | None = None,
    measure: str = "",
) -> SeriesGrid:
    """The accuracies of one series along the condition column `over`.

    Args:
        rows: of one figure and protocol.
        series: the series.
        over: the column of conditions.
        where: the value that counts of other conditions; of those that are not told, the plain one does.
        measure: a column that stands in the place of the accuracy, if one does.

    Raises:
        NotMeasured: if the series, the column or a value of `where` is absent.
        DataError: if an accuracy is no fraction, the series mixes models, a row occurs twice, or a condition
            without a plain value is not told.
    """
    own = rows[rows["series"] == series]
    told = dict(where or {})
    if own.empty or over not in own.columns:
        raise NotMeasured(f"no rows of series {series!r} with a column {over!r}")
    at = plain_values([over]) | told
    part = chosen(own, at)
    if part.empty:
        words = ", ".join(f"{name} {value}" for name, value in at.items() if name in rows.columns)
        raise NotMeasured(f"no rows of series {series!r} at {words}")
    part = part.assign(**{over: part[over].astype(float).round(DIGITS)})
    found = cells(part, ["series", over], list(at), [measure] if measure else [])
    whole = found[found["fault"] == ""]
    accuracy, images = (_grid(whole, found, over, name) for name in (measure or "accuracy", "n_images"))
    return SeriesGrid(series, accuracy, images, _seen(own, ["accuracy", *([measure] if measure else [])]))


def _seen(own: pd.DataFrame, numbers: list[str]) -> pd.DataFrame:
    """Numbers of a series under every condition and repeat: a row for every seed, a column for each."""
    named = [name for name in conditions() if name in own.columns]
    placed = own.assign(place=own.groupby(named, dropna=False, sort=False).ngroup())
    once = placed.drop_duplicates(["seed", "place"])
    known = [name for name in numbers if name in own.columns]
    return once.pivot(index="seed", columns="place", values=known)


def _grid(whole: pd.DataFrame, found: pd.DataFrame, over: str, values: str) -> pd.DataFrame:
    """A row for every seed and a column for every condition that was found, also where nothing is whole."""
    grid = whole.pivot(index="seed", columns=over, values=values)
    return grid.reindex(index=sorted(set(found["seed"])), columns=sorted(set(found[over]))).astype(float)
