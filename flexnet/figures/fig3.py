"""Figure 3 of the Flexible Layer paper: networks with one uniform threshold, tested with others."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import AutoMinorLocator, MaxNLocator

from flexnet.claims.catalogue import published
from flexnet.figures.curves import draw_bars, one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.look import FAINT, INK
from flexnet.figures.order import shown_series
from flexnet.figures.style import accuracies
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "fig3"
HEIGHT_MM = 58.0
ROOM: Final = 0.04  # beside the first and the last threshold, as a share of their distance
PAPER_SERIES: Final = ("low", "high")


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy without an attack per figure, protocol, series and threshold at test.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    return summarise(rows, ["figure", "protocol", "series", "threshold"], {"epsilon": 0.0})


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw test accuracy (%) against the threshold at test, one panel per threshold in training.

    Panels are in the order of the registry. Open markers are what the authors' development notebooks hold,
    unless the scale is no evidence. One of their series without rows leaves its panel with these alone.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part = one_protocol(table, facts)
    shown = shown_series(part, facts.series, PAPER_SERIES)
    with accuracies(part, facts, height_mm=HEIGHT_MM, panels=len(shown), columns=2, chance="right") as page:
        for axes, series in zip(page.panels, shown, strict=True):
            _draw_panel(axes, part, series, facts)
            axes.set_xlabel("Threshold T at test")
        _threshold_axis(page.panels[0], [*part["threshold"], *_marked(shown, facts)])
    return page.figure


def _marked(shown: Sequence[str], facts: Facts) -> list[float]:
    """Thresholds at which something stands beside the table: in training, and in the authors' own runs."""
    trained = [found for series in shown if (found := _trained_threshold(series, facts)) is not None]
    theirs = [series for series in shown if series in PAPER_SERIES] if facts.evidence else []
    return [*trained, *(threshold for series in theirs for threshold in _released(series))]


def _threshold_axis(axes: Axes, thresholds: Iterable[float]) -> None:
    """The axis of all panels, over all thresholds that there are."""
    places = [threshold for threshold in thresholds if isfinite(threshold)]
    low, high = min(places), max(places)
    room = ROOM * (high - low or 1.0)
    axes.set_xlim(low - room, high + room)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(AutoMinorLocator())


def _draw_panel(axes: Axes, part: "pd.DataFrame", series: str, facts: Facts) -> None:
    trained = _trained_threshold(series, facts)
    if trained is not None:
        axes.axvline(
            trained,
            color=FAINT,
            linewidth=0.8,
            linestyle=(0, (3, 2)),
            zorder=1,
            label="threshold in training",
            gid="trained",
        )
    if facts.evidence and series in PAPER_SERIES:
        _mark_released(axes, series)
    draw_bars(axes, part[part["series"] == series], "threshold", facts)


def _trained_threshold(series: str, facts: Facts) -> float | None:
    """The threshold in training: that of our networks, or the paper's where the facts do not hold it."""
    trained = facts.threshold(series)
    if trained is not None or not facts.evidence or series not in PAPER_SERIES:
        return trained
    theirs = published("flexible-layer", "fig3_trained_threshold").value
    assert isinstance(theirs, dict)
    return float(theirs[series])


def _mark_released(axes: Axes, series: str) -> None:
    """What the authors' own networks did, with open markers."""
    released = _released(series)
    axes.plot(
        list(released.keys()),
        list(released.values()),
        color=INK,
        marker="d",  # as in the figure of the claims: what is not ours
        markersize=5.0,
        fillstyle="none",
        markeredgewidth=0.6,
        linestyle="none",
        label="authors' released runs",
        gid="released",
        zorder=1.8,
    )


def _released(series: str) -> Mapping[float, float]:
    """Accuracies of the authors' own networks in per cent, by threshold at test."""
    released = published("flexible-layer", f"released_fig3_{series}").value
    assert isinstance(released, dict)
    return released
