"""Figure 4A of the Flexible Layer paper: HMAX on Fashion-MNIST, test accuracy during training.

Beside the paper's three networks stand ours: the reversed rule, and flexible layers in C1 alone. They are
drawn thinner, so that the paper's comparison stays what the eye meets first.
"""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from flexnet.figures.captions import Facts
from flexnet.figures.curves import main_first
from flexnet.figures.learning import draw_learning, summarise_learning

if TYPE_CHECKING:
    import pandas as pd

NAME = "fig4a"
MAIN = ("baseline", "flexible", "conv")
FURTHER = ("above", "c1", "c1-above")


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise test accuracy per series and epoch over training seeds, the paper's three networks first.

    Raises:
        DataError: if a column is missing or no row is of the test split.
    """
    return main_first(summarise_learning(rows), (*MAIN, *FURTHER))


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw test accuracy (%) against epoch, the paper's three networks in front.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    return draw_learning(table, facts, main=MAIN)
