"""Accuracy under random noise of the size of an attack: the control that every attack needs."""

from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure

from flexnet.errors import DataError
from flexnet.families.noise import NOISES
from flexnet.figures.curves import draw_bars, one_protocol
from flexnet.figures.epsilon import epsilon_axis
from flexnet.figures.facts import Facts
from flexnet.figures.style import accuracies
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "noise"
HEIGHT_MM, WIDTH_MM = 62.0, 140.0
TITLES: Final = {"uniform": "Uniform noise", "gaussian": "Gaussian noise"}


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy per figure, protocol, series, noise and epsilon: repeats first, then training seeds.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    return summarise(rows, ["figure", "protocol", "series", "noise", "epsilon"])


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw test accuracy (%) against epsilon, one panel per noise, with error bars and the chance level.

    Raises:
        DataError: if the table has no row of the facts' protocol, or a noise that is not known.
    """
    part = one_protocol(table, facts)
    unknown = sorted(set(part["noise"]) - set(NOISES))
    if unknown:
        raise DataError(f"expected noises among {list(NOISES)}; got {unknown}; evaluate them again")
    shown = [noise for noise in NOISES if noise in set(part["noise"])]
    with accuracies(part, facts, height_mm=HEIGHT_MM, width_mm=WIDTH_MM, panels=len(shown)) as page:
        for axes, noise in zip(page.panels, shown, strict=True):
            draw_bars(axes, part[part["noise"] == noise], "epsilon", facts)
            epsilon_axis(axes, part["epsilon"], facts, TITLES[noise])
    return page.figure
