"""From one row per run and condition to one row per condition, with the training seed as the unit."""

from collections.abc import Hashable, Mapping, Sequence

import pandas as pd

from flexnet.errors import DataError
from flexnet.families import registry as families
from flexnet.statistics.conditions import chosen, parts
from flexnet.statistics.intervals import t_interval
from flexnet.statistics.repeats import cells
from flexnet.tables.columns import ESTIMATES
from flexnet.tables.kinds import Value


def per_seed(
    rows: pd.DataFrame,
    by: Sequence[str],
    at: Mapping[str, Value] | None = None,
    measures: Sequence[str] = (),
) -> pd.DataFrame:
    """Average over repeats within each seed, where every seed was seen in the same way.

    Args:
        rows: a table with the columns of `by`, seed, n, accuracy and, optionally, model.
        by: the columns that name a condition.
        at: the value that counts of conditions, such as epsilon: 0.0; other rows are left out. A condition
            that is neither here nor in `by` must be at its plain value, unless it is a repeat.
        measures: columns that are averaged in the same way; NaN where the table has no such column.

    Returns:
        Columns by..., seed, n_images, accuracy, measures...; in order of appearance.

    Raises:
        ConfigError: if `at` names a condition that no family declares.
        DataError: if a column is missing, nothing was measured at `at`, a condition that is not told
            varies, rows are malformed or occur twice, a series mixes models, or a seed lacks a condition or
            a repeat that another seed of its series has.
    """
    part = chosen(rows, at or {})
    if part.empty:
        raise DataError(f"expected rows {_at_words(at)}; got none; run the evaluation that makes them")
    found = cells(part, by, list(at or {}), measures)
    faulty = found[found["fault"] != ""]
    if not faulty.empty:
        row = faulty.iloc[0]
        where = ", ".join(f"{name} {row[name]}" for name in [*by, "seed"])
        raise DataError(f"expected all repeats on the same images; got {row['fault']} of {where}; {_REMEDY}")
    _require_grid(found, by)
    return found.drop(columns="fault")


def summarise(
    rows: pd.DataFrame,
    by: Sequence[str],
    at: Mapping[str, Value] | None = None,
    measures: Sequence[str] = (),
) -> pd.DataFrame:
    """Mean, standard error and 95 % t interval of the accuracy over training seeds.

    Args:
        rows: as for `per_seed`.
        by: the columns that name a condition, at least one.
        at: as for `per_seed`.
        measures: columns whose mean over seeds is given as well.

    Returns:
        Columns by..., n (seeds), n_images (images per seed, the fewest), mean, sem, low, high, by_seed (the
        accuracy of each seed, in their order, with blanks between); then the measures. Accuracies are
        fractions in [0, 1]; one row per condition in order of appearance. A single seed, and seeds that all
        have the same value, have NaN for sem, low and high.

    Raises:
        ConfigError: as `per_seed`.
        DataError: as `per_seed`.
    """
    keys = list(by)
    grouped = per_seed(rows, keys, at, measures).groupby(keys, sort=False)
    records = [_record(keys, key, group) for key, group in grouped]
    table = pd.DataFrame(records, columns=[*keys, *ESTIMATES])
    if not measures:
        return table
    return table.merge(grouped[list(measures)].mean().reset_index(), on=keys, how="left")


_REMEDY = "restore the missing rows, or make them again"


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
        "by_seed": " ".join(f"{value:.7g}" for value in group.sort_values("seed")["accuracy"]),
    }


def _require_grid(found: pd.DataFrame, by: Sequence[str]) -> None:
    """Every seed of a series under every condition of it: else means at two conditions are of other seeds."""
    known = families.conditions()
    conditions = [name for name in by if name in known]
    if not conditions:
        return
    for words, part in parts(found, [name for name in by if name not in known]):
        grid = part[conditions].drop_duplicates()
        for seed, own in part.groupby("seed"):
            if len(own) < len(grid):
                lacking = grid.merge(own[conditions], how="left", indicator=True).query("_merge != 'both'")
                where = ", ".join(f"{name} {lacking[name].iloc[0]}" for name in conditions)
                raise DataError(
                    f"{words}expected every training seed under every condition of the others; got seed "
                    f"{seed} without {where}; {_REMEDY}"
                )


def _at_words(at: Mapping[str, Value] | None) -> str:
    return "with " + ", ".join(f"{name} {value!r}" for name, value in at.items()) if at else "to summarise"
