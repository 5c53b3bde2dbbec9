"""Drawing series of a summary table: a line with markers and its band or bars, in per cent.

A line carries its series' name as its gid; the band or bars beside it carry the name and "band", the training
seeds themselves, where there are few, the name and "seed".
"""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.axes import Axes

from flexnet.errors import DataError
from flexnet.figures.facts import Facts

if TYPE_CHECKING:
    import pandas as pd

PER_CENT = 100.0
MARKERS_PER_LINE = 12
# Fewer training seeds than this have no interval that can be read; they are shown themselves.
FEW: Final = 3
BEHIND: Final[dict[str, Any]] = {"linewidth": 0.6, "markersize": 2.2, "zorder": 1.7}


def draw_bands(axes: Axes, table: "pd.DataFrame", x: str, facts: Facts, main: Sequence[str] = ()) -> None:
    """Draw each series as a line with a shaded band; for dense conditions such as epochs.

    Two training seeds are thin lines instead. Where `main` names series, the others are thinner and lie
    behind them.
    """
    for place, (series, part) in enumerate(series_of(table, x)):
        every = max(1, ceil(len(part) / MARKERS_PER_LINE))
        # Staggered starts keep the markers of neighbouring curves from covering each other.
        markers = (place * every // 3 % every, every)
        front = series in main or not main
        _line(axes, series, part, x, facts, markevery=markers, **({} if front else BEHIND))
        shade(axes, part, x, facts, series, front=front)
        colour, alpha = facts.style(series).colour, 0.6 if front else 0.35
        for values in seeds_of(part):
            axes.plot(
                part[x], values, color=colour, alpha=alpha, linewidth=0.5, zorder=1.6, gid=f"{series} seed"
            )


def shade(axes: Axes, part: "pd.DataFrame", x: str, facts: Facts, series: str, *, front: bool = True) -> None:
    """Shade the band of one series, if it has one."""
    low, high = band_edges(part, facts)
    if np.isfinite(low).any():
        axes.fill_between(
            part[x].to_numpy(),
            low,
            high,
            color=facts.style(series).colour,
            alpha=0.22 if front else 0.10,
            linewidth=0,
            gid=f"{series} band",
            zorder=1.5 if front else 1.3,
        )


def draw_bars(axes: Axes, table: "pd.DataFrame", x: str, facts: Facts) -> None:
    """Draw each series as a line with an error bar at each condition; for few conditions such as epsilons."""
    for series, part in series_of(table, x):
        _line(axes, series, part, x, facts)
        mark_spread(axes, part, part[x].to_numpy(), facts, series)


def mark_spread(
    axes: Axes, part: "pd.DataFrame", x: "np.ndarray", facts: Facts, series: str, colour: str = ""
) -> None:
    """Draw the error bar of each row at its place, or, of two training seeds, a small dot for each.

    Args:
        axes: in per cent.
        part: rows of a summary.
        x: places of the rows.
        facts: tell what the bars show.
        series: whose rows they are.
        colour: of the bars; by default the series' own.
    """
    colour = colour or facts.style(series).colour
    low, high = band_edges(part, facts)
    if np.isfinite(low).any():
        mean = part["mean"].to_numpy() * PER_CENT
        axes.errorbar(
            x,
            mean,
            yerr=[mean - low, high - mean],
            fmt="none",
            ecolor=colour,
            elinewidth=0.7,
            capsize=1.5,
            capthick=0.7,
            gid=f"{series} band",
        )
    for values in seeds_of(part):
        dots: dict[str, Any] = {"marker": "o", "markersize": 1.8, "linestyle": "none", "markeredgewidth": 0.0}
        axes.plot(x, values, color=colour, alpha=0.75, zorder=1.9, gid=f"{series} seed", **dots)


def series_of(table: "pd.DataFrame", x: str) -> Iterator[tuple[str, "pd.DataFrame"]]:
    """The series of a table in order of appearance, each sorted by its condition."""
    for series, part in table.groupby("series", sort=False):
        yield str(series), part.sort_values(x)


def band_edges(part: "pd.DataFrame", facts: Facts) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper edge in per cent, within 0 and 100: mean -+ SEM, or the 95 % interval.

    NaN for fewer than three training seeds: two give an interval that fills the panel.
    """
    if facts.band == "sem":
        mean, sem = part["mean"].to_numpy(), part["sem"].to_numpy()
        low, high = mean - sem, mean + sem
    else:
        low, high = part["low"].to_numpy(), part["high"].to_numpy()
    few = part["n"].to_numpy() < FEW
    edges = (np.clip(np.where(few, np.nan, edge) * PER_CENT, 0.0, PER_CENT) for edge in (low, high))
    return next(edges), next(edges)


def seeds_of(part: "pd.DataFrame") -> list[np.ndarray]:
    """Where there are two training seeds: the accuracies of each in per cent, one per row, else NaN."""
    rows = [
        [float(value) for value in str(text).split()] if 1 < n < FEW else []
        for n, text in zip(part["n"], part["by_seed"], strict=True)
    ]
    most = max(map(len, rows), default=0)
    table = np.array([[*row, *[np.nan] * (most - len(row))] for row in rows], dtype=float)
    return list(table.T * PER_CENT) if most else []


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
    style = facts.style(series)
    axes.plot(
        part[x].to_numpy(),
        part["mean"].to_numpy() * PER_CENT,
        color=style.colour,
        marker=style.marker,
        linestyle=style.line,
        markeredgewidth=0.0,
        clip_on=False,  # a marker at 0 or 100 % is whole
        label=facts.label(series),
        gid=series,
        **options,
    )
