"""Drawing series of a summary table: a line with markers and its band or bars, in per cent.

A line carries its series' name as its gid; the band or bars beside it carry the name and "band".
"""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexnet.errors import DataError
from flexnet.figures.facts import Facts
from flexnet.figures.palette import style_of

if TYPE_CHECKING:
    import pandas as pd

PER_CENT = 100.0
MARKERS_PER_LINE = 12
BEHIND: Final[dict[str, Any]] = {"linewidth": 0.6, "markersize": 2.2, "zorder": 1.7}


def draw_bands(axes: Axes, table: "pd.DataFrame", x: str, facts: Facts, main: Sequence[str] = ()) -> None:
    """Draw each series as a line with a shaded band; for dense conditions such as epochs.

    Where `main` names series, the others are thinner and lie behind them.
    """
    for place, (series, part) in enumerate(series_of(table, x)):
        every = max(1, ceil(len(part) / MARKERS_PER_LINE))
        # Staggered starts keep the markers of neighbouring curves from covering each other.
        markers = (place * every // 3 % every, every)
        front = series in main or not main
        _line(axes, series, part, x, facts, markevery=markers, **({} if front else BEHIND))
        low, high = band_edges(part, facts)
        if np.isfinite(low).any():
            colour = style_of(series).colour
            axes.fill_between(
                part[x].to_numpy(),
                low,
                high,
                color=colour,
                alpha=0.22 if front else 0.10,
                linewidth=0,
                gid=f"{series} band",
                zorder=1.5 if front else 1.3,
            )


def draw_bars(axes: Axes, table: "pd.DataFrame", x: str, facts: Facts) -> None:
    """Draw each series as a line with an error bar at each condition; for few conditions such as epsilons."""
    for series, part in series_of(table, x):
        _line(axes, series, part, x, facts)
        low, high = band_edges(part, facts)
        if np.isfinite(low).any():
            mean = part["mean"].to_numpy() * PER_CENT
            axes.errorbar(
                part[x].to_numpy(),
                mean,
                yerr=[mean - low, high - mean],
                fmt="none",
                ecolor=style_of(series).colour,
                elinewidth=0.7,
                capsize=1.5,
                capthick=0.7,
                gid=f"{series} band",
            )


def series_of(table: "pd.DataFrame", x: str) -> Iterator[tuple[str, "pd.DataFrame"]]:
    """The series of a table in order of appearance, each sorted by its condition."""
    for series, part in table.groupby("series", sort=False):
        yield str(series), part.sort_values(x)


def band_edges(part: "pd.DataFrame", facts: Facts) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper edge in per cent: mean -+ SEM, or the 95 % interval; NaN for a single seed."""
    if facts.band == "sem":
        mean, sem = part["mean"].to_numpy(), part["sem"].to_numpy()
        return (mean - sem) * PER_CENT, (mean + sem) * PER_CENT
    return part["low"].to_numpy() * PER_CENT, part["high"].to_numpy() * PER_CENT


def legend_above(figure: Figure, axes: Axes, columns: int = 3) -> None:
    """Put the legend above the axes, where it can never cover a curve; in at most so many columns."""
    handles, labels = axes.get_legend_handles_labels()
    for count in range(min(columns, len(labels)), 0, -1):
        legend = figure.legend(handles, labels, loc="outside upper center", ncols=count)
        if count == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()


def one_protocol(table: "pd.DataFrame", facts: Facts) -> "pd.DataFrame":
    """The rows of the figure's protocol.

    Raises:
        DataError: if there are none.
    """
    part = table[table["protocol"] == facts.protocol]
    if part.empty:
        found = sorted(set(table["protocol"]))
        raise DataError(f"expected rows of protocol {facts.protocol!r}; got {found}; run its evaluation")
    return part


def _line(axes: Axes, series: str, part: "pd.DataFrame", x: str, facts: Facts, **options: Any) -> None:
    style = style_of(series)
    axes.plot(
        part[x].to_numpy(),
        part["mean"].to_numpy() * PER_CENT,
        color=style.colour,
        marker=style.marker,
        linestyle=style.line,
        markeredgewidth=0.0,
        label=facts.label(series),
        gid=series,
        **options,
    )
