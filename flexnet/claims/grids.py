"""Grids of accuracies: one row per training seed, one column per condition, one grid per series.

Repeats within a seed are averaged first; the seed is the unit of every interval.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from flexnet.claims.kinds import NotMeasured
from flexnet.errors import DataError

# Along other conditions than these, a claim speaks of test images, trained thresholds and no attack.
PLAIN = {"split": "test", "intervention": "trained", "epsilon": 0.0}
# Grid values such as 0.1 * 3 and 0.3 differ in their last digits and are one condition.
DIGITS = 9


@dataclass(frozen=True)
class SeriesGrid:
    """One series: accuracies as fractions and numbers of images, a row per seed, a column per condition.

    An accuracy is NaN where the seed was not measured, has fewer repeats than others of its series, or
    repeats on different numbers of images.
    """

    name: str
    accuracy: pd.DataFrame
    images: pd.DataFrame


def series_grid(rows: pd.DataFrame, series: str, over: str) -> SeriesGrid:
    """The accuracies of one series along the condition column `over`.

    Raises:
        NotMeasured: if the series or the column is absent.
        DataError: if an accuracy is no fraction, the series mixes models, or a row occurs twice.
    """
    part = rows[rows["series"] == series]
    for column, plain in PLAIN.items():
        if column in part.columns and column != over:
            part = part[part[column] == plain]
    if part.empty or over not in part.columns:
        raise NotMeasured(f"no rows of series {series!r} with a column {over!r}")
    part = part.assign(**{over: part[over].astype(float).round(DIGITS)})
    _check(part, series, over)
    cells = part.groupby(["seed", over])
    repeats, numbers = cells.size().unstack(), cells["n"].nunique().unstack()
    whole = repeats.eq(repeats.max(), axis="columns") & (numbers == 1)
    return SeriesGrid(
        series, cells["accuracy"].mean().unstack().where(whole), cells["n"].min().unstack().where(whole)
    )


def _check(part: pd.DataFrame, series: str, over: str) -> None:
    """Refuse rows of a series whose mean would be about something else."""
    for column in ("seed", "accuracy", "n"):
        if column not in part.columns:
            raise DataError(
                f"series {series}: expected a column {column!r}; got {list(part.columns)}; add it"
            )
    wrong = part[~(part["accuracy"].between(0.0, 1.0) & (part["n"] >= 1) & np.isfinite(part[over]))]
    if not wrong.empty:
        raise DataError(
            f"series {series}: expected accuracies as fractions in [0, 1], images to count and a number in "
            f"{over}; got {_words(wrong, ['seed', 'accuracy', 'n', over])}; check the run that made them"
        )
    if "model" in part.columns and part["model"].nunique() > 1:
        raise DataError(
            f"series {series}: expected one model; got {sorted(set(part['model']))}; give each its own series"
        )
    keys = ["seed", over, *(name for name in ("draw",) if name in part.columns)]
    twice = part[part.duplicated(keys)]
    if not twice.empty:
        raise DataError(
            f"series {series}: expected one row per {', '.join(keys)}; got two of {_words(twice, keys)}; "
            "remove one, or say which condition differs"
        )


def _words(rows: pd.DataFrame, columns: list[str]) -> str:
    return ", ".join(f"{name} {rows[name].iloc[0]}" for name in columns)
