"""From one row per run and condition to one row per condition, with the training seed as the unit."""

from collections.abc import Hashable, Sequence

import pandas as pd

from flexnet.errors import DataError
from flexnet.statistics.intervals import t_interval
from flexnet.tables.columns import ESTIMATES


def per_seed(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Average the accuracy over repeats within each seed.

    Repeats (draws of an attack or of a random mask) see one trained network: they are no sample of the
    training procedure, so they are averaged before anything is counted.

    Args:
        rows: a table with the columns of `by`, seed, n, accuracy and, optionally, model.
        by: the columns that name a condition.

    Returns:
        Columns by..., seed, n_images (smallest n among the repeats), accuracy; in order of appearance.

    Raises:
        DataError: if a column is missing, or one condition mixes several models.
    """
    keys = list(by)
    _require(rows, [*keys, "seed", "n", "accuracy"])
    if "model" in rows.columns:
        _refuse_mixed_models(rows, keys)
    grouped = rows.groupby([*keys, "seed"], sort=False)
    return grouped.agg(n_images=("n", "min"), accuracy=("accuracy", "mean")).reset_index()


def summarise(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Mean, standard error and 95 % t interval of the accuracy over training seeds.

    Args:
        rows: as for `per_seed`.
        by: the columns that name a condition, at least one.

    Returns:
        Columns by..., n (seeds), n_images (images per seed, the fewest), mean, sem, low, high;
        fractions in [0, 1], one row per condition in order of appearance. A single seed has NaN for
        sem, low and high.

    Raises:
        DataError: as `per_seed`.
    """
    keys = list(by)
    grouped = per_seed(rows, keys).groupby(keys, sort=False)
    records = [_record(keys, key, group) for key, group in grouped]
    return pd.DataFrame(records, columns=[*keys, *ESTIMATES])


def _record(keys: list[str], key: object, group: pd.DataFrame) -> dict[Hashable, object]:
    values = key if isinstance(key, tuple) else (key,)
    estimate = t_interval(group["accuracy"])
    return {
        **dict(zip(keys, values, strict=True)),
        "n": estimate.n,
        "n_images": int(group["n_images"].min()),
        "mean": estimate.mean,
        "sem": estimate.sem,
        "low": estimate.low,
        "high": estimate.high,
    }


def _require(rows: pd.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in rows.columns]
    if missing:
        raise DataError(
            f"expected the columns {missing}; got {list(rows.columns)}; check the evaluation's table"
        )


def _refuse_mixed_models(rows: pd.DataFrame, keys: list[str]) -> None:
    models = rows.groupby(keys, sort=False)["model"].agg(lambda names: sorted(set(names)))
    mixed = models[models.map(len) > 1]
    if not mixed.empty:
        raise DataError(
            f"expected one model per condition; got {mixed.iloc[0]} at {keys} = {mixed.index[0]}; "
            "give each model a series of its own"
        )
