"""The papers' claims against what was measured: one block per claim, one line per protocol."""

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from flexnet.errors import DataError
from flexnet.figures.captions import Facts
from flexnet.figures.palette import BLUE, GREEN, VERMILLION
from flexnet.figures.style import FAINT, INK, column_figure, journal

if TYPE_CHECKING:
    import pandas as pd

NAME = "claims"
VERDICT_COLOURS: Final = {
    "reproduced": GREEN,
    "partly": BLUE,
    "undecided": "#6E6E6E",
    "contradicted": VERMILLION,
}
VERDICT_MARKERS: Final = {"reproduced": "o", "partly": "s", "undecided": "D", "contradicted": "X"}
SHADE = "#F0EBDD"
LINE_MM, MARGIN_MM = 4.6, 21.0


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Keep what was measured: the ledger's rows with an effect, in the ledger's order.

    Args:
        rows: a ledger as read by `flexnet.claims.ledger.read_ledger`.

    Raises:
        DataError: if nothing was measured.
    """
    measured = rows[rows["verdict"].isin(list(VERDICT_COLOURS))].reset_index(drop=True)
    if measured.empty:
        raise DataError("expected at least one measured claim; got none; make the rows of a figure first")
    return measured


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw each measured effect with its 95 % interval beside the paper's value and the claimed side.

    All protocols of the table are shown; one panel per unit.
    """
    table = summarise_rows(table)
    units = list(dict.fromkeys(table["unit"]))
    blocks = [_blocks(table[table["unit"] == unit]) for unit in units]
    lines = [sum(len(block) + 1 for block in panel) for panel in blocks]
    with journal():
        figure = column_figure(MARGIN_MM * (1 + 0.5 * (len(units) - 1)) + LINE_MM * sum(lines))
        panels = figure.subplots(len(units), 1, squeeze=False, height_ratios=lines)[:, 0]
        for axes, panel, unit in zip(panels, blocks, units, strict=True):
            _draw_panel(axes, panel, unit)
        _legend(figure)
        panels[0].set_title(f"{facts.scale} scale", loc="right", fontsize=6, color=FAINT, pad=3)
    return figure


def _blocks(table: "pd.DataFrame") -> list["pd.DataFrame"]:
    return [block for _, block in table.groupby(["paper", "id"], sort=False)]


def _draw_panel(axes: Axes, blocks: list["pd.DataFrame"], unit: str) -> None:
    axes.set_xlim(*_limits(blocks))
    ticks, labels, top = [], [], 0.0
    for block in blocks:
        _shade(axes, block, top)
        # Zero is drawn beside the effects only, so that it does not run through the headings.
        axes.vlines(0.0, top + 0.95, top + len(block) + 0.9, color=INK, linewidth=0.6, zorder=1)
        first = block.iloc[0]
        _write(axes, f"{first['id']}  {first['title']}", 0.0, top + 0.5, INK)
        for line, (_, row) in enumerate(block.iterrows(), start=1):
            _draw_effect(axes, row, top + line + 0.4)
            ticks.append(top + line + 0.4)
            labels.append(str(row["protocol"]))
        top += len(block) + 1
    axes.set_ylim(top + 0.1, -0.1)
    axes.set_yticks(ticks, labels)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("Accuracy difference (percentage points)" if unit == "points" else f"Effect ({unit})")


def _shade(axes: Axes, block: "pd.DataFrame", top: float) -> None:
    """The side that the paper claims, across the lines of one claim."""
    left, right = axes.get_xlim()
    low, high = float(block["claimed_low"].iloc[0]), float(block["claimed_high"].iloc[0])
    if not np.isnan(low):
        lines = [top + 0.95, top + len(block) + 0.9]
        axes.fill_betweenx(lines, max(low, left), min(high, right), color=SHADE, linewidth=0, zorder=0)


def _draw_effect(axes: Axes, row: "pd.Series[float]", y: float) -> None:
    word = str(row["verdict"])
    colour = VERDICT_COLOURS[word]
    effect, low, high = (float(row[name]) for name in ("measured_value", "low", "high"))
    if not np.isnan(low):
        axes.plot([low, high], [y, y], color=colour, linewidth=1.3, solid_capstyle="butt", gid="interval")
    axes.plot([effect], [y], marker=VERDICT_MARKERS[word], color=colour, markersize=4.5, gid=str(row["id"]))
    if not np.isnan(float(row["paper_value"])):
        axes.plot(
            [float(row["paper_value"])],
            [y],
            marker="d",
            color=INK,
            fillstyle="none",
            markersize=5,
            gid="paper",
        )
    _write(axes, word, 1.0, y, colour)


def _write(axes: Axes, text: str, x: float, y: float, colour: str) -> None:
    """Small text at a fraction `x` of the axes' width and the line `y`."""
    axes.annotate(
        text,
        (x, y),
        xycoords=("axes fraction", "data"),
        xytext=(3, 0),
        textcoords="offset points",
        va="center_baseline",
        color=colour,
        fontsize=7,
    )


def _limits(blocks: list["pd.DataFrame"]) -> tuple[float, float]:
    columns = ["paper_value", "measured_value", "low", "high"]
    numbers = np.concatenate([block[columns].to_numpy(dtype=float).ravel() for block in blocks])
    borders = np.concatenate(
        [block[["claimed_low", "claimed_high"]].to_numpy(dtype=float).ravel() for block in blocks]
    )
    finite = np.concatenate([numbers[np.isfinite(numbers)], borders[np.isfinite(borders)], [0.0]])
    pad = 0.08 * max(float(np.ptp(finite)), 1e-6)
    return float(finite.min()) - pad, float(finite.max()) + pad


def _legend(figure: Figure) -> None:
    handles = [
        Line2D([], [], color=INK, marker="o", markersize=4, linewidth=1.3, label="measured, 95 %"),
        Line2D(
            [], [], color=INK, marker="d", fillstyle="none", markersize=5, linestyle="none", label="paper"
        ),
        Patch(color=SHADE, label="claimed side"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
