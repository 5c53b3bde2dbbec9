"""Setting a table as a figure, with the rules of a printed one, and as Markdown.

Columns are as wide as their text. A cell's text carries "<line> <column>" as its gid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from flexnet.figures.facts import Facts
from flexnet.figures.look import COLUMN_MM, INK, PAGE_MM, SMALL, WIDE_MM, column_figure, journal
from flexnet.figures.notes import NOTE_MM
from flexnet.figures.words import width_of, wrapped

if TYPE_CHECKING:
    import pandas as pd

# A wider table is as wide as it must be.
PAGE_WIDTHS_MM: Final = (COLUMN_MM, WIDE_MM, PAGE_MM)
LINE_MM, MARGIN_MM, GAP_MM = 4.3, 1.5, 3.2
PAD_MM = 0.8  # above and below what is drawn in a cell
SIZE: Final = 7.0
HEAVY, LIGHT = 0.9, 0.5

Box = tuple[float, float, float, float]  # left, bottom, width, height, as shares of the page


@dataclass(frozen=True)
class Column:
    """One column: its key, its head (lines), and the head that it shares with its neighbours, if any."""

    key: str
    head: str
    group: str = ""


@dataclass(frozen=True)
class Line:
    """One line: its key, one text per column, and how many lines it is tall."""

    key: str
    cells: tuple[str, ...]
    tall: int = 1


@dataclass(frozen=True)
class Block:
    """Lines below a heading of their own; the heading may be empty."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Sheet:
    """A table ready to be set. `notes` stand below it, in small print."""

    columns: tuple[Column, ...]
    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = ()


def draw_sheet(sheet: Sheet) -> Figure:
    """Set a table: rules above, below and under the heads, its notes in small print."""
    with journal():
        lefts, width = _layout(sheet)
        notes = [line for note in sheet.notes for line in wrapped(note, width - 2 * MARGIN_MM)]
        height = _height(sheet, len(notes))
        page = _Page(column_figure(height, width), width, height)
        top = _heads(page, sheet, lefts, MARGIN_MM)
        for block in sheet.blocks:
            top = _block(page, sheet, block, lefts, top)
        page.rule(MARGIN_MM, width - MARGIN_MM, top, HEAVY)
        for place, note in enumerate(notes):
            page.text(note, MARGIN_MM, top + NOTE_MM * (place + 0.8), SMALL)
    return page.figure


def cells_of(sheet: Sheet) -> dict[tuple[str, str], Box]:
    """Where the cells lie on the page of `draw_sheet`, by line and column, without the gaps between them."""
    with journal():
        lefts, width = _layout(sheet)
        notes = sum(len(wrapped(note, width - 2 * MARGIN_MM)) for note in sheet.notes)
    height, found = _height(sheet, notes), {}
    rights = [*(left - GAP_MM for left in lefts[1:]), width - MARGIN_MM]
    top = MARGIN_MM + LINE_MM * _head_lines(sheet)
    for block in sheet.blocks:
        top += LINE_MM * bool(block.heading)
        for line in block.lines:
            tall = LINE_MM * line.tall
            for column, left, right in zip(sheet.columns, lefts, rights, strict=True):
                bottom = 1.0 - (top + tall - PAD_MM) / height
                box = (left / width, bottom, (right - left) / width, (tall - 2 * PAD_MM) / height)
                found[line.key, column.key] = box
            top += tall
    return found


def setters(
    make: Callable[["pd.DataFrame", Facts], Sheet],
) -> tuple[Callable[["pd.DataFrame", Facts], Figure], Callable[["pd.DataFrame", Facts], str]]:
    """The functions `draw` and `body` of a figure module that is a table, from what makes its sheet."""

    def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
        """Set the table as a figure.

        Raises:
            DataError: if the table has no row of the facts' protocol.
        """
        return draw_sheet(make(table, facts))

    def body(table: "pd.DataFrame", facts: Facts) -> str:
        """The same table in Markdown."""
        return markdown(make(table, facts))

    return draw, body


def markdown(sheet: Sheet) -> str:
    """The same table in Markdown; a shared head stands before each of its columns' heads."""
    heads = [
        ", ".join(part for part in (column.group, *column.head.split("\n")) if part)
        for column in sheet.columns
    ]
    rows = [heads, ["---"] * len(heads)]
    for block in sheet.blocks:
        if block.heading:
            rows.append([f"**{block.heading}**", *[""] * (len(heads) - 1)])
        rows.extend(list(line.cells) for line in block.lines)
    return "\n".join("| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in rows)


@dataclass(frozen=True)
class _Page:
    """A figure that is written on in millimetres from its upper left corner."""

    figure: Figure
    width: float
    height: float

    def text(self, text: str, left: float, top: float, size: float = SIZE, **options: Any) -> None:
        """Write text at a point, left of it unless told otherwise."""
        look = {"va": "center_baseline", "color": INK, "fontsize": size, **options}
        self.figure.text(left / self.width, 1.0 - top / self.height, text, **look)

    def rule(self, left: float, right: float, top: float, weight: float) -> None:
        """Draw a horizontal line of some weight in points."""
        y = 1.0 - top / self.height
        ends = [left / self.width, right / self.width]
        self.figure.add_artist(Line2D(ends, [y, y], color=INK, linewidth=weight, gid="rule"))


def _layout(sheet: Sheet) -> tuple[list[float], float]:
    """Left edges of the columns and width of the page, in mm; the gaps share what is left over."""
    widths = [max(width_of(text, SIZE) for text in texts) for texts in _texts_by_column(sheet)]
    for group, places in _groups(sheet):
        spare = width_of(group, SIZE) - sum(widths[place] for place in places) - GAP_MM * (len(places) - 1)
        widths[places[-1]] += max(0.0, spare) if group else 0.0
    natural = sum(widths) + GAP_MM * (len(widths) - 1) + 2 * MARGIN_MM
    page = min((width for width in PAGE_WIDTHS_MM if width >= natural), default=natural)
    gap = GAP_MM + (page - natural) / max(1, len(widths) - 1)
    return [MARGIN_MM + sum(widths[:place]) + gap * place for place in range(len(widths))], page


def _height(sheet: Sheet, notes: int) -> float:
    """Height of the page in mm with so many lines of notes."""
    lines = _head_lines(sheet)
    lines += sum(bool(block.heading) + sum(line.tall for line in block.lines) for block in sheet.blocks)
    return 2 * MARGIN_MM + NOTE_MM * (notes + 0.3) + LINE_MM * lines


def _texts_by_column(sheet: Sheet) -> list[list[str]]:
    lines = [line for block in sheet.blocks for line in block.lines]
    return [
        [*column.head.split("\n"), *(line.cells[place] for line in lines)]
        for place, column in enumerate(sheet.columns)
    ]


def _groups(sheet: Sheet) -> list[tuple[str, list[int]]]:
    """Shared heads in order, each with the places of its columns."""
    places = groupby(range(len(sheet.columns)), key=lambda place: sheet.columns[place].group)
    return [(group, list(found)) for group, found in places]


def _head_lines(sheet: Sheet) -> int:
    longest = max(column.head.count("\n") for column in sheet.columns) + 1
    return longest + any(column.group for column in sheet.columns)


def _heads(page: _Page, sheet: Sheet, lefts: list[float], top: float) -> float:
    right, under = page.width - MARGIN_MM, top + LINE_MM * _head_lines(sheet)
    page.rule(MARGIN_MM, right, top, HEAVY)
    for group, places in _groups(sheet):
        if group:
            after = places[-1] + 1
            end = lefts[after] - GAP_MM if after < len(lefts) else right
            page.text(group, lefts[places[0]], top + LINE_MM / 2)
            page.rule(lefts[places[0]], end, top + LINE_MM, LIGHT)
    for column, left in zip(sheet.columns, lefts, strict=True):
        for place, line in enumerate(reversed(column.head.split("\n"))):
            page.text(line, left, under - LINE_MM * (place + 0.5))
    page.rule(MARGIN_MM, right, under, LIGHT)
    return under


def _block(page: _Page, sheet: Sheet, block: Block, lefts: list[float], top: float) -> float:
    if block.heading:
        page.text(block.heading, MARGIN_MM, top + LINE_MM / 2, style="italic")
        top += LINE_MM
    for line in block.lines:
        for column, cell, left in zip(sheet.columns, line.cells, lefts, strict=True):
            page.text(cell, left, top + LINE_MM * line.tall / 2, gid=f"{line.key} {column.key}")
        top += LINE_MM * line.tall
    return top


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\u2007", "")
