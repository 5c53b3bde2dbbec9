"""How far each series is from one that it is compared with, paired by training seed."""

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from flexnet.statistics.intervals import t_interval
from flexnet.statistics.same_images import THEIR_IMAGES, require_same_images
from flexnet.statistics.summary import per_seed
from flexnet.tables.kinds import Value

COLUMNS: Final = ("change", "change_n", "change_sem", "change_low", "change_high", "change_by_seed")


def with_changes(
    table: pd.DataFrame,
    rows: pd.DataFrame,
    by: Sequence[str],
    at: Mapping[str, Value] | None,
    reference: str,
) -> pd.DataFrame:
    """A summary with the change of each series from a reference under the same conditions.

    Args:
        table: as made by `summarise` from the rows.
        rows: as for `summarise`.
        by: the columns that name a condition, `series` among them.
        at: as for `summarise`.
        reference: the series that the others are compared with.

    Returns:
        The table with further columns: change (of the accuracy from the reference's, the mean over the seeds
        that both have), change_n (how many these are), change_sem, change_low and change_high (95 % t
        interval), all fractions, and change_by_seed. They are empty of the reference itself and where no seed
        is common.

    Raises:
        DataError: as `summarise`, or if a series and the reference were scored on other numbers of images.
    """
    found = per_seed(rows, by, at)
    keys = [*(name for name in by if name != "series"), "seed"]
    theirs = found[found["series"] == reference][[*keys, "accuracy", "n_images"]]
    pairs = found[found["series"] != reference].merge(
        theirs.rename(columns={"accuracy": "theirs", "n_images": THEIR_IMAGES}), on=keys
    )
    require_same_images(pairs, "n_images", keys, reference)
    pairs["change"] = pairs["accuracy"] - pairs["theirs"]
    records = [
        {**dict(zip(by, key, strict=True)), **_record(group)}
        for key, group in pairs.groupby(list(by), sort=False)
    ]
    return table.merge(pd.DataFrame(records, columns=[*by, *COLUMNS]), on=list(by), how="left")


def _record(group: pd.DataFrame) -> dict[str, object]:
    found = t_interval(group["change"])
    values = group.sort_values("seed")["change"]
    told = (found.mean, found.n, found.sem, found.low, found.high, " ".join(f"{x:.7g}" for x in values))
    return dict(zip(COLUMNS, told, strict=True))
