"""Figure 1 of the push-pull paper: the layer, drawn with the maps of a real layer on a drawn object."""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexnet.figures.canvas import Point, arrow, circle, page, sign, write
from flexnet.figures.facts import Facts
from flexnet.figures.look import FAINT, TEXT, journal
from flexnet.figures.pushpull.maps import Maps, maps_of, picture, read, summarise_rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NAME", "draw", "read", "summarise_rows"]

NAME = "pushpull/fig1"
WIDTH_MM, HEIGHT_MM = 120.0, 70.0
SIDE, CELL = 21.0, 1.9  # of a map; of a pixel of a kernel
INPUT_X, KERNEL_X, MAP_X, OUTPUT_X = 2.0, 33.0, 65.0, 97.0
PUSH_Y, PULL_Y = 9.0, 43.0  # upper edges of the maps of both branches
MIDDLE_Y = (PUSH_Y + PULL_Y + SIDE) / 2
JOINT_X = 91.5


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw what the layer makes of an image: both kernels, both rectified responses, their difference.

    Raises:
        DataError: if the table has no row of the protocol.
    """
    maps = maps_of(table, facts)
    with journal():
        figure, axes = page(WIDTH_MM, HEIGHT_MM)
        _place(axes, (INPUT_X, MIDDLE_Y - SIDE / 2), maps, "image", "input $I$", signed=False)
        for y, name, kernel, response in (
            (PUSH_Y, "push", "push kernel $k$", "$\\lfloor k * I\\, \\rfloor_+$"),
            (PULL_Y, "pull", "pull kernel $-U_h(k)$", "$\\lfloor -U_h(k) * I\\, \\rfloor_+$"),
        ):
            side = CELL * len(maps[f"{name} kernel", 0.0])
            corner = KERNEL_X + (SIDE - side) / 2, y + (SIDE - side) / 2
            _place(axes, corner, maps, f"{name} kernel", kernel, side=side)
            _place(axes, (MAP_X, y), maps, name, response)
            _draw_branch(axes, y + SIDE / 2, corner[0], side, name)
        _place(axes, (OUTPUT_X, MIDDLE_Y - SIDE / 2), maps, "output", "output")
        circle(axes, (JOINT_X, MIDDLE_Y), 2.0, "\N{MINUS SIGN}")
        arrow(axes, [(JOINT_X + 2.0, MIDDLE_Y), (OUTPUT_X, MIDDLE_Y)])
        sign(axes, facts)
    return figure


def _place(
    axes: Axes, at: Point, maps: Maps, part: str, title: str, *, side: float = SIDE, signed: bool = True
) -> None:
    """A map with its title above and its size below."""
    values = maps[part, 0.0]
    picture(axes, at, side, values, signed=signed)
    middle = at[0] + side / 2
    write(axes, (middle, at[1] - 2.6), title, ha="center", fontsize=TEXT - 1)
    sizes = "\u00d7".join(map(str, values.shape))
    write(axes, (middle, at[1] + side + 2.2), sizes, ha="center", color=FAINT)


def _draw_branch(axes: Axes, y: float, kernel: float, side: float, name: str) -> None:
    """From the input to the kernel, from there to the response, and to the difference."""
    fork = INPUT_X + SIDE + 3.5
    arrow(axes, [(INPUT_X + SIDE, MIDDLE_Y), (fork, MIDDLE_Y), (fork, y), (kernel, y)])
    arrow(axes, [(kernel + side, y), (MAP_X, y)])
    end = MIDDLE_Y + (-2.0 if y < MIDDLE_Y else 2.0)
    arrow(axes, [(MAP_X + SIDE, y), (JOINT_X, y), (JOINT_X, end)])
    if name == "pull":
        circle(axes, (JOINT_X, (y + end) / 2 + 2.0), 2.0, "\N{GREEK SMALL LETTER ALPHA}")
