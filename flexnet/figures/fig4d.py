"""Figure 4D of the Flexible Layer paper: VGG16 on CIFAR-10, test accuracy against FGSM perturbation size."""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexnet.claims.catalogue import published
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

    The crossing is left out where the scale is no evidence.

    The axis is that of `epsilon_axis`. The crossing belongs to normalised units and is absent from pixels.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    with accuracies(table, facts, height_mm=HEIGHT_MM) as page:
        (axes,) = page.panels
        draw_bars(axes, page.part, "epsilon", facts)
        epsilon_axis(axes, page.part["epsilon"], facts, "FGSM")
        if facts.space != "pixel" and facts.evidence:
            _mark_crossing(axes, float(page.part["epsilon"].max()))
    return page.figure


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
        fontsize=SMALL,
        color=FAINT,
    )
