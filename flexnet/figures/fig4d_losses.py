"""Figure 4D with the step along other losses: whether the loss of the attack decides what withstands it."""

from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure

from flexnet.figures.facts import Facts
from flexnet.figures.kinds import draw_kinds
from flexnet.figures.look import PAGE_MM
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "fig4d_losses"
TITLES: Final = {
    "cross_entropy": "Along cross entropy\nFGSM",
    "margin": "Along the margin\nFGSM",
    "negative_logit": "Along minus the right logit\nFGSM",
}


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy per series, loss and epsilon: repeats first, then training seeds.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    return summarise(rows, ["figure", "protocol", "series", "objective", "epsilon"])


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw test accuracy (%) against epsilon, one panel per loss, as `draw_kinds`.

    Raises:
        DataError: if the table has no row of the facts' protocol, or a loss that is not known.
    """
    return draw_kinds(table, facts, "objective", TITLES, width_mm=PAGE_MM)
