"""Figure 4D of the Flexible Layer paper: VGG16 on CIFAR-10, test accuracy against FGSM perturbation size."""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from flexnet.claims.catalogue import published
from flexnet.figures.curves import draw_bars, legend_above, one_protocol
from flexnet.figures.epsilon import epsilon_axis, mark_chance
from flexnet.figures.facts import Facts
from flexnet.figures.style import FAINT, column_figure, journal, stamp
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "fig4d"
HEIGHT_MM = 66.0


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy per figure, protocol, series and epsilon: repeats first, then training seeds.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    return summarise(rows, ["figure", "protocol", "series", "epsilon"])


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw test accuracy (%) against epsilon with error bars, the chance level and the paper's crossing.

    The crossing is left out where the scale is no evidence.

    Epsilon in normalised units has a linear axis. In pixel units of the [0, 1] scale its grid spans 1/255 to
    1, so the axis is logarithmic with a linear start at 0, and the crossing, which belongs to normalised
    units, is absent.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part = one_protocol(table, facts)
    with journal():
        figure = column_figure(HEIGHT_MM)
        axes = figure.add_subplot()
        draw_bars(axes, part, "epsilon", facts)
        axes.set_ylabel("Test accuracy (%)")
        axes.set_ylim(0.0, 100.0)
        axes.yaxis.set_major_locator(MultipleLocator(20))
        largest = float(part["epsilon"].max())
        epsilon_axis(axes, largest, facts, "FGSM")
        if facts.space != "pixel" and facts.evidence:
            _mark_crossing(axes, largest)
        mark_chance(axes, facts)
        legend_above(figure, axes)
        stamp(axes, facts)
    return figure


def _mark_crossing(axes: Axes, largest: float) -> None:
    """A light vertical line where the paper's curves cross, if the grid reaches so far."""
    crossing = published("flexible-layer", "fgsm_crossing_epsilon").value
    assert isinstance(crossing, float)
    if crossing > largest:
        return
    # The text goes to the side with more room; curves fall, so the top is free on both.
    left = crossing > sum(axes.get_xlim()) / 2
    axes.axvline(crossing, color=FAINT, linewidth=0.6, linestyle=(0, (2, 2)), zorder=1, gid="crossing")
    axes.annotate(
        f"paper's crossing, {crossing:g}",
        (crossing, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if left else 3, -2),
        ha="right" if left else "left",
        textcoords="offset points",
        va="top",
        fontsize=6,
        color=FAINT,
    )
