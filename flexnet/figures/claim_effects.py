"""What is shown of a measured effect: its interval, or the seeds themselves where there are two."""

from typing import TYPE_CHECKING, Any

from flexnet.figures.curves import FEW
from flexnet.statistics.intervals import t_interval

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
    """The effects of two training seeds, which the interval of their mean tells; None of other numbers."""
    reach = (float(row["high"]) - float(row["low"])) / 2
    if int(row["n"]) != 2 or reach != reach:
        return None
    # The interval of -1 and 1, which lie 1 from their mean, reaches so far from it.
    apart = reach / t_interval([-1.0, 1.0]).high
    return float(row["measured_value"]) - apart, float(row["measured_value"]) + apart
