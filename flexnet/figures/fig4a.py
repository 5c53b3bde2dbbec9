"""Figure 4A of the Flexible Layer paper: HMAX on Fashion-MNIST, test accuracy during training.

Beside the paper's three networks stand ours: the reversed rule, and flexible layers in C1 alone. They are
drawn thinner, so that the paper's comparison stays what the eye meets first.
"""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from flexnet.figures.facts import Facts
from flexnet.figures.learning import draw_learning
from flexnet.figures.learning import summarise_learning as summarise_rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MAIN", "NAME", "draw", "summarise_rows"]

NAME = "fig4a"
MAIN = ("baseline", "flexible", "conv")


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw test accuracy (%) against epoch, the paper's three networks in front.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    return draw_learning(table, facts, main=MAIN)
