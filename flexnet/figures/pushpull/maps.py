"""Matrices as small pictures on a page, and the rows of the family `responses` as matrices."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.axes import Axes

from flexnet.figures.canvas import Point, inset
from flexnet.figures.curves import one_protocol
from flexnet.figures.examples import read_example, whole
from flexnet.figures.facts import Facts
from flexnet.figures.look import FAINT

if TYPE_CHECKING:
    import pandas as pd

PARTS: Final = ("image", "push kernel", "pull kernel", "push", "pull", "convolution", "output")
Maps = dict[tuple[str, float], np.ndarray]


def read(path: str | Path) -> "pd.DataFrame":
    """Read the maps of an example.

    Raises:
        DataError: if the file is missing or is no such table.
    """
    return read_example(path, "responses")


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Check that the example is whole; its numbers are the figure's table.

    Raises:
        DataError: if a part of the example is missing.
    """
    return whole(rows, PARTS)


def maps_of(table: "pd.DataFrame", facts: Facts) -> Maps:
    """Matrices of the first series of the facts' protocol, by part and level.

    Raises:
        DataError: if the table has no row of the protocol.
    """
    part = one_protocol(table, facts)
    part = part[part["series"] == part["series"].iloc[0]]
    return {
        (str(name), float(level)): own.pivot(index="row", columns="column", values="value").to_numpy(
            dtype=float
        )
        for (name, level), own in part.groupby(["part", "level"], sort=False)
    }


def picture(page: Axes, at: Point, side: float, values: np.ndarray, *, signed: bool = True) -> None:
    """Show a matrix as a square of a side in millimetres from its top left corner.

    Args:
        page: a page in millimetres.
        at: top left corner.
        side: of the square.
        values: the matrix.
        signed: whether blue is below 0 and red above it, white at 0; else black is 0 and white the most.
    """
    axes = inset(page, *at, side, side)
    most = float(np.abs(values).max()) or 1.0
    least = -most if signed else min(0.0, float(values.min()))
    colours = "RdBu_r" if signed else "Greys_r"
    axes.imshow(values, cmap=colours, vmin=least, vmax=most, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(visible=True, color=FAINT, linewidth=0.5)
