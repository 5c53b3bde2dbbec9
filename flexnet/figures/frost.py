"""Whose frost a figure shows: photographs of it are not free, so the corruption here synthesises one.

A corrupted set that somebody has may hold the original. What the rows say is kept in the table, and captions
and notes tell it from there.
"""

from typing import TYPE_CHECKING, Final

from flexnet.corruptions.names import SYNTHETIC

if TYPE_CHECKING:
    import pandas as pd

COLUMN: Final = "frost"
SYNTHESISED, ORIGINAL, NONE = "synthesised", "original", "none"
SENTENCE: Final = "Frost is synthesised, not photographed."


def with_frost(table: "pd.DataFrame", rows: "pd.DataFrame") -> "pd.DataFrame":
    """The table of some rows with a column that says which frost each protocol has: one of the above."""
    kinds = {
        protocol: _kind(set(part["corruption"])) for protocol, part in rows.groupby("protocol", sort=False)
    }
    return table.assign(**{COLUMN: table["protocol"].map(kinds)})


def _kind(corruptions: set[str]) -> str:
    if SYNTHETIC["frost"] in corruptions:
        return SYNTHESISED
    return ORIGINAL if "frost" in corruptions else NONE


def frost_sentence(table: "pd.DataFrame") -> str:
    """What a reader must know of the frost of a table; empty where it is the original, or there is none."""
    return SENTENCE if COLUMN in table.columns and (table[COLUMN] == SYNTHESISED).any() else ""
