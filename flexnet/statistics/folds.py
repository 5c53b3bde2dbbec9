"""How much more accurate one network is than another under each corruption, beside what it does to images."""

from collections.abc import Hashable, Sequence
from typing import Any, Final

import pandas as pd

from flexnet.errors import DataError
from flexnet.families.corruptions import EDGE, FOLDS
from flexnet.statistics.categories import by_original_name
from flexnet.statistics.intervals import t_interval
from flexnet.statistics.same_images import THEIR_IMAGES, require_same_images
from flexnet.tables.columns import ESTIMATES

MEASURES: Final = (*(f"{name}_fold" for name in FOLDS), EDGE)
_BY: Final = ["figure", "protocol"]


def fold_rows(rows: pd.DataFrame, reference: str, severity: int) -> pd.DataFrame:
    """The accuracy of each network divided by that of another, seed by seed, under each corruption.

    A corruption under which the other network is right about no image, in any seed, has no ratio and is left
    out; so are seeds that one of the two lacks.

    Args:
        rows: with the columns figure, protocol, series, seed, corruption, severity, n, accuracy and measures.
        reference: the series of the other network.
        severity: the one at which they are compared.

    Returns:
        Columns figure, protocol, series, corruption, seed, n, fold, difference (of accuracies), and the
        measures of the images; without rows of the reference.

    Raises:
        DataError: if the reference has no rows at this severity, or other numbers of images, or no corruption
            is left, or as `by_original_name`.
    """
    part = by_original_name(rows)
    part = part[part["severity"] == severity]
    keys = [*_BY, "corruption", "seed"]
    other = part[part["series"] == reference][[*keys, "accuracy", "n"]]
    other = other.rename(columns={"accuracy": "other", "n": THEIR_IMAGES})
    if other.empty:
        raise DataError(
            f"expected rows of {reference!r}, with which the others are compared, at severity {severity}; "
            "got none; evaluate it"
        )
    dead = set(other[other["other"] == 0]["corruption"])
    both = part[part["series"] != reference].merge(other, on=keys)
    require_same_images(both, "n", keys, reference)
    both = both[~both["corruption"].isin(dead)]
    if both.empty:
        raise DataError(
            f"expected {reference!r}, by which accuracies are divided, to be right about an image in every "
            f"seed under some corruption at severity {severity}; got none; train it longer"
        )
    both = both.assign(fold=both["accuracy"] / both["other"], difference=both["accuracy"] - both["other"])
    return both[[*_BY, "series", "corruption", "seed", "n", "fold", "difference", *MEASURES]]


def summarised(found: pd.DataFrame) -> pd.DataFrame:
    """Means over training seeds of what `fold_rows` gives: one row for each series and corruption.

    Returns:
        Columns figure, protocol, series, corruption, n (seeds), n_images, mean (of the ratios), sem, low,
        high, by_seed, difference, and the measures.
    """
    keys = [*_BY, "series", "corruption"]
    records = [_record(keys, key, part) for key, part in found.groupby(keys, sort=False)]
    return pd.DataFrame(records, columns=[*keys, *ESTIMATES, "difference", *MEASURES])


def _record(keys: Sequence[str], key: Any, part: pd.DataFrame) -> dict[Hashable, Any]:
    ordered = part.sort_values("seed")
    estimate = t_interval(ordered["fold"])
    return {
        **dict(zip(keys, key, strict=True)),
        "n": estimate.n,
        "n_images": int(part["n"].min()),
        **{name: getattr(estimate, name) for name in ("mean", "sem", "low", "high")},
        "by_seed": " ".join(f"{value:.7g}" for value in ordered["fold"]),
        **{name: float(part[name].mean()) for name in ("difference", *MEASURES)},
    }
