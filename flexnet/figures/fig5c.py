"""Figure 5C of the Flexible Layer paper: accuracy on images with some spatial frequencies alone."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexnet.families.bandpass import NONE
from flexnet.figures.curves import PER_CENT, draw_bars, one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.look import FAINT, SMALL
from flexnet.figures.style import accuracies
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "fig5c"
HEIGHT_MM, TWO_MM, COLUMNS = 58.0, 140.0, 4
TITLES: Final = {
    "paper": "Band-pass\n(as in the text)",
    "release": "Band-pass\n(released code)",
    "contrast": "Band-pass\n(full contrast)",
    "low_pass": "Low-pass",
    "high_pass": "High-pass",
}
AXIS: Final = {
    "low_pass": "Width passed\n(cycles per image)",
    "high_pass": "Width removed\n(cycles per image)",
}
BAND_AXIS: Final = "Centre frequency\n(cycles per image)"


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy per series, filter and frequency: training seeds.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    return summarise(rows, ["figure", "protocol", "series", "filter", "frequency"])


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw test accuracy (%) against frequency, a panel for each filter, and on clean images.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    facts, shown = replace(facts, by_colour=True), shown_filters(one_protocol(table, facts))
    sizes: dict[str, Any] = {"height_mm": HEIGHT_MM, "width_mm": TWO_MM if len(shown) == 2 else None}
    with accuracies(table, facts, panels=len(shown), columns=COLUMNS, **sizes) as page:
        fill(page.panels, page.part, facts)
    return page.figure


def shown_filters(part: "pd.DataFrame") -> list[str]:
    """The filters of a table, as the panels have them."""
    return [name for name in TITLES if name in set(part["filter"])]


def fill(panels: Sequence[Axes], part: "pd.DataFrame", facts: Facts) -> None:
    """Draw the filters of a protocol, one on each axes; of fewer axes the first filters."""
    for axes, name in zip(panels, shown_filters(part), strict=False):
        own = part[part["filter"] == name]
        draw_bars(axes, own, "frequency", facts)
        clean = part[part["filter"] == NONE]
        _mark_clean(axes, clean, float(own["frequency"].max()), facts, named=axes is panels[-1])
        axes.set_title(TITLES[name], fontsize=8, pad=3)
        axes.set_xlabel(AXIS.get(name, BAND_AXIS))


def _mark_clean(axes: Axes, clean: "pd.DataFrame", most: float, facts: Facts, *, named: bool) -> None:
    """A short level line for each network at the right edge: its accuracy on clean images."""
    levels = {str(row["series"]): float(row["mean"]) * PER_CENT for _, row in clean.iterrows()}
    ends = [most * 1.04, most * 1.10]
    for series, level in levels.items():
        colour = facts.style(series).colour
        axes.plot(ends, [level, level], color=colour, linewidth=1.6, gid=f"{series} clean")
    axes.set_xlim(0.0, most * 1.12)
    if named and levels:
        highest = min(max(levels.values()) + 2.0, PER_CENT - 5.0)
        axes.text(ends[1], highest, "clean", ha="right", va="bottom", fontsize=SMALL, color=FAINT)
