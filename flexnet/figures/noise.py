"""Accuracy under random noise of the size of an attack: the control that every attack needs."""

from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from flexnet.errors import DataError
from flexnet.families.noise import NOISES
from flexnet.figures.curves import draw_bars, legend_above, one_protocol
from flexnet.figures.epsilon import epsilon_axis, mark_chance
from flexnet.figures.facts import Facts
from flexnet.figures.style import column_figure, journal, stamp
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "noise"
HEIGHT_MM, WIDTH_MM = 66.0, 140.0
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
    with journal():
        figure = column_figure(HEIGHT_MM, WIDTH_MM)
        panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        for axes, noise in zip(panels, shown, strict=True):
            draw_bars(axes, part[part["noise"] == noise], "epsilon", facts)
            epsilon_axis(axes, float(part["epsilon"].max()), facts, TITLES[noise])
            mark_chance(axes, facts)
        panels[0].set_ylabel("Test accuracy (%)")
        panels[0].set_ylim(0.0, 100.0)
        panels[0].yaxis.set_major_locator(MultipleLocator(20))
        legend_above(figure, panels[0])
        stamp(panels[-1], facts)
    return figure
