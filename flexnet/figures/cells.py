"""What tables of accuracies share: finding an estimate in a summary, and numbers as text.

Digits stand under each other: a number below ten gets a blank as wide as a digit before it.
"""

from collections.abc import Callable, Mapping
from math import floor, log10
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from flexnet.figures.curves import FEW, PER_CENT
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
    return find_at(table, {"series": series, "intervention": intervention, "epsilon": epsilon})


def find_at(table: "pd.DataFrame", values: Mapping[str, Any]) -> "Record | None":
    """The first row with some values of columns, or None if the table has none."""
    fits = np.logical_and.reduce([(table[name] == value).to_numpy() for name, value in values.items()])
    return table.iloc[int(fits.argmax())] if fits.any() else None


def attack_epsilon(table: "pd.DataFrame") -> float | None:
    """The perturbation size of the table: its greatest epsilon, or None if nothing was attacked."""
    largest = float(table["epsilon"].max())
    return largest if largest > 0 else None


def estimate_text(record: "Record | None", facts: Facts) -> str:
    """Mean in per cent with ± standard error, [interval] or (both seeds), whichever there is to show."""
    if record is None:
        return BLANK
    around = spread_text(record, facts, "", lambda value: f"{min(max(value, 0.0), 1.0) * PER_CENT:.1f}")
    return number_text(record["mean"] * PER_CENT) + around


def number_text(per_cent: float) -> str:
    """A number in per cent with one digit."""
    return _padded(f"{per_cent:.1f}")


def ratio_text(record: "Record | None", facts: Facts) -> str:
    """As `estimate_text`, of a ratio in per cent, which may be above 100."""
    if record is None or np.isnan(record["mean"]):
        return BLANK
    spread = spread_text(record, facts, "", lambda value: f"{max(value, 0.0) * PER_CENT:.1f}")
    return _padded(f"{record['mean'] * PER_CENT:.1f}") + spread


def change_text(record: "Record | None", facts: Facts) -> str:
    """Change from the reference in percentage points with its sign, and its uncertainty as that of a mean."""
    if record is None or np.isnan(record["change"]):
        return BLANK
    sign, size = _signed(record["change"])
    spread = spread_text(record, facts, "change_", lambda value: "".join(_signed(value)))
    return _padded(size, sign) + spread


def _signed(value: float) -> tuple[str, str]:
    """The sign of a fraction and its size in points; a true minus sign is as wide as a plus."""
    return "−" if value < 0 else "+", f"{abs(value) * PER_CENT:.1f}"


def spread_text(record: "Record", facts: Facts, prefix: str, show: Callable[[float], str]) -> str:
    """What stands behind a mean for its uncertainty: nothing of a single seed, or of seeds that agree."""
    n, sem, low, high, values = (record[f"{prefix}{key}"] for key in ("n", "sem", "low", "high", "by_seed"))
    if 1 < n < FEW:
        return f" ({', '.join(show(float(value)) for value in str(values).split())})"
    if np.isnan(sem):
        return ""
    return f" ± {sem * PER_CENT:.2f}" if facts.band == "sem" else f" [{show(low)}, {show(high)}]"


def published_text(mean: float, sem: float) -> str:
    """A published mean with its standard error, both in per cent."""
    return f"{_padded(f'{mean:.1f}')} ± {sem:.2f}"


def share_text(record: "Record | None", column: str) -> str:
    """A fraction in per cent, without an error; a blank where it is not known."""
    if record is None or np.isnan(record[column]):
        return BLANK
    return _padded(f"{record[column] * PER_CENT:.1f}")


def distance_text(record: "Record | None", column: str) -> str:
    """A distance with three digits that count, however small; a blank where it is not known."""
    if record is None or np.isnan(record[column]):
        return BLANK
    value = float(record[column])
    return f"{value:.{max(0, 2 - floor(log10(value)))}f}" if value else "0"


def _padded(text: str, sign: str = "") -> str:
    """At least two digits before the point, or blanks as wide."""
    return "\u2007" * (2 - len(text.partition(".")[0])) + sign + text
