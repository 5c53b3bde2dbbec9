"""Controls of Figure 4D: operations exchanged, pooling alone, and half of each branch, under FGSM."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from flexnet.figures.curves import draw_bars
from flexnet.figures.epsilon import epsilon_axis
from flexnet.figures.facts import Facts
from flexnet.figures.fig4d import summarise_rows
from flexnet.figures.style import accuracies

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NAME", "draw", "summarise_rows"]

NAME = "fig4d_controls"
HEIGHT_MM = 62.0


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw test accuracy (%) against epsilon with error bars and the chance level.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    with accuracies(table, facts, height_mm=HEIGHT_MM, columns=2) as page:
        (axes,) = page.panels
        draw_bars(axes, page.part, "epsilon", facts)
        epsilon_axis(axes, page.part["epsilon"], facts, "FGSM")
    return page.figure
