"""Repeats first: one mean per training seed and condition, and what is wrong with it, if anything is.

Repeats (draws of an attack or of a random mask) see one trained network: they are no sample of the training
procedure, so they are averaged before anything is counted.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from flexnet.errors import DataError
from flexnet.families import registry as families
from flexnet.statistics.conditions import parts, refuse_untold, repeats_of


def cells(
    rows: pd.DataFrame, by: Sequence[str], at: Sequence[str] = (), measures: Sequence[str] = ()
) -> pd.DataFrame:
    """Average accuracies and measures over the repeats within each training seed.

    Args:
        rows: a table with the columns of `by`, seed, n, accuracy and, optionally, model and measures.
        by: the columns that name a condition.
        at: conditions of which one value was chosen before.
        measures: columns that are averaged too; NaN where the table has no such column.

    Returns:
        Columns by..., seed, n_images, accuracy, measures..., fault; in order of appearance. `fault` says why
        a seed does not count at a condition: it has not all repeats that other seeds have there, or they
        were scored on different numbers of images. It is empty where nothing is wrong.

    Raises:
        DataError: if a column is missing or has an empty cell, an accuracy is no fraction, a row occurs
            twice, a series mixes models, or a condition that is not told varies.
    """
    keys = list(by)
    repeats = repeats_of(rows, keys)
    _check(rows, keys, repeats)
    refuse_untold(rows, [*keys, *at])
    whole = rows.reindex(columns=[*rows.columns, *(name for name in measures if name not in rows.columns)])
    found = _means(whole, [*keys, "seed"], measures)
    _check_measures(whole, keys, measures)
    found["fault"] = _faults(found, whole, keys, repeats)
    return found.drop(columns=["number of repeats", "most images"])


def _means(rows: pd.DataFrame, by: list[str], measures: Sequence[str]) -> pd.DataFrame:
    """Means over the rows that agree in some columns, and their number."""
    if not rows.duplicated(by).any():  # each is its own mean, which is most of what there is to judge
        alone = rows[[*by, "n", "accuracy", *measures]].rename(columns={"n": "n_images"})
        counts: dict[str, Any] = {"number of repeats": 1, "most images": alone["n_images"]}
        return alone.assign(**counts).reset_index(drop=True)
    grouped = rows.groupby(by, sort=False)
    return grouped.agg(
        n_images=("n", "min"),
        accuracy=("accuracy", _mean),
        **{name: (name, _mean) for name in measures},
        **{"number of repeats": ("n", "size"), "most images": ("n", "max")},
    ).reset_index()


def _mean(values: "pd.Series[float]") -> float:
    """The mean, rounded once: the last digit of pandas' own depends on what else is in the table."""
    return math.fsum(values) / len(values)


def _faults(found: pd.DataFrame, rows: pd.DataFrame, keys: list[str], repeats: list[str]) -> list[str]:
    """What is wrong with each mean, in words."""
    expected = rows.drop_duplicates([*keys, *repeats]).groupby(keys, sort=False).size().rename("expected")
    counted = found.merge(expected.reset_index(), on=keys, how="left")
    return [
        f"{own} of {all_of_them} repeats"
        if own < all_of_them
        else f"repeats on {least:,} to {most:,} images"
        if least < most
        else ""
        for own, all_of_them, least, most in zip(
            counted["number of repeats"],
            counted["expected"],
            counted["n_images"],
            counted["most images"],
            strict=True,
        )
    ]


def _check(rows: pd.DataFrame, keys: list[str], repeats: list[str]) -> None:
    """Refuse rows whose mean would be about something else."""
    needed = [*keys, "seed", "n", "accuracy"]
    labels = [name for name in keys if name not in families.conditions()]
    for words, part in _parts(rows, labels):
        missing = [name for name in needed if name not in part.columns]
        if missing:
            raise DataError(
                f"{words}expected a column {missing[0]!r}; got {list(part.columns)}; check the evaluation's "
                "table"
            )
        _check_cells(part, words, [*keys, "seed", *repeats])
        if "model" in part.columns and part["model"].nunique(dropna=False) > 1:
            models = sorted(map(str, set(part["model"])))
            raise DataError(f"{words}expected one model; got {models}; give each model a series of its own")
        _check_once(part, words, ["seed", *(name for name in keys if name not in labels), *repeats])


def _parts(rows: pd.DataFrame, labels: list[str]) -> list[tuple[str, pd.DataFrame]]:
    known = [name for name in labels if name in rows.columns]
    empty = [name for name in known if rows[name].isna().any()]
    if empty:
        raise DataError(f"expected {empty[0]} in every row; got an empty cell; check the evaluation's table")
    return list(parts(rows, known))


def _check_cells(part: pd.DataFrame, words: str, named: list[str]) -> None:
    empty = [name for name in named if part[name].isna().any()]
    if empty:
        raise DataError(
            f"{words}expected a value of {empty[0]} in every row; got an empty cell; check the run that made "
            "them"
        )
    wrong = part[~(part["accuracy"].between(0.0, 1.0) & (part["n"] >= 1))]
    if not wrong.empty:
        raise DataError(
            f"{words}expected accuracies as fractions in [0, 1] and images to count; got "
            f"{_words(wrong, ['seed', 'accuracy', 'n'])}; check the run that made them"
        )
    endless = [name for name in named if part[name].isin([np.inf, -np.inf]).any()]
    if endless:
        raise DataError(f"{words}expected a finite {endless[0]}; got inf; check the run that made them")


def _check_once(part: pd.DataFrame, words: str, keys: list[str]) -> None:
    """No row twice. What differs in a condition that nobody named is told as such, not as a repetition."""
    told = [name for name in families.conditions() if name in part.columns]
    twice = part[part.duplicated(list(dict.fromkeys([*keys, *told])))]
    if not twice.empty:
        raise DataError(
            f"{words}expected one row per {', '.join(keys)}; got two of {_words(twice, keys)}; remove one, "
            "or say which condition differs"
        )


def _check_measures(rows: pd.DataFrame, keys: list[str], measures: Sequence[str]) -> None:
    """A measure is known in all rows of a condition or in none: a mean of some would pass for that of all."""
    for name in measures:
        shares = rows[name].isna().groupby([rows[key] for key in keys], sort=False).mean()
        mixed = shares[(shares > 0) & (shares < 1)]
        if not mixed.empty:
            raise DataError(
                f"expected {name} in all rows of a condition or in none; got some without at {keys} = "
                f"{mixed.index[0]}; check the run that made them"
            )


def _words(rows: pd.DataFrame, columns: list[str]) -> str:
    return ", ".join(f"{name} {rows[name].iloc[0]}" for name in columns)
