"""Accuracy against the size of a step, side by side for each kind of step."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from flexnet.errors import DataError
from flexnet.figures.curves import draw_bars, one_protocol
from flexnet.figures.epsilon import epsilon_axis
from flexnet.figures.facts import Facts
from flexnet.figures.style import accuracies

if TYPE_CHECKING:
    import pandas as pd

HEIGHT_MM = 62.0


def draw_kinds(
    table: "pd.DataFrame", facts: Facts, column: str, titles: Mapping[str, str], *, width_mm: float
) -> Figure:
    """Draw test accuracy (%) against epsilon, one panel per kind, with error bars and the chance level.

    Args:
        table: a summary with the columns `column` and epsilon.
        facts: of the runs.
        column: the condition that tells kinds apart.
        titles: what is done to images, by kind, in the order of the panels.
        width_mm: of the page.

    Raises:
        DataError: if the table has no row of the facts' protocol, or a kind without a title.
    """
    part = one_protocol(table, facts)
    unknown = sorted(set(part[column]) - set(titles))
    if unknown:
        raise DataError(f"{column}: expected one of {list(titles)}; got {unknown}; evaluate them again")
    shown = [kind for kind in titles if kind in set(part[column])]
    with accuracies(part, facts, height_mm=HEIGHT_MM, width_mm=width_mm, panels=len(shown)) as page:
        for axes, kind in zip(page.panels, shown, strict=True):
            draw_bars(axes, part[part[column] == kind], "epsilon", facts)
            epsilon_axis(axes, part["epsilon"], facts, titles[kind])
    return page.figure
