"""A page for schematics: coordinates in millimetres from the top left corner, boxes, arrows and text."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.text import Text

from flexnet.figures.facts import Facts
from flexnet.figures.look import FAINT, INK, MM_PER_INCH, SMALL
from flexnet.figures.notes import stamp_of

Point = tuple[float, float]


def page(width_mm: float, height_mm: float) -> tuple[Figure, Axes]:
    """An empty figure and its axes, whose units are millimetres; y grows downwards."""
    # Not layout="none": matplotlib forgets that after the first of two saves and arranges the second.
    nothing = PlaceHolderLayoutEngine(adjust_compatible=True, colorbar_gridspec=True)
    figure = Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH), layout=nothing)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0.0, width_mm)
    axes.set_ylim(height_mm, 0.0)
    axes.set_axis_off()
    return figure, axes


def inset(axes: Axes, left: float, top: float, width: float, height: float) -> Axes:
    """Axes for a small plot, placed in millimetres of the page."""
    right, bottom = axes.get_xlim()[1], axes.get_ylim()[0]
    place = (left / right, 1 - (top + height) / bottom, width / right, height / bottom)
    return axes.figure.add_axes(place)


def write(axes: Axes, at: Point, text: str, **options: Any) -> Text:
    """Put small text at a point: left of its line and vertically centred unless told otherwise."""
    return axes.text(*at, text, **{"fontsize": SMALL, "va": "center_baseline", "color": INK, **options})


def box(axes: Axes, at: Point, size: Point, *, rounding: float = 0.6, **options: Any) -> None:
    """Draw a box with rounded corners from its top left corner and its width and height."""
    style = f"round,pad=0,rounding_size={rounding}"
    looks = {"linewidth": 0.6, "edgecolor": INK, **options}
    axes.add_patch(FancyBboxPatch(at, *size, boxstyle=style, **looks))


def arrow(axes: Axes, points: Sequence[Point], *, colour: str = INK, head: bool = True) -> None:
    """Draw straight pieces through `points`, with a head at the last one unless told otherwise."""
    style = "-|>,head_length=2.2,head_width=1.1" if head else "-"
    path = Path(list(points))
    axes.add_patch(
        FancyArrowPatch(path=path, arrowstyle=style, color=colour, linewidth=0.8, joinstyle="miter")
    )


def circle(axes: Axes, middle: Point, radius: float, text: str) -> None:
    """Draw a white circle with a short text."""
    axes.add_patch(Circle(middle, radius, facecolor="white", edgecolor=INK, linewidth=0.8))
    write(axes, middle, text, ha="center", fontsize=7)


def tint(colour: str, strength: float) -> str:
    """A colour thinned with white: strength 1 leaves it, 0 is white."""
    return mix("#FFFFFF", colour, strength)


def mix(first: str, second: str, share: float) -> str:
    """A colour between two, with this share (0 to 1) of the second."""
    red, green, blue = (a + (b - a) * share for a, b in zip(to_rgb(first), to_rgb(second), strict=True))
    return to_hex((red, green, blue))


def sign(axes: Axes, facts: Facts) -> None:
    """Say the protocol in the upper right corner, unless it is the paper's."""
    if text := stamp_of(facts):
        write(axes, (axes.get_xlim()[1] - 1.5, 2.2), text, ha="right", color=FAINT)
