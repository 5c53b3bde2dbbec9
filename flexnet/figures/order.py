"""The order of a figure's series: that of the registry, whatever the order in which rows were stored."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def in_order(table: "pd.DataFrame", series: Sequence[str]) -> "pd.DataFrame":
    """The same rows, series by series in the order given; series that are not named there come last.

    Summaries keep the order of appearance, so what was ordered once stays in order.
    """
    place = {name: index for index, name in enumerate(series)}
    return table.sort_values(
        "series", key=lambda names: names.map(place).fillna(len(place)), kind="stable", ignore_index=True
    )


def shown_series(table: "pd.DataFrame", series: Iterable[str], known: Iterable[str] = ()) -> list[str]:
    """Series that have a place in a figure: the registered ones, those of the table, further known ones."""
    return list(dict.fromkeys([*series, *table["series"], *known]))
