"""Figure 1: the Flexible Layer, drawn with the numbers of a real layer on a real image of one channel."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexnet.figures.canvas import Point, arrow, box, circle, inset, mix, page, sign, tint, write
from flexnet.figures.curves import one_protocol
from flexnet.figures.examples import read_example, whole
from flexnet.figures.facts import Facts
from flexnet.figures.look import FAINT, INK, journal
from flexnet.figures.palette import BLUE, GREEN, ORANGE

if TYPE_CHECKING:
    import pandas as pd

NAME = "fig1"
WIDTH_MM, HEIGHT_MM = 120.0, 88.0
PARTS: Final = ("input", "weight", "bias", "conv", "max", "threshold", "gate", "output", "sharpness")
CONV, MAX, LIMIT = tint(BLUE, 0.28), tint(ORANGE, 0.42), tint(GREEN, 0.25)
DARK_BLUE, DARK_ORANGE, DARK_GREEN = mix(BLUE, INK, 0.2), mix(ORANGE, INK, 0.45), mix(GREEN, INK, 0.3)

# Left edges of the columns and upper edges of the rows, in millimetres.
INPUT_X, KERNEL_X, MAP_X, OUTPUT_X = 2.0, 36.0, 62.6, 95.2
CONV_Y, MAX_Y, LIMIT_Y = 9.0, 36.5, 64.0
OUTPUT_Y = (CONV_Y + MAX_Y) / 2
MAP, PIXEL, WEIGHT = (7.6, 5.6), (5.0, 5.0), (6.2, 5.6)  # cells
JOINT_X = 90.3


@dataclass(frozen=True)
class Grid:
    """A matrix on the page: its values, the corner and the cells it is drawn with."""

    values: np.ndarray
    corner: Point
    cell: Point

    @property
    def size(self) -> Point:
        """Width and height in millimetres."""
        rows, columns = self.values.shape
        return columns * self.cell[0], rows * self.cell[1]

    @property
    def middle(self) -> Point:
        """The centre."""
        return self.corner[0] + self.size[0] / 2, self.corner[1] + self.size[1] / 2

    @property
    def end(self) -> Point:
        """The lower right corner."""
        return self.corner[0] + self.size[0], self.corner[1] + self.size[1]


def read(path: str | Path) -> "pd.DataFrame":
    """Read the numbers of the worked example.

    Raises:
        DataError: if the file is missing or is no such table.
    """
    return read_example(path, "worked")


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Check that the example is whole; its numbers are the figure's table.

    Raises:
        DataError: if a part of the example is missing.
    """
    return whole(rows, PARTS)


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw what the layer makes of an image, from pixels to output, and its gate against MAX.

    The first series of the facts' protocol is drawn; the unit whose gate is most undecided is outlined.

    Raises:
        DataError: if the table has no row of the protocol.
    """
    part = one_protocol(table, facts)
    part = part[part["series"] == part["series"].iloc[0]]
    parts = {str(name): _matrix(rows) for name, rows in part.groupby("part", sort=False)}
    rule = str(part["rule"].iloc[0])
    with journal():
        figure, axes = page(WIDTH_MM, HEIGHT_MM)
        grids = _grids(parts)
        unit = _most_undecided(parts["gate"])
        _draw_arrows(axes, grids)
        _draw_branches(axes, grids, float(parts["bias"][0, 0]))
        _draw_choice(axes, grids)
        _draw_equations(axes, grids, rule, float(parts["sharpness"][0, 0]))
        _outline(axes, grids, unit)
        _draw_gate(axes, parts, rule, unit)
        _write_unit(axes, parts, unit)
        sign(axes, facts)
    return figure


def _matrix(rows: "pd.DataFrame") -> np.ndarray:
    return rows.pivot(index="row", columns="column", values="value").to_numpy(dtype=float)


def _most_undecided(gate: np.ndarray) -> tuple[int, int]:
    row, column = np.unravel_index(np.abs(gate - 0.5).argmin(), gate.shape)
    return int(row), int(column)


def _grids(parts: dict[str, np.ndarray]) -> dict[str, Grid]:
    """Where each matrix goes; the input is centred between the two branches."""
    corners = {
        "weight": (KERNEL_X, CONV_Y),
        "conv": (MAP_X, CONV_Y),
        "max": (MAP_X, MAX_Y),
        "threshold": (MAP_X, LIMIT_Y),
        "gate": (OUTPUT_X, LIMIT_Y),
        "output": (OUTPUT_X, OUTPUT_Y),
    }
    grids = {
        name: Grid(parts[name], corner, WEIGHT if name == "weight" else MAP)
        for name, corner in corners.items()
    }
    top = grids["output"].middle[1] - parts["input"].shape[0] * PIXEL[1] / 2
    return {**grids, "input": Grid(parts["input"], (INPUT_X, top), PIXEL)}


def _draw_grid(axes: Axes, grid: Grid, colours: "np.ndarray | str", decimals: int, edge: str) -> None:
    """Draw cells with their numbers; `colours` is one for all, or one for each cell."""
    paint = np.broadcast_to(np.asarray(colours, dtype=object), grid.values.shape)
    for (i, j), value in np.ndenumerate(grid.values):
        corner = grid.corner[0] + j * grid.cell[0], grid.corner[1] + i * grid.cell[1]
        colour = str(paint[i, j])
        box(axes, corner, grid.cell, rounding=0.0, facecolor=colour, edgecolor="white", linewidth=0.8)
        middle = corner[0] + grid.cell[0] / 2, corner[1] + grid.cell[1] / 2
        ink = "white" if _is_dark(colour) else INK
        write(axes, middle, number(value, decimals), ha="center", color=ink)
    box(axes, grid.corner, grid.size, rounding=0.0, facecolor="none", edgecolor=edge, linewidth=0.8)


def number(value: float, decimals: int = 2) -> str:
    """A number with a true minus sign, and none before zero."""
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")


def _is_dark(colour: str) -> bool:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue < 128


def _title(axes: Axes, grid: Grid, name: str, sizes: str, colour: str) -> None:
    """The name of a matrix and its shape in general and in the example, above it."""
    x, y = grid.corner
    write(axes, (x, y - 5.3), name, fontsize=7, color=colour)
    rows, columns = grid.values.shape
    write(axes, (x, y - 2.0), f"{sizes} (1\u00d7{rows}\u00d7{columns})", color=FAINT)


def _draw_branches(axes: Axes, grids: dict[str, Grid], bias: float) -> None:
    """Input, kernel, the operation of pooling, and the maps of both branches."""
    pixels = grids["input"]
    greys = np.vectorize(lambda value: mix("#FFFFFF", "#202020", 1 - value))(pixels.values)
    _draw_grid(axes, pixels, greys, 1, INK)
    _title(axes, pixels, "input $x$", "C\u00d7H\u00d7W", INK)
    kernel = grids["weight"]
    _draw_grid(axes, kernel, tint(BLUE, 0.1), 1, BLUE)
    write(axes, (kernel.corner[0], kernel.corner[1] - 5.3), "weights $w$", fontsize=7, color=DARK_BLUE)
    write(axes, (kernel.corner[0], kernel.corner[1] - 2.0), _kernel_shape(kernel.values), color=FAINT)
    write(axes, (kernel.middle[0], kernel.end[1] + 2.4), f"$w * x + b$,  $b$ = {number(bias)}", ha="center")
    corner = kernel.corner[0], MAX_Y
    box(axes, corner, kernel.size, rounding=1.5, facecolor=MAX, edgecolor=ORANGE, linewidth=0.8)
    for shift, text in ((-3.0, "maximum"), (0.0, "of the same"), (3.0, "window")):
        write(axes, (kernel.middle[0], MAX_Y + kernel.size[1] / 2 + shift), text, ha="center")
    _draw_grid(axes, grids["conv"], CONV, 2, BLUE)
    _draw_grid(axes, grids["max"], MAX, 2, ORANGE)
    sizes = "C\u2032\u00d7H\u2032\u00d7W\u2032"
    _title(axes, grids["conv"], "convolution $f_\\mathrm{conv}$", sizes, DARK_BLUE)
    _title(axes, grids["max"], "pooling $f_\\mathrm{MAX}$", sizes, DARK_ORANGE)


def _kernel_shape(weights: np.ndarray) -> str:
    return f"C\u2032\u00d7C\u00d7{weights.shape[0]}\u00d7{weights.shape[1]}"


def _draw_choice(axes: Axes, grids: dict[str, Grid]) -> None:
    """Thresholds, gate and output; the latter two are coloured by the branch that each unit takes."""
    sizes = "C\u2032\u00d7H\u2032\u00d7W\u2032"
    _draw_grid(axes, grids["threshold"], LIMIT, 2, GREEN)
    _title(axes, grids["threshold"], "threshold $T$", sizes, DARK_GREEN)
    chosen = np.vectorize(lambda share: mix(CONV, MAX, share))(grids["gate"].values)
    for name, title in (("gate", "gate $g$"), ("output", "output $y$")):
        _draw_grid(axes, grids[name], chosen, 2, INK)
        _title(axes, grids[name], title, sizes, INK)


def _draw_arrows(axes: Axes, grids: dict[str, Grid]) -> None:
    """From the input through both branches to the output, and from MAX and T to the gate."""
    source, kernel, output, gate = (grids[name] for name in ("input", "weight", "output", "gate"))
    fork = (source.end[0] + kernel.corner[0]) / 2
    arrow(axes, [(source.end[0], source.middle[1]), (fork, source.middle[1])], head=False)
    for name, colour, side in (("conv", BLUE, -1), ("max", ORANGE, 1)):
        y = grids[name].middle[1]
        arrow(axes, [(fork, source.middle[1]), (fork, y), (kernel.corner[0], y)], colour=colour)
        arrow(axes, [(kernel.end[0], y), (MAP_X, y)], colour=colour)
        into = output.middle[1] + side * output.cell[1]
        arrow(
            axes,
            [(grids[name].end[0], y), (JOINT_X, y), (JOINT_X, into), (OUTPUT_X, into)],
            colour=colour,
        )
    pooled, limit = grids["max"], grids["threshold"]
    y = limit.middle[1]
    arrow(axes, [(JOINT_X, pooled.middle[1]), (JOINT_X, y - 2.0)], colour=ORANGE)
    arrow(axes, [(limit.end[0], y), (JOINT_X - 2.0, y)], colour=GREEN)
    arrow(axes, [(JOINT_X + 2.0, y), (OUTPUT_X, y)])
    arrow(axes, [(gate.end[0] - 1.4, gate.corner[1]), (gate.end[0] - 1.4, output.end[1])])


def _draw_equations(axes: Axes, grids: dict[str, Grid], rule: str, sharpness: float) -> None:
    """Eq. (1) of the paper, split at the gate; the comparison between MAX and T."""
    less = rule == "below"
    circle(axes, (JOINT_X, grids["threshold"].middle[1]), 2.0, "<" if less else ">")
    inside = "T - f_\\mathrm{MAX}" if less else "f_\\mathrm{MAX} - T"
    gate = f"$g = \\sigma\\,({sharpness:g}\\,({inside}))$"
    right = grids["gate"].end[0]
    write(axes, (right, grids["gate"].end[1] + 3.2), gate, ha="right", fontsize=6.5)
    output = "$y = g\\,f_\\mathrm{MAX} + (1 - g)\\,f_\\mathrm{conv}$"
    write(axes, (right, OUTPUT_Y - 10.0), output, ha="right", fontsize=6.5)


def _outline(axes: Axes, grids: dict[str, Grid], unit: tuple[int, int]) -> None:
    """Outline one unit everywhere, and its window in the input."""
    for name in ("conv", "max", "threshold", "gate", "output"):
        _frame(axes, grids[name], unit, 1, INK, 1.4)
    side = len(grids["weight"].values)
    _frame(axes, grids["input"], unit, side, "white", 3.0)
    _frame(axes, grids["input"], unit, side, INK, 1.4)


def _frame(axes: Axes, grid: Grid, first: tuple[int, int], side: int, colour: str, width: float) -> None:
    """A frame around `side` times `side` cells from `first` on."""
    corner = grid.corner[0] + first[1] * grid.cell[0], grid.corner[1] + first[0] * grid.cell[1]
    size = side * grid.cell[0], side * grid.cell[1]
    box(axes, corner, size, rounding=0.0, facecolor="none", edgecolor=colour, linewidth=width)


def _draw_gate(axes: Axes, parts: dict[str, np.ndarray], rule: str, unit: tuple[int, int]) -> None:
    """The gate against how far MAX lies above the threshold, under both rules."""
    small = inset(axes, 9.0, 60.5, 20.0, 17.5)
    x = -parts["curve difference"][0]
    other = "above" if rule == "below" else "below"
    curve = parts[f"curve {rule}"][0]
    small.fill_between(x, 0, curve, color=MAX, linewidth=0)
    small.fill_between(x, curve, 1, color=CONV, linewidth=0)
    small.plot(x, parts[f"curve {other}"][0], color=FAINT, linewidth=0.7, linestyle=(0, (3, 1.5)), gid=other)
    small.plot(x, curve, color=INK, gid=rule)
    place = parts["max"][unit] - parts["threshold"][unit]
    small.plot([place], [parts["gate"][unit]], "o", color=INK, markersize=3.5, gid="unit")
    small.set_xlim(x.min(), x.max())
    small.set_ylim(-0.03, 1.03)
    small.set_xticks([-0.2, 0, 0.2], ["\u22120.2", "0", "0.2"], fontsize=6)
    small.set_yticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=6)
    small.set_xlabel("$f_\\mathrm{MAX} - T$", fontsize=6, labelpad=1)
    small.set_ylabel("gate $g$", fontsize=6, labelpad=1)
    sides = (("MAX", DARK_ORANGE), ("conv", DARK_BLUE))
    for place, (text, colour) in zip((-0.13, 0.13), sides if rule == "below" else sides[::-1], strict=True):
        small.text(place, 0.5, text, fontsize=6, color=colour, ha="center", va="center")


def _write_unit(axes: Axes, parts: dict[str, np.ndarray], unit: tuple[int, int]) -> None:
    """The arithmetic of the outlined unit."""
    conv, pooled, limit, gate, output = (
        number(float(parts[name][unit])) for name in ("conv", "max", "threshold", "gate", "output")
    )
    plus = "+" if float(parts["conv"][unit]) >= 0 else ""
    rest = number(1 - float(parts["gate"][unit]))
    lines = (
        ("outlined unit", FAINT),
        (f"$f_\\mathrm{{conv}}$ = {conv}", DARK_BLUE),
        (f"$f_\\mathrm{{MAX}}$ = {pooled}", DARK_ORANGE),
        (f"$T$ = {limit}", DARK_GREEN),
        (f"$g$ = {gate}", INK),
        (f"$y$ = {gate} \u00b7 {pooled}", INK),
        (f"   {plus}{conv} \u00b7 {rest} = {output}", INK),
    )
    for line, (text, colour) in enumerate(lines):
        write(axes, (36.0, 61.2 + 3.5 * line), text, color=colour)
