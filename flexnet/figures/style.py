"""The style guide. A figure that is drawn within `drawing` or `accuracies` has all of it without asking.

What a reader sees in any figure:

* One column (85 mm), one and a half (120) or two (178) wide and never taller than a page; 8 point sans, small
  print of 6, thin lines, no frame. Every number and name can be read at the size of the page.
* One colour, marker and line per series, the same everywhere (`palette`); ask `facts.style(series)`, by which
  no two series of a figure look alike.
* The legend stands above all panels, names everything that is drawn, and covers nothing (`legends`).
* The note below says whose images, how many training seeds (n) and what bars or shading mean (`notes`);
  scale and protocol too, unless both are the paper's. A schematic shows no runs and has no scale.
* Uncertainty over training seeds: the standard error or the 95 % interval, as the protocol says. Fewer than
  three seeds give none that can be read: the seeds themselves are shown. Bounds stay within 0 and 100 %
  (`curves`). A single seed shows no spread at all.
* Accuracies stand on one axis, 0 to 100 %, whatever the figure, protocol or scale, so that any two can be
  laid side by side; a faint line marks chance (`chance`).
* Several panels share their axes and carry letters; only the first has labels at its left.
* Tables are typeset with the same note (`typeset`), also as Markdown.

A new figure is a module of one `summarise_rows` and one `draw`:

    def draw(table, facts):
        with accuracies(table, facts, height_mm=62.0) as page:
            draw_bars(page.panels[0], page.part, "severity", facts)
            page.panels[0].set_xlabel("Severity")
        return page.figure

`tests/figures/test_looks.py` draws every figure with few and many seeds, with series missing and with extreme
values, and finds text that is covered or cut.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from flexnet.figures.chance import mark_chance
from flexnet.figures.curves import PER_CENT, one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.legends import legend_above
from flexnet.figures.look import COLUMN_MM, LETTER, PAGE_MM, WIDE_MM, column_figure, journal
from flexnet.figures.notes import add_note, note_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Page:
    """A figure that is being drawn.

    Attributes:
        figure: the figure.
        panels: its axes, from left to right.
        part: the rows of the table that are of the figure's protocol.
    """

    figure: Figure
    panels: Sequence[Axes]
    part: "pd.DataFrame"


@contextmanager
def drawing(
    table: "pd.DataFrame",
    facts: Facts,
    *,
    height_mm: float,
    width_mm: float | None = None,
    panels: int = 1,
    columns: int = 3,
) -> Iterator[Page]:
    """Draw within this context: it ends with the letters of several panels, the legend and the note.

    Args:
        table: the figure's table, of any protocols.
        facts: of the runs.
        height_mm: without legend and note, for which the page grows.
        width_mm: of the page; by default that of a journal in which so many panels can be read.
        panels: how many stand side by side.
        columns: how many the legend may have.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part = one_protocol(table, facts)
    with journal():
        figure = column_figure(height_mm, width_mm or _width_for(panels))
        axes = figure.subplots(1, panels, sharex=True, sharey=True, squeeze=False)[0]
        page = Page(figure, list(axes), part)
        yield page
        _letter(page.panels)
        legend_above(figure, page.panels, columns)
        add_note(figure, note_of(part, facts))


@contextmanager
def accuracies(
    table: "pd.DataFrame",
    facts: Facts,
    *,
    height_mm: float,
    width_mm: float | None = None,
    panels: int = 1,
    columns: int = 3,
    chance: str = "left",
) -> Iterator[Page]:
    """As `drawing`, with the axis of all accuracies and the line of chance, named at one side.

    Raises:
        DataError: as `drawing`.
    """
    with drawing(
        table, facts, height_mm=height_mm, width_mm=width_mm, panels=panels, columns=columns
    ) as page:
        yield page
        accuracy_axis(page.panels[0])
        named = page.panels[0 if chance == "left" else -1]
        for axes in page.panels:
            mark_chance(axes, facts, side=chance, named=axes is named)


def accuracy_axis(axes: Axes) -> None:
    """The axis of all accuracies: per cent, from 0 to 100, whatever is shown."""
    axes.set_ylabel("Test accuracy (%)")
    axes.set_ylim(0.0, PER_CENT)
    axes.yaxis.set_major_locator(MultipleLocator(20))


def _width_for(panels: int) -> float:
    return COLUMN_MM if panels <= 2 else WIDE_MM if panels == 3 else PAGE_MM


def _letter(panels: Sequence[Axes]) -> None:
    if len(panels) > 1:
        for axes, letter in zip(panels, ascii_uppercase, strict=False):
            axes.set_title(letter, loc="left", fontsize=LETTER, fontweight="bold", pad=3)
