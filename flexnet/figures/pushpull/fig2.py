"""Figure 2 of the push-pull paper: responses to one image as noise grows, with and without the pull."""

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure

from flexnet.figures.canvas import page, sign, write
from flexnet.figures.facts import Facts, number_words
from flexnet.figures.look import FAINT, PAGE_MM, TEXT, journal
from flexnet.figures.pushpull.maps import maps_of, picture, read, summarise_rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NAME", "draw", "read", "summarise_rows"]

NAME = "pushpull/fig2"
LEFT_MM, TOP_MM, GAP_MM, FOOT_MM = 17.0, 8.0, 1.0, 4.6
ROWS: Final = {"image": "image", "convolution": "push alone,\nnot rectified", "output": "push-pull"}


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw image, convolution and push-pull response, a column for each variance of the noise.

    Below each response: its correlation with the response without noise.

    Raises:
        DataError: if the table has no row of the protocol.
    """
    maps = maps_of(table, facts)
    levels = sorted(level for part, level in maps if part == "image")
    side = (PAGE_MM - LEFT_MM - 1.5) / len(levels) - GAP_MM
    line = side + FOOT_MM
    with journal():
        figure, axes = page(PAGE_MM, TOP_MM + len(ROWS) * line)
        write(axes, (1.5, TOP_MM - 3.0), "variance", color=FAINT)
        for row, (part, words) in enumerate(ROWS.items()):
            y = TOP_MM + row * line
            for place, text in enumerate(words.split("\n")):
                write(axes, (1.5, y + side / 2 + 3.0 * place), text, fontsize=TEXT - 2)
            for column, level in enumerate(levels):
                x = LEFT_MM + column * (side + GAP_MM)
                picture(axes, (x, y), side, maps[part, level], signed=part != "image")
                middle = x + side / 2
                if part == "image":
                    write(axes, (middle, y - 3.0), number_words(level), ha="center")
                else:
                    alike = correlation(maps[part, level], maps[part, levels[0]])
                    write(axes, (middle, y + side + 2.0), f"{alike:.2f}", ha="center", color=FAINT)
        sign(axes, facts)
    return figure


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation of two maps."""
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])
