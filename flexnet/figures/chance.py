"""The line at the accuracy of guessing."""

from typing import Final

from matplotlib.axes import Axes

from flexnet.figures.captions import spread
from flexnet.figures.curves import PER_CENT
from flexnet.figures.facts import Facts
from flexnet.figures.look import FAINT, SMALL

# Below a lower line there is no room for its name.
_LOWEST: Final = 7.0


def mark_chance(axes: Axes, facts: Facts, *, side: str = "left", named: bool = True) -> None:
    """A faint line at the accuracy of guessing, named at the side where no curve goes.

    Series that were trained on images of several numbers of classes have as many lines, and one name.

    Args:
        axes: in per cent.
        facts: tell the numbers of classes.
        side: "left" or "right".
        named: whether the line is; of small multiples one is enough.
    """
    levels = [PER_CENT / classes for classes in facts.classes]
    for level in levels:
        axes.axhline(level, color=FAINT, linewidth=0.6, linestyle=(0, (4, 2)), zorder=1, gid="chance")
    if named:
        _name(axes, min(levels), side, facts)


def _name(axes: Axes, level: float, side: str, facts: Facts) -> None:
    below, left = level >= _LOWEST, side == "left"
    axes.annotate(
        "chance" if len(facts.classes) == 1 else f"chance ({spread(facts.classes)} classes)",
        (0.0 if left else 1.0, level if below else max(PER_CENT / classes for classes in facts.classes)),
        xycoords=("axes fraction", "data"),
        xytext=(3 if left else -3, -1.5 if below else 1.5),
        textcoords="offset points",
        ha=side,
        va="top" if below else "bottom",
        fontsize=SMALL,
        color=FAINT,
    )
