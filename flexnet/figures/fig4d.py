"""Figure 4D of the Flexible Layer paper: VGG16 on CIFAR-10, test accuracy against FGSM perturbation size."""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexnet.figures.crossing import marked_crossing
from flexnet.figures.curves import draw_bars
from flexnet.figures.epsilon import epsilon_axis
from flexnet.figures.facts import Facts
from flexnet.figures.look import FAINT, SMALL
from flexnet.figures.style import accuracies
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "fig4d"
HEIGHT_MM = 62.0


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy per figure, protocol, series and epsilon: repeats first, then training seeds.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    return summarise(rows, ["figure", "protocol", "series", "epsilon"])


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw test accuracy (%) against epsilon with error bars, the chance level and the paper's crossing.

    The axis is that of `epsilon_axis`; whether the crossing is marked says `marked_crossing`.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    with accuracies(table, facts, height_mm=HEIGHT_MM) as page:
        (axes,) = page.panels
        draw_bars(axes, page.part, "epsilon", facts)
        epsilon_axis(axes, page.part["epsilon"], facts, "FGSM")
        crossing = marked_crossing(page.part["epsilon"], facts)
        if crossing is not None:
            _mark(axes, crossing)
    return page.figure


def _mark(axes: Axes, crossing: float) -> None:
    """A light vertical line where the paper's curves cross."""
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
        fontsize=SMALL,
        color=FAINT,
    )
