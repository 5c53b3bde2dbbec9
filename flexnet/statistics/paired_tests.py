"""Tests image by image beside a summary: in how many training seeds a network differs from a reference."""

import math
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from flexnet.statistics.mcnemar import holm, mcnemar
from flexnet.tables.columns import PAIRS

LEVEL: Final = 0.05
COLUMNS: Final = ("p_by_seed", "told_apart")


def with_tests(table: pd.DataFrame, rows: pd.DataFrame, by: Sequence[str], reference: str) -> pd.DataFrame:
    """A summary with McNemar's test of each series against a reference, on the images of each condition.

    The p of the conditions of one network and seed are raised together (Holm).

    Args:
        table: as made by `flexnet.statistics.summary.summarise` from the rows.
        rows: with the columns of `by`, seed, gained and lost.
        by: the columns that name a condition, `series` among them.
        reference: the series that the others were compared with.

    Returns:
        The table with further columns: p_by_seed (raised p of each seed, in their order, with blanks between)
        and told_apart (in how many seeds it is below 0.05). Empty of the reference, and of rows that were not
        compared.

    Raises:
        DataError: if a number of images is none.
    """
    found = rows[rows["series"] != reference]
    if not set(PAIRS) <= set(rows.columns):
        return table.assign(p_by_seed=None, told_apart=math.nan)
    found = found[found[list(PAIRS)].notna().all(axis=1)]
    raised = [_raised(part) for _, part in found.groupby(["series", "seed"], sort=False)]
    tested = pd.concat(raised) if raised else found.assign(p=0.0)
    records = [
        {**dict(zip(by, key, strict=True)), **_record(part)}
        for key, part in tested.groupby(list(by), sort=False)
    ]
    return table.merge(pd.DataFrame(records, columns=[*by, *COLUMNS]), on=list(by), how="left")


def _raised(part: pd.DataFrame) -> pd.DataFrame:
    each = [mcnemar(gained, lost) for gained, lost in zip(part["gained"], part["lost"], strict=True)]
    return part.assign(p=holm(each))


def _record(part: pd.DataFrame) -> dict[str, Any]:
    values = part.sort_values("seed")["p"]
    return {
        "p_by_seed": " ".join(f"{value:.3g}" for value in values),
        "told_apart": int((values < LEVEL).sum()),
    }
