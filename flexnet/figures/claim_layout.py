"""Where everything stands in the figure of the claims, in millimetres of its page."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations
from typing import TYPE_CHECKING, Final

from flexnet.figures.claim_table import minus
from flexnet.figures.look import PAGE_MM
from flexnet.figures.words import width_of, wrapped

if TYPE_CHECKING:
    import pandas as pd

MARGIN_MM, GAP_MM, TOP_MM = 1.5, 2.4, 17.0
HEAD_MM, LINE_MM, TICKS_MM, BETWEEN_MM = 4.2, 3.5, 4.2, 1.2
N_MM, WORD_MM = 4.5, 20.0  # beside each axis: the number of seeds, and the verdict with its mark
PAGE_HEIGHT_MM = 247.0  # what a page of A4 has room for
HEAD: Final = 6.5  # size of type
LABELS_MM, AXIS_MM = 36.0, 120.0  # the widest that labels and axes become


@dataclass(frozen=True)
class Columns:
    """Where the columns of the page are, in millimetres."""

    labels: float
    axis: float
    protocols: tuple[str, ...]

    def left(self, protocol: str) -> float:
        """Left edge of the axes of a protocol."""
        place = self.protocols.index(protocol)
        return MARGIN_MM + self.labels + GAP_MM + place * (self.axis + N_MM + WORD_MM + GAP_MM)

    @property
    def right(self) -> float:
        """Right edge of all."""
        return self.left(self.protocols[-1]) + self.axis + N_MM + WORD_MM


@dataclass(frozen=True)
class Block:
    """One claim: its rows, and its words in lines: the title, each comparison, the images with the unit."""

    rows: "pd.DataFrame"
    title: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    images: tuple[str, ...]

    @property
    def comparisons(self) -> list[str]:
        """Its comparisons in order; a protocol may lack some."""
        return list(dict.fromkeys(self.rows["comparison"]))

    @property
    def lines(self) -> int:
        """How many lines its comparisons take."""
        return sum(map(len, self.labels))

    def place(self, comparison: str) -> float:
        """The line of a comparison, counted from 0, with its middle at a half."""
        before = self.labels[: self.comparisons.index(comparison)]
        return sum(map(len, before)) + len(self.labels[len(before)]) / 2

    @property
    def head(self) -> float:
        """Height of the title in millimetres."""
        return HEAD_MM + LINE_MM * (len(self.title) - 1)

    @property
    def height(self) -> float:
        """Height in millimetres."""
        under = max(TICKS_MM, LINE_MM * len(self.images))
        return self.head + LINE_MM * self.lines + under + BETWEEN_MM


def columns_of(table: "pd.DataFrame") -> Columns:
    """Place the columns; the axes share what is left of a page's width."""
    protocols = tuple(dict.fromkeys(table["protocol"]))
    labels = min(LABELS_MM, max(width_of(minus(text)) for text in set(table["comparison"])) + 0.5)
    room = PAGE_MM - 2 * MARGIN_MM - labels
    axis = min(AXIS_MM, room / len(protocols) - N_MM - WORD_MM - GAP_MM)
    return Columns(labels, axis, protocols)


def block_of(rows: "pd.DataFrame", columns: Columns) -> Block:
    """Set the words of one claim in lines."""
    comparisons = dict.fromkeys(rows["comparison"])
    # The title goes as far as the first axis: beyond stands the word for the claim.
    room = columns.left(columns.protocols[0]) + columns.axis - after_label(rows)
    return Block(
        rows,
        tuple(wrapped(str(rows["title"].iloc[0]), room, HEAD)),
        tuple(tuple(wrapped(minus(text), columns.labels)) for text in comparisons),
        tuple(wrapped(_images(rows), columns.labels)),
    )


def parts_of(blocks: Sequence[Block], room: float) -> list[list[Block]]:
    """The claims in their order on as few pages of so many millimetres as hold them, about equally full.

    A claim that needs more has a page to itself.
    """
    few = _filled(blocks, room)
    ends = [0.0, *accumulate(block.height for block in blocks)]
    # The fullest page holds its share at least.
    share = ends[-1] / len(few) - 1e-6
    spans = sorted(span for start, end in combinations(ends, 2) if (span := end - start) >= share)
    pages = (_filled(blocks, span + 1e-6) for span in spans)
    return next((found for found in pages if len(found) == len(few)), few)


def _filled(blocks: Sequence[Block], room: float) -> list[list[Block]]:
    """As many claims together as fit, one at least."""
    parts: list[list[Block]] = [[]]
    for block in blocks:
        if parts[-1] and sum(each.height for each in [*parts[-1], block]) > room:
            parts.append([])
        parts[-1].append(block)
    return parts


def after_label(rows: "pd.DataFrame") -> float:
    """Where the title of a claim begins; its label is bold, which is wider."""
    return MARGIN_MM + 1.12 * width_of(f"{rows['label'].iloc[0]}  ", HEAD)


def _images(rows: "pd.DataFrame") -> str:
    """The images, and the unit where it is not points."""
    data = dict.fromkeys(str(name) for name in rows["dataset"] if name)
    unit = str(rows["unit"].iloc[0])
    return ", ".join([*([" and ".join(data)] if data else []), *([unit] if unit != "points" else [])])
