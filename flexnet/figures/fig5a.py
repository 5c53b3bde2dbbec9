"""Figure 5A of the Flexible Layer paper: accuracy under five categories of corruptions, by severity."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from flexnet.corruptions.names import GROUPINGS
from flexnet.figures.curves import draw_bars
from flexnet.figures.facts import Facts
from flexnet.figures.frost import with_frost
from flexnet.figures.style import accuracies
from flexnet.statistics.categories import category_rows
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "fig5a"
HEIGHT_MM, COLUMNS = 46.0, 4
CATEGORIES: Final = GROUPINGS["flexible-layer"]


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy per series, category and severity: means over corruptions, then training seeds.

    Raises:
        DataError: if a column is missing, or a seed lacks a corruption that others have.
    """
    by = ["figure", "protocol", "series", "category", "severity"]
    found = category_rows(rows, CATEGORIES)
    counts = found[["category", "corruptions"]].drop_duplicates()
    table = summarise(found.drop(columns="corruptions"), by).merge(counts, on="category")
    return with_frost(table, rows)


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw test accuracy (%) against severity with error bars, a panel for each category.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    shown = shown_categories(table)
    with accuracies(table, facts, height_mm=HEIGHT_MM, panels=len(shown), columns=COLUMNS) as page:
        fill(page.panels, page.part, facts)
    return page.figure


def shown_categories(table: "pd.DataFrame") -> list[str]:
    """The categories of a table, in the order of the paper."""
    return [name for name in CATEGORIES if name in set(table["category"])]


def fill(panels: Sequence[Axes], part: "pd.DataFrame", facts: Facts) -> None:
    """Draw the categories of a protocol on as many axes."""
    for axes, name in zip(panels, shown_categories(part), strict=True):
        own = part[part["category"] == name]
        draw_bars(axes, own, "severity", facts)
        axes.set_title(name.capitalize() + _of(name, int(own["corruptions"].iloc[0])), fontsize=8, pad=3)
        axes.set_xlim(-0.3, 5.3)
        axes.xaxis.set_major_locator(MultipleLocator(1))
        axes.set_xlabel("Severity")


def _of(category: str, number: int) -> str:
    """How many corruptions a mean is of, where it is not that of all."""
    whole = len(CATEGORIES[category])
    return "" if number == whole else f" ({number} of {whole})"
