"""How wide text is, and text in lines of a given width."""

import re
from functools import cache
from typing import Final

from matplotlib.figure import Figure
from matplotlib.text import Text

from flexnet.figures.look import MM_PER_INCH, PARAMETERS, SMALL

# A tiny page: matplotlib makes a canvas of its size for each measurement.
_SIDE: Final = 0.1
# Blanks at which no line ends: those of "n = 3" and "95 %".
_HARD: Final = "\u00a0"
_GLUE: Final = re.compile(r" (?=[=%])|(?<==) ")


@cache
def width_of(text: str, size: float = SMALL) -> float:
    """Width in millimetres of a text of this size of type (points)."""
    scratch = Figure(figsize=(_SIDE, _SIDE), dpi=PARAMETERS["figure.dpi"])
    drawn: Text = scratch.text(0.0, 0.0, text, fontsize=size, family=PARAMETERS["font.family"])
    return float(drawn.get_window_extent().width) / scratch.dpi * MM_PER_INCH


def wrapped(text: str, width: float, size: float = SMALL) -> list[str]:
    """The text in lines of at most `width` millimetres; a word that is longer has a line of its own."""
    lines: list[str] = []
    for word in _GLUE.sub(_HARD, " ".join(text.split())).split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line.replace(_HARD, " ") for line in lines]
