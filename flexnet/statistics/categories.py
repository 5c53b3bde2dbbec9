"""Corruptions by category: the mean accuracy over the corruptions of each, severity by severity."""

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from flexnet.corruptions.names import CLEAN, SYNTHETIC, original
from flexnet.errors import DataError

# What tells rows of one network under one severity from others.
_RUN: Final = ("figure", "protocol", "series", "model", "seed")


def by_original_name(rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows, with corruptions that results call by names of their own under those of the originals.

    Raises:
        DataError: if the rows have no corruptions, or the same one under both names.
    """
    if "corruption" not in rows.columns or "severity" not in rows.columns:
        raise DataError("expected rows with the columns corruption and severity; got none; check the family")
    both = [name for name, label in SYNTHETIC.items() if {name, label} <= set(rows["corruption"])]
    if both:
        raise DataError(
            f"expected {both[0]} made in one way; got {both[0]} and {SYNTHETIC[both[0]]}, of two sets of "
            "images; evaluate all networks on one of them"
        )
    return rows.assign(corruption=rows["corruption"].map(original))


def category_rows(rows: pd.DataFrame, grouping: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Rows of networks under categories of corruptions: accuracies are means over the corruptions of each.

    At severity 0 stands the accuracy on clean images, the same in all categories. A network that lacks a
    corruption at a severity, which another network has there, has no row for its category there: a mean of
    fewer would be that of another thing. Corruptions that no network was asked about are left out of all.

    Args:
        rows: with the columns series, seed, corruption, severity, n and accuracy, and perhaps figure,
            protocol and model.
        grouping: category -> corruptions, such as one of `flexnet.corruptions.GROUPINGS`.

    Returns:
        Columns figure, protocol, series, model, seed (those that there are), category, corruptions (how
        many), severity, n (images) and accuracy; in the order of the grouping.

    Raises:
        DataError: as `by_original_name`.
    """
    known = by_original_name(rows)
    run = [name for name in _RUN if name in known.columns]
    found = [_category(known, run, name, list(names)) for name, names in grouping.items()]
    return pd.concat([part for part in found if not part.empty], ignore_index=True)


def _category(rows: pd.DataFrame, run: list[str], category: str, names: list[str]) -> pd.DataFrame:
    part = rows[rows["corruption"].isin(names)]
    asked = part["corruption"].nunique()
    grouped = part.groupby([*run, "severity"], sort=False)
    means = grouped.agg(accuracy=("accuracy", "mean"), n=("n", "min"), found=("corruption", "nunique"))
    means = means.reset_index()
    means = means[means["found"] == asked].drop(columns="found")
    clean = rows[rows["corruption"] == CLEAN][[*run, "severity", "n", "accuracy"]]
    shown = pd.concat([clean, means]) if asked else means
    return shown.assign(category=category, corruptions=asked)
