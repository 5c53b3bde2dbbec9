"""Figure 6 of the push-pull paper: one image, clean and under the corruptions at severity 4."""

from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure

from flexnet.corruptions.names import CLEAN, GROUPINGS, SYNTHETIC, original
from flexnet.figures.canvas import inset, page, sign, write
from flexnet.figures.corruptions import picture_of, read, summarise_rows
from flexnet.figures.curves import one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.look import FAINT, WIDE_MM, journal

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NAME", "draw", "read", "summarise_rows"]

NAME = "pushpull/fig6"
LEVEL: Final = 4
COLUMNS, MARGIN_MM, GAP_MM, LABEL_MM, TOP_MM, FOOT_MM = 5, 2.0, 2.0, 4.4, 4.0, 4.0


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw the pictures in the order of the paper's categories, each with its name below.

    Where severity 4 was not asked, the highest that was is shown.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part = one_protocol(table, facts)
    names = [name for group in GROUPINGS["push-pull"].values() for name in group]
    there = set(part["kind"])
    kinds = [CLEAN, *(kind for name in names for kind in (name, SYNTHETIC.get(name, "")) if kind in there)]
    level = LEVEL if LEVEL in set(part["level"]) else int(part["level"].max())
    side = (WIDE_MM - 2 * MARGIN_MM - GAP_MM * (COLUMNS - 1)) / COLUMNS
    lines = -(-len(kinds) // COLUMNS)
    with journal():
        figure, axes = page(WIDE_MM, TOP_MM + lines * (side + LABEL_MM) + FOOT_MM)
        for place, kind in enumerate(kinds):
            left = MARGIN_MM + place % COLUMNS * (side + GAP_MM)
            top = TOP_MM + place // COLUMNS * (side + LABEL_MM)
            small = inset(axes, left, top, side, side)
            small.set_axis_off()
            pixels = picture_of(part, kind, 0 if kind == CLEAN else level)
            small.imshow(pixels, cmap="gray", interpolation="nearest", aspect="auto")
            drawn = " (drawn)" if kind in SYNTHETIC.values() else ""
            words = "as it is" if kind == CLEAN else original(kind).replace("_", " ") + drawn
            write(axes, (left + side / 2, top + side + 2.0), words, ha="center")
        foot = f"{part['dataset'].iloc[0]}, image {part['image'].iloc[0]}; severity {level}"
        write(axes, (MARGIN_MM, TOP_MM + lines * (side + LABEL_MM) + 1.8), foot, color=FAINT)
        sign(axes, facts)
    return figure
