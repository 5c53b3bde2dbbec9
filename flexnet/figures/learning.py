"""What the figures of accuracy during training share: test accuracy in per cent against epoch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from flexnet.figures.curves import draw_bands
from flexnet.figures.facts import Facts
from flexnet.figures.style import accuracies
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

HEIGHT_MM = 66.0
TICK_STEPS = [1, 2, 2.5, 5, 10]


def summarise_learning(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise test accuracy per figure, protocol, series and epoch over training seeds.

    Raises:
        DataError: if a column is missing or no row is of the test split.
    """
    return summarise(rows, ["figure", "protocol", "series", "epoch"], {"split": "test"})


def draw_learning(table: "pd.DataFrame", facts: Facts, main: Sequence[str] = ()) -> Figure:
    """Draw test accuracy (%) against epoch, one line and band per series, and the chance level.

    Args:
        table: as made by `summarise_learning`.
        facts: of the run.
        main: series that stand in front, the others being thin; all of them where it is empty.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    # Two columns of the legend: the main series and, beside them, the others.
    columns = 2 if main else 3
    # Curves rise from chance, so its name goes where they end.
    with accuracies(table, facts, height_mm=HEIGHT_MM, columns=columns, chance="right") as page:
        (axes,) = page.panels
        draw_bands(axes, page.part, "epoch", facts, main)
        axes.set_xlabel("Epoch")
        axes.xaxis.set_major_locator(MaxNLocator(7, steps=TICK_STEPS, integer=True))
        axes.margins(x=0.02)
    return page.figure
