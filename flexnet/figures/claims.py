"""The papers' claims against what was measured: a claim below the other, a column per protocol.

Each claim has an axis of its own, the same under all protocols; each comparison has a line, with its number
of training seeds and its verdict.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from flexnet.errors import DataError
from flexnet.figures.canvas import inset, page, write
from flexnet.figures.claim_effects import both_seeds, interval_of
from flexnet.figures.claim_layout import (
    HEAD,
    HEAD_MM,
    LINE_MM,
    MARGIN_MM,
    N_MM,
    PAGE_HEIGHT_MM,
    TICKS_MM,
    TOP_MM,
    Block,
    Columns,
    after_label,
    block_of,
    columns_of,
    parts_of,
)
from flexnet.figures.claim_table import claims_sheet
from flexnet.figures.facts import Facts
from flexnet.figures.look import FAINT, INK, MM_PER_INCH, journal
from flexnet.figures.notes import NOTE_MM
from flexnet.figures.typeset import markdown
from flexnet.figures.verdict_marks import COLOURS, EXPLAINED, MARKERS
from flexnet.figures.words import wrapped

if TYPE_CHECKING:
    import pandas as pd

NAME = "claims"
Look: TypeAlias = dict[str, Any]
SHADE: Final = "#F0EBDD"


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Keep the claims of which something was measured, each with all its comparisons, in the ledger's order.

    Args:
        rows: a ledger as read by `flexnet.claims.ledger.read_ledger`; it may have a column `dataset`, what
            captions call the images of each row.

    Returns:
        The same columns, with `dataset`, and `label`: what a claim is called, its id, after its paper where
        there are several, whose ids may agree.

    Raises:
        DataError: if nothing was measured.
    """
    measured = rows["n"] > 0
    if not measured.any():
        raise DataError("expected at least one measured claim; got none; make the rows of a figure first")
    shown = measured.groupby([rows["paper"], rows["id"], rows["protocol"]]).transform("any")
    table = rows[shown].sort_values(["paper", "id"], kind="stable").reset_index(drop=True)
    labels = table["id"] if table["paper"].nunique() == 1 else table["paper"] + "  " + table["id"]
    return table.assign(dataset=table.get("dataset", ""), label=labels)


def body(table: "pd.DataFrame", facts: Facts) -> str:
    """The same in words, as Markdown."""
    return markdown(claims_sheet(table, facts))


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Draw each measured effect with its 95 % interval beside the paper's value and the claimed side.

    All protocols of the table are shown. Of a scale that is no evidence only the measurements are drawn.
    """
    return _drawn(table, facts, math.inf)[0]


def draw_pages(table: "pd.DataFrame", facts: Facts) -> list[Figure]:
    """The same, on as many pages as can be read on paper."""
    return _drawn(table, facts, PAGE_HEIGHT_MM)


def _drawn(table: "pd.DataFrame", facts: Facts, room: float) -> list[Figure]:
    """The claims on pages with so many millimetres each."""
    if "label" not in table:
        table = summarise_rows(table)
    with journal():
        columns = columns_of(table)
        blocks = [block_of(rows, columns) for _, rows in table.groupby(["paper", "id"], sort=False)]
        notes = wrapped(_note(table, facts), columns.right - MARGIN_MM)
        rest = room - TOP_MM - NOTE_MM * (len(notes) + 0.5)
        return [_page(table, part, columns, notes, facts) for part in parts_of(blocks, rest)]


def _page(
    table: "pd.DataFrame", blocks: Sequence[Block], columns: Columns, notes: Sequence[str], facts: Facts
) -> Figure:
    height = TOP_MM + sum(block.height for block in blocks) + NOTE_MM * (len(notes) + 0.5)
    figure, axes = page(columns.right + MARGIN_MM, height)
    _heads(axes, columns, facts)
    top = TOP_MM
    for block in blocks:
        _draw_block(axes, block, columns, top, facts)
        top += block.height
    for place, line in enumerate(notes):
        write(axes, (MARGIN_MM, top + NOTE_MM * (place + 0.5)), line)
    _legends(figure, table, facts)
    return figure


def _note(table: "pd.DataFrame", facts: Facts) -> str:
    """What the picture cannot show by itself."""
    kind = "" if facts.evidence else ", a demonstration: no verdicts"
    told = [
        f"{facts.scale[:1].upper()}{facts.scale[1:]} scale{kind}.",
        "Lines: 95 % t interval of the mean effect over training seeds; n: their number.",
        "Each claim has an axis of its own, in percentage points of accuracy unless it says another unit.",
    ]
    if (table["n"] == 2).any():
        told.append("Small dots: two seeds, which give no interval that can be read.")
    if facts.evidence:
        told.append("Bold: the word for a claim that is about several comparisons.")
    return " ".join(told)


def _heads(axes: Axes, columns: Columns, facts: Facts) -> None:
    y = TOP_MM - 2.2
    for protocol in columns.protocols:
        left = columns.left(protocol)
        write(axes, (left + columns.axis / 2, y), f"{protocol} protocol", ha="center", fontsize=7)
        write(axes, (left + columns.axis + N_MM, y), "n", ha="right", color=FAINT)
        if facts.evidence:
            write(axes, (left + columns.axis + N_MM + 1.5, y), "verdict", color=FAINT)


def _draw_block(axes: Axes, block: Block, columns: Columns, top: float, facts: Facts) -> None:
    _name_block(axes, block, columns, top)
    limits, middle = _limits(block.rows), top + block.head
    for protocol, rows in block.rows.groupby("protocol", sort=False):
        left = columns.left(str(protocol))
        small = inset(axes, left, middle, columns.axis, LINE_MM * block.lines)
        _style_axis(small, block, limits)
        for _, row in rows.iterrows():
            line = block.place(str(row["comparison"]))
            _draw_effect(small, row, line, facts)
            _write_row(axes, row, (left + columns.axis, middle + LINE_MM * line), facts)
        if facts.evidence and len(rows) > 1:
            word = str(rows["summary"].iloc[0])
            _write_word(axes, word, (left + columns.axis + N_MM, top + HEAD_MM / 2), weight="bold")


def _name_block(axes: Axes, block: Block, columns: Columns, top: float) -> None:
    """What is claimed, what is compared, and on which images."""
    middle, label = top + HEAD_MM / 2, str(block.rows["label"].iloc[0])
    write(axes, (MARGIN_MM, middle), label, fontweight="bold", fontsize=HEAD)
    for place, line in enumerate(block.title):
        write(axes, (after_label(block.rows), middle + LINE_MM * place), line, fontsize=HEAD)
    right, y = MARGIN_MM + columns.labels, top + block.head + LINE_MM / 2
    for place, line in enumerate(line for lines in block.labels for line in lines):
        write(axes, (right, y + LINE_MM * place), line, ha="right")
    y += LINE_MM * block.lines + (TICKS_MM - LINE_MM) / 2
    for place, line in enumerate(block.images):
        write(axes, (right, y + LINE_MM * place), line, ha="right", color=FAINT)


def _limits(rows: "pd.DataFrame") -> tuple[float, float]:
    """The range of a claim's axis: all that is drawn on it, and zero."""
    shown = [*rows["paper_value"], *rows["measured_value"], *rows["claimed_low"], *rows["claimed_high"], 0.0]
    for _, row in rows.iterrows():
        shown += [*(interval_of(row) or ()), *(both_seeds(row) or ())]
    finite = np.array([value for value in shown if np.isfinite(value)], dtype=float)
    pad = 0.08 * max(float(np.ptp(finite)), 1e-6)
    return float(finite.min()) - pad, float(finite.max()) + pad


def _style_axis(small: Axes, block: Block, limits: tuple[float, float]) -> None:
    small.set_xlim(*limits)
    small.set_ylim(block.lines, 0.0)
    small.set_yticks([])
    small.spines["left"].set_visible(False)
    small.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    small.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "\N{MINUS SIGN}"))
    small.tick_params(axis="x", labelsize=5.5, pad=1.2, length=1.8)
    small.axvline(0.0, color=INK, linewidth=0.5, zorder=1)
    low, high = (float(block.rows[name].iloc[0]) for name in ("claimed_low", "claimed_high"))
    if not np.isnan(low):
        small.axvspan(
            max(low, limits[0]), min(high, limits[1]), color=SHADE, linewidth=0, zorder=0, gid="claimed"
        )


def _draw_effect(small: Axes, row: "pd.Series[Any]", y: float, facts: Facts) -> None:
    word, effect = str(row["verdict"]), float(row["measured_value"])
    colour = COLOURS[word]
    if interval := interval_of(row):
        small.plot(interval, [y, y], color=colour, linewidth=1.2, solid_capstyle="butt", gid="interval")
    if seeds := both_seeds(row):
        small.plot(seeds, [y, y], "o", color=colour, markersize=1.8, markeredgewidth=0, gid="seeds")
    theirs = float(row["paper_value"])
    if facts.evidence and not np.isnan(theirs):
        small.plot([theirs], [y], "d", color=INK, fillstyle="none", markersize=4.5, gid="paper")
    if not np.isnan(effect):
        look: Look = {
            "marker": MARKERS[word],
            "markersize": 4.0,
            "markeredgewidth": 0.4,
            "markeredgecolor": "white",
        }
        small.plot([effect], [y], color=colour, gid=str(row["label"]), zorder=3, **look)


def _write_row(axes: Axes, row: "pd.Series[Any]", at: tuple[float, float], facts: Facts) -> None:
    """Beside the axis: the number of seeds, and the verdict."""
    x, y = at
    if int(row["n"]) > 0:
        write(axes, (x + N_MM, y), str(row["n"]), ha="right")
    if facts.evidence:
        _write_word(axes, str(row["verdict"]), (x + N_MM, y))
    elif np.isnan(float(row["measured_value"])) and int(row["n"]) > 0:
        _write_word(axes, "at chance", (x + N_MM, y))  # no verdict, but why there is nothing to see


def _write_word(axes: Axes, word: str, at: tuple[float, float], *, weight: str = "normal") -> None:
    """A verdict with its mark, right of a point."""
    colour = COLOURS[word]
    look: Look = {"color": colour, "markersize": 3.0, "markeredgewidth": 0.8}
    axes.plot([at[0] + 2.2], [at[1]], MARKERS[word], gid="mark", **look)
    write(axes, (at[0] + 3.8, at[1]), word, color=colour, fontweight=weight)


def _legends(figure: Figure, table: "pd.DataFrame", facts: Facts) -> None:
    """Above all: what is drawn, then every verdict with its mark."""
    drawn: list[Artist] = [_handle("measured, 95 % interval", "o", INK, linewidth=1.2)]
    if (table["n"] == 2).any():
        drawn.append(_handle("two training seeds", "o", INK, markersize=1.8))
    if facts.evidence:
        drawn += [_handle("paper", "d", INK, fillstyle="none"), Patch(color=SHADE, label="claimed side")]
    _legend(figure, drawn, [INK] * len(drawn), 1.0)
    if facts.evidence:
        words = [_handle(word, MARKERS[word], COLOURS[word]) for word in EXPLAINED]
        _legend(figure, words, [COLOURS[word] for word in EXPLAINED], 6.0)


def _legend(figure: Figure, handles: Sequence[Artist], colours: Sequence[str], top: float) -> None:
    height = figure.get_figheight() * MM_PER_INCH
    place = (MARGIN_MM / (figure.get_figwidth() * MM_PER_INCH), 1 - top / height)
    looks: Look = {"ncols": len(handles), "loc": "upper left", "bbox_to_anchor": place, "borderaxespad": 0.0}
    figure.legend(handles=handles, labelcolor=colours, handlelength=1.6, columnspacing=1.6, **looks)


def _handle(label: str, marker: str, colour: str, **looks: Any) -> Line2D:
    look: Look = {"linestyle": "-" if "linewidth" in looks else "none", "markersize": 4.0, **looks}
    return Line2D([], [], color=colour, marker=marker, label=label, **look)
