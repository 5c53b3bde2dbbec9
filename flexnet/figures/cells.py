"""What tables of accuracies share: finding an estimate in a summary, and numbers as text.

Digits stand under each other: a number below ten gets a blank as wide as a digit before it.
"""

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from flexnet.figures.curves import PER_CENT
from flexnet.figures.facts import Facts

if TYPE_CHECKING:
    import pandas as pd

    Record: TypeAlias = pd.Series[float]

BLANK = "–"
TRAINED = "trained"


def find(
    table: "pd.DataFrame", series: str, epsilon: float | None, intervention: str = TRAINED
) -> "Record | None":
    """The row of one series, intervention and epsilon, or None if the table has none."""
    found = table[
        (table["series"] == series) & (table["intervention"] == intervention) & (table["epsilon"] == epsilon)
    ]
    return None if found.empty else found.iloc[0]


def attack_epsilon(table: "pd.DataFrame") -> float | None:
    """The perturbation size of the table: its greatest epsilon, or None if nothing was attacked."""
    largest = float(table["epsilon"].max())
    return largest if largest > 0 else None


def estimate_text(record: "Record | None", facts: Facts) -> str:
    """Mean in per cent with ± standard error or [interval], whichever the protocol shows."""
    if record is None:
        return BLANK
    mean = _padded(f"{record['mean'] * PER_CENT:.1f}")
    if np.isnan(record["sem"]):
        return mean
    if facts.band == "sem":
        return f"{mean} ± {record['sem'] * PER_CENT:.2f}"
    return f"{mean} [{record['low'] * PER_CENT:.1f}, {record['high'] * PER_CENT:.1f}]"


def change_text(record: "Record | None", reference: "Record | None") -> str:
    """Difference of two means in percentage points, with its sign."""
    if record is None or reference is None:
        return BLANK
    change = (record["mean"] - reference["mean"]) * PER_CENT
    # A true minus sign is as wide as a plus.
    return _padded(f"{abs(change):.1f}", "−" if change < 0 else "+")


def published_text(mean: float, sem: float) -> str:
    """A published mean with its standard error, both in per cent."""
    return f"{_padded(f'{mean:.1f}')} ± {sem:.2f}"


def share_text(record: "Record | None", column: str) -> str:
    """A fraction in per cent, without an error; a blank where it is not known."""
    if record is None or np.isnan(record[column]):
        return BLANK
    return _padded(f"{record[column] * PER_CENT:.1f}")


def number_text(record: "Record | None", column: str) -> str:
    """A number of three decimals, without an error; a blank where it is not known."""
    return BLANK if record is None or np.isnan(record[column]) else f"{record[column]:.3f}"


def _padded(text: str, sign: str = "") -> str:
    """At least two digits before the point, or blanks as wide."""
    return "\u2007" * (2 - len(text.partition(".")[0])) + sign + text
