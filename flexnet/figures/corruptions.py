"""The corruptions as pictures: one image under each of them, at every severity."""

from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread

from flexnet.corruptions.names import CLEAN, GROUPINGS, SYNTHETIC, original
from flexnet.families.registry import family_of
from flexnet.figures.canvas import Point, inset, page, sign, write
from flexnet.figures.curves import one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.look import FAINT, PAGE_MM, TEXT, journal
from flexnet.tables.columns import described_by
from flexnet.tables.frames import read_checked

if TYPE_CHECKING:
    import pandas as pd

NAME = "corruptions"
MARGIN_MM, HEAD_MM, LABEL_MM, GAP_MM, FOOT_MM, ROW_GAP_MM = 2.0, 8.0, 3.6, 0.7, 5.0, 1.6
COLUMNS: Final = 2


def read(path: str | Path) -> "pd.DataFrame":
    """Read the pictures.

    Raises:
        DataError: if the table is missing or has other columns.
    """
    return read_checked(path, described_by(family_of("gallery")))


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """The pictures as they are."""
    return rows


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw the clean image and its corruptions, a line for each, in the order of the paper's categories.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part = one_protocol(table, facts)
    levels = sorted(set(part["level"]))
    kinds = [kind for names in GROUPINGS["flexible-layer"].values() for kind in _shown(names, part)]
    lines = -(-len(kinds) // COLUMNS)
    width = (PAGE_MM - (COLUMNS + 1) * MARGIN_MM) / COLUMNS
    side = (width - GAP_MM * (len(levels) - 1)) / len(levels)
    step = LABEL_MM + side + ROW_GAP_MM
    with journal():
        figure, axes = page(PAGE_MM, HEAD_MM + lines * step + FOOT_MM)
        for place, kind in enumerate(kinds):
            left = MARGIN_MM + (place // lines) * (width + MARGIN_MM)
            top = HEAD_MM + (place % lines) * step
            if place % lines == 0:
                _heads(axes, levels, (left, top), side)
            _row(axes, part, kind, levels, (left, top), side)
        foot = f"{part['dataset'].iloc[0]}, image {part['image'].iloc[0]}"
        write(axes, (MARGIN_MM, HEAD_MM + lines * step + 1.5), foot, color=FAINT)
        sign(axes, facts)
    return figure


def _shown(names: tuple[str, ...], part: "pd.DataFrame") -> list[str]:
    """What rows call those of some corruptions that they have."""
    found = set(part["kind"])
    return [kind for name in names for kind in (name, SYNTHETIC.get(name, "")) if kind in found]


def _heads(axes: Axes, levels: list[int], at: Point, side: float) -> None:
    for place, level in enumerate(levels):
        middle = at[0] + place * (side + GAP_MM) + side / 2
        words = "as it is" if level == 0 else f"severity {level}"
        write(axes, (middle, at[1] - 2.0), words, ha="center", color=FAINT)


def _row(axes: Axes, part: "pd.DataFrame", kind: str, levels: list[int], at: Point, side: float) -> None:
    """One corruption: its name and category above, then its pictures."""
    own = part[part["kind"] == kind]
    name = original(kind).replace("_", " ") + (" (synthesised)" if kind in SYNTHETIC.values() else "")
    words = f"{own['category'].iloc[0]}: {name}"
    write(axes, (at[0], at[1] + LABEL_MM / 2), words, fontsize=TEXT - 1)
    for place, level in enumerate(levels):
        wanted = part[part["kind"] == (CLEAN if level == 0 else kind)]
        picture = wanted[wanted["level"] == level]["picture"]
        if not picture.empty:
            where = at[0] + place * (side + GAP_MM), at[1] + LABEL_MM
            small = inset(axes, *where, side, side)
            small.set_axis_off()
            small.imshow(_pixels(str(picture.iloc[0])), cmap="gray", interpolation="nearest", aspect="auto")


def _pixels(picture: str) -> Any:
    return imread(BytesIO(b64decode(picture)), format="png")
