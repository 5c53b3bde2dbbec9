"""Accuracy under random noise of the size of an attack: the control that every attack needs."""

from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure

from flexnet.figures.facts import Facts
from flexnet.figures.kinds import draw_kinds
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "noise"
WIDTH_MM = 140.0
TITLES: Final = {"uniform": "Uniform noise", "gaussian": "Gaussian noise"}


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy per figure, protocol, series, noise and epsilon: repeats first, then training seeds.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    return summarise(rows, ["figure", "protocol", "series", "noise", "epsilon"])


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw test accuracy (%) against epsilon, one panel per noise, as `draw_kinds`.

    Raises:
        DataError: if the table has no row of the facts' protocol, or a noise that is not known.
    """
    return draw_kinds(table, facts, "noise", TITLES, width_mm=WIDTH_MM)
