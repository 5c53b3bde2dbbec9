"""What the figures of accuracy during training share: test accuracy in per cent against epoch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from flexnet.figures.curves import draw_bands, legend_above, one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.style import column_figure, journal, stamp
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

HEIGHT_MM = 62.0
TICK_STEPS = [1, 2, 2.5, 5, 10]


def summarise_learning(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise test accuracy per figure, protocol, series and epoch over training seeds.

    Raises:
        DataError: if a column is missing or no row is of the test split.
    """
    return summarise(rows, ["figure", "protocol", "series", "epoch"], {"split": "test"})


def draw_learning(table: "pd.DataFrame", facts: Facts, main: Sequence[str] = ()) -> Figure:
    """Draw test accuracy (%) against epoch, one line and band per series.

    Args:
        table: as made by `summarise_learning`.
        facts: of the run.
        main: series that stand in front, the others being thin; all of them where it is empty.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part = one_protocol(table, facts)
    with journal():
        figure = column_figure(HEIGHT_MM)
        axes = figure.add_subplot()
        draw_bands(axes, part, "epoch", facts, main)
        axes.set_xlabel("Epoch")
        axes.set_ylabel("Test accuracy (%)")
        axes.xaxis.set_major_locator(MaxNLocator(7, steps=TICK_STEPS, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(7, steps=TICK_STEPS))
        axes.margins(x=0.02, y=0.06)
        bottom, top = axes.get_ylim()
        axes.set_ylim(max(bottom, -1.0), min(top, 101.0))
        # Two columns: the main series and, beside them, the others.
        legend_above(figure, axes, columns=2 if main else 3)
        stamp(axes, facts)
    return figure
