"""What is shown of a measured effect: its interval, or the seeds themselves where there are two."""

from typing import TYPE_CHECKING, Any

from flexnet.figures.curves import FEW

if TYPE_CHECKING:
    import pandas as pd

# No accuracy changes by more points.
MOST = 100.0


def interval_of(row: "pd.Series[Any]") -> tuple[float, float] | None:
    """The interval of a comparison, within what is possible in its unit; None if there is none to show."""
    low, high = float(row["low"]), float(row["high"])
    if int(row["n"]) < FEW or low != low:
        return None
    return (max(low, -MOST), min(high, MOST)) if row["unit"] == "points" else (low, high)


def both_seeds(row: "pd.Series[Any]") -> tuple[float, float] | None:
    """The effects of two training seeds, the lesser one first; None of other numbers, or where they agree."""
    values = str(row["by_seed"]).split()
    if int(row["n"]) != 2 or len(values) != 2 or float(row["low"]) != float(row["low"]):
        return None
    first, second = sorted(map(float, values))
    return first, second
