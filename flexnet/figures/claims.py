"""The papers' claims against what was measured: one block per claim, one line per protocol and comparison."""

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from flexnet.errors import DataError
from flexnet.figures.facts import Facts
from flexnet.figures.look import FAINT, INK, column_figure, journal
from flexnet.figures.palette import BLUE, GREEN, ORANGE, PURPLE, VERMILLION

if TYPE_CHECKING:
    import pandas as pd

NAME = "claims"
VERDICT_COLOURS: Final = {
    "reproduced": GREEN,
    "partly": BLUE,
    "undecided": "#6E6E6E",
    "contradicted": VERMILLION,
    "at chance": PURPLE,
    "not measured": FAINT,
    "no evidence": "#6E6E6E",
}
VERDICT_MARKERS: Final = {
    "reproduced": "o",
    "partly": "s",
    "undecided": "D",
    "contradicted": "X",
    "no evidence": "o",
}
# The words of a comparison, and the one that only a summary of several has.
SUMMARY_COLOURS: Final = {**VERDICT_COLOURS, "mixed": ORANGE}
SHADE = "#F0EBDD"
WIDTH_MM, LINE_MM, MARGIN_MM = 130.0, 3.6, 26.0
# Where the summary stands right of the axes, in points: beyond the longest verdict.
SUMMARY_LEFT = 52


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Keep the claims of which something was measured, each with all its comparisons, in the ledger's order.

    Args:
        rows: a ledger as read by `flexnet.claims.ledger.read_ledger`.

    Raises:
        DataError: if nothing was measured.
    """
    measured = rows["n"] > 0
    if not measured.any():
        raise DataError("expected at least one measured claim; got none; make the rows of a figure first")
    shown = measured.groupby([rows["paper"], rows["id"], rows["protocol"]]).transform("any")
    return rows[shown].reset_index(drop=True)


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw each measured effect with its 95 % interval beside the paper's value and the claimed side.

    All protocols of the table are shown; one panel per unit. Of a scale that is no evidence only the
    measurements are drawn.
    """
    table = _labelled(summarise_rows(table))
    units = list(dict.fromkeys(table["unit"]))
    blocks = [_blocks(table[table["unit"] == unit]) for unit in units]
    lines = [sum(len(block) + 1 for block in panel) for panel in blocks]
    with journal():
        height = MARGIN_MM * (1 + 0.5 * (len(units) - 1)) + LINE_MM * sum(lines)
        figure = column_figure(height, WIDTH_MM)
        panels = figure.subplots(len(units), 1, squeeze=False, height_ratios=lines)[:, 0]
        for axes, panel, unit in zip(panels, blocks, units, strict=True):
            _draw_panel(axes, panel, unit, facts)
        _legend(figure, facts)
        demonstration = "" if facts.evidence else ", a demonstration: no verdicts"
        title = f"{facts.scale} scale{demonstration}"
        panels[0].set_title(title, loc="right", fontsize=6, color=FAINT, pad=3)
    return figure


def _labelled(table: "pd.DataFrame") -> "pd.DataFrame":
    """What each claim is called: its id, after its paper where there are several, whose ids may agree."""
    labels = table["id"] if table["paper"].nunique() == 1 else table["paper"] + "  " + table["id"]
    return table.assign(label=labels)


def _blocks(table: "pd.DataFrame") -> list["pd.DataFrame"]:
    """The lines of each claim, protocol by protocol."""
    return [block for _, block in table.groupby(["paper", "id"], sort=False)]


def _draw_panel(axes: Axes, blocks: list["pd.DataFrame"], unit: str, facts: Facts) -> None:
    axes.set_xlim(*_limits(blocks))
    ticks: list[float] = []
    labels: list[str] = []
    top = 0.0
    for block in blocks:
        _shade(axes, block, top)
        # Zero is drawn beside the effects only, so that it does not run through the headings.
        axes.vlines(0.0, top + 0.95, top + len(block) + 0.9, color=INK, linewidth=0.6, zorder=1)
        first = block.iloc[0]
        _write(axes, f"{first['label']}  {first['title']}", 0.0, top + 0.5, INK)
        places = top + 1.4 + np.arange(len(block))
        for y, (_, row) in zip(places, block.iterrows(), strict=True):
            _draw_effect(axes, row, float(y), facts)
        if facts.evidence:
            _summaries(axes, block, top + 1.4)
        ticks.extend(places.tolist())
        labels.extend(f"{row['comparison']}   {row['protocol']}" for _, row in block.iterrows())
        top += len(block) + 1
    axes.set_ylim(top + 0.1, -0.1)
    axes.set_yticks(ticks, labels, fontsize=6)
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


def _draw_effect(axes: Axes, row: "pd.Series[float]", y: float, facts: Facts) -> None:
    word = str(row["verdict"])
    colour = VERDICT_COLOURS[word]
    effect, low, high = (float(row[name]) for name in ("measured_value", "low", "high"))
    if not np.isnan(low):
        axes.plot([low, high], [y, y], color=colour, linewidth=1.3, solid_capstyle="butt", gid="interval")
    if not np.isnan(effect):
        marker = VERDICT_MARKERS[word]
        axes.plot([effect], [y], marker=marker, color=colour, markersize=4.0, gid=str(row["label"]))
    theirs = float(row["paper_value"])
    if facts.evidence and not np.isnan(theirs):
        axes.plot([theirs], [y], marker="d", color=INK, fillstyle="none", markersize=4.5, gid="paper")
    if facts.evidence:
        _write(axes, word, 1.0, y, colour)
    elif np.isnan(effect) and int(row["n"]) > 0:
        _write(axes, "at chance", 1.0, y, colour)  # no verdict, but why there is nothing to see


def _summaries(axes: Axes, block: "pd.DataFrame", y: float) -> None:
    """Beside the verdicts, what they come to under each protocol, where a claim has several comparisons."""
    for _, part in block.groupby("protocol", sort=False):
        if len(part) > 1:
            word = str(part["summary"].iloc[0])
            _write(axes, f"claim: {word}", 1.0, y, SUMMARY_COLOURS[word], shift=SUMMARY_LEFT, weight="bold")
        y += len(part)


def _write(
    axes: Axes, text: str, x: float, y: float, colour: str, *, shift: float = 3, weight: str = "normal"
) -> None:
    """Small text at a fraction `x` of the axes' width and the line `y`, some points to the right."""
    axes.annotate(
        text,
        (x, y),
        xycoords=("axes fraction", "data"),
        xytext=(shift, 0),
        textcoords="offset points",
        va="center_baseline",
        color=colour,
        fontsize=6.5,
        fontweight=weight,
    )


def _limits(blocks: list["pd.DataFrame"]) -> tuple[float, float]:
    columns = ["paper_value", "measured_value", "low", "high", "claimed_low", "claimed_high"]
    numbers = np.concatenate([block[columns].to_numpy(dtype=float).ravel() for block in blocks])
    finite = np.concatenate([numbers[np.isfinite(numbers)], [0.0]])
    pad = 0.08 * max(float(np.ptp(finite)), 1e-6)
    return float(finite.min()) - pad, float(finite.max()) + pad


def _legend(figure: Figure, facts: Facts) -> None:
    """What is drawn, then the words that it may have with their markers."""
    handles: list[Artist] = [
        Line2D([], [], color=INK, marker="o", markersize=4, linewidth=1.3, label="measured, 95 %")
    ]
    colours = [INK]
    if facts.evidence:
        theirs = Line2D([], [], color=INK, marker="d", fillstyle="none", markersize=4.5, label="paper")
        theirs.set_linestyle("none")
        words = [word for word in SUMMARY_COLOURS if word != "no evidence"]
        handles += [theirs, Patch(color=SHADE, label="claimed side"), *map(_word_handle, words)]
        colours += [INK, INK, *(SUMMARY_COLOURS[word] for word in words)]
    figure.legend(handles=handles, labelcolor=colours, loc="outside upper center", ncols=4)


def _word_handle(word: str) -> Line2D:
    marker, colour = VERDICT_MARKERS.get(word, ""), SUMMARY_COLOURS[word]
    return Line2D([], [], color=colour, marker=marker, markersize=4, linestyle="none", label=word)
