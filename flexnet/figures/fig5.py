"""Figure 5 of the Flexible Layer paper: corruptions by category (A), by bandwidth (B), and spectra (C)."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexnet.figures import fig5a, fig5b, fig5c
from flexnet.figures.chance import mark_chance
from flexnet.figures.curves import one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.legends import legend_above
from flexnet.figures.look import LETTER, PAGE_MM, column_figure, journal
from flexnet.figures.notes import add_note, note_of
from flexnet.figures.style import accuracy_axis
from flexnet.statistics.conditions import of_family
from flexnet.tables.columns import ESTIMATES

if TYPE_CHECKING:
    import pandas as pd

NAME = "fig5"
HEIGHT_MM, COLUMNS = 112.0, 4
COMPARED: Final = (fig5b.MAIN, "schedule")  # with the baseline, in panel B, as the caption says
PANEL: Final = "panel"


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """The tables of the panels, one below the other.

    Raises:
        DataError: as theirs, or if a family has no rows.
    """
    import pandas as pd

    corrupted, filtered = (of_family(rows, name) for name in ("corruptions", "bandpass"))
    parts = {
        "A": fig5a.summarise_rows(corrupted),
        "B": fig5b.summarise_rows(corrupted),
        "C": fig5c.summarise_rows(filtered),
    }
    return pd.concat([part.assign(**{PANEL: name}) for name, part in parts.items()], ignore_index=True)


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw the panels: categories, measures of bandwidth, and the first filter.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part, facts = one_protocol(table, facts), replace(facts, by_colour=True)
    upper, lower, last = (_own(part, name) for name in "ABC")
    with journal():
        figure = column_figure(HEIGHT_MM, PAGE_MM)
        grid = figure.add_gridspec(2, 1)
        first = _row(figure, grid, 0, len(fig5a.shown_categories(upper)))
        fig5a.fill(first, upper, facts)
        measures = len(fig5b.MEASURES)
        second = _row(figure, grid, 1, measures + 1, measures)
        fig5b.fill(second, lower[lower["series"].isin(COMPARED)], facts, named=False)
        fig5c.fill(second[measures:], last, facts)
        for axes in (first[0], second[measures]):
            accuracy_axis(axes)
        for axes in (*first, second[measures]):
            mark_chance(axes, facts, named=axes is first[0])
        for axes, letter in zip((first[0], second[0], second[measures]), "ABC", strict=True):
            axes.set_title(letter, loc="left", fontsize=LETTER, fontweight="bold", pad=3)
        legend_above(figure, [*first, *second], COLUMNS)
        add_note(figure, note_of(upper, facts))
    return figure


def _own(part: "pd.DataFrame", name: str) -> "pd.DataFrame":
    """The table of one panel as its own figure has it."""
    own = part[part[PANEL] == name].drop(columns=PANEL)
    foreign = [column for column in own.columns if column not in ESTIMATES and own[column].isna().all()]
    return own.drop(columns=foreign).astype({"n": int, "n_images": int})


def _row(figure: Figure, grid: Any, line: int, number: int, sharing: int | None = None) -> list[Axes]:
    """Axes side by side, of which the first few share their height axis."""
    cells, found = grid[line].subgridspec(1, number), list[Axes]()
    for place in range(number):
        shared = found[0] if found and place < (number if sharing is None else sharing) else None
        axes = figure.add_subplot(cells[place], sharey=shared)
        axes.tick_params(labelleft=shared is None)
        found.append(axes)
    return found
