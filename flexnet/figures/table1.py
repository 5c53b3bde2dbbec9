"""Table 1 of the Flexible Layer paper: the nineteen corruptions by category, with their severities."""

from pathlib import Path
from typing import TYPE_CHECKING

from flexnet.corruptions.names import GROUPINGS, SYNTHETIC, original
from flexnet.families.registry import family_of
from flexnet.figures.curves import one_protocol
from flexnet.figures.facts import Facts, number_words
from flexnet.figures.notes import stamp_of
from flexnet.figures.typeset import Block, Column, Line, Sheet, setters
from flexnet.tables.columns import described_by
from flexnet.tables.frames import read_checked

if TYPE_CHECKING:
    import pandas as pd

NAME = "table1"


def read(path: str | Path) -> "pd.DataFrame":
    """Read the constants of the corruptions.

    Raises:
        DataError: if the table is missing or has other columns.
    """
    return read_checked(path, described_by(family_of("constants")))


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """The constants as they are."""
    return rows


def _sheet(table: "pd.DataFrame", facts: Facts) -> Sheet:
    """A block for each category, a line for each corruption, a column for each severity."""
    part = one_protocol(table, facts)
    levels = sorted(set(part["level"]))
    heads = (Column("corruption", "Corruption"), Column("constants", "Constants"))
    columns = (*heads, *(Column(str(level), str(level), "Severity") for level in levels))
    blocks = []
    for category in GROUPINGS["flexible-layer"]:
        own = part[part["category"] == category]
        lines = tuple(_line(own[own["kind"] == kind], kind, levels) for kind in dict.fromkeys(own["kind"]))
        blocks += [Block(category.capitalize(), lines)] if lines else []
    return Sheet(columns, tuple(blocks), _notes(part, facts))


def _line(part: "pd.DataFrame", kind: str, levels: list[int]) -> Line:
    """One corruption: what its constants are called, and all of them at each severity."""
    names = list(dict.fromkeys(part["constant"]))
    cells = []
    for level in levels:
        values = part[part["level"] == level].set_index("constant")["value"]
        cells.append("; ".join(number_words(float(f"{values[name]:.3g}")) for name in names))
    words = original(kind).replace("_", " ") + ("*" if kind in SYNTHETIC.values() else "")
    return Line(kind, (words, "; ".join(names), *cells))


def _notes(part: "pd.DataFrame", facts: Facts) -> tuple[str, ...]:
    size = int(part["size"].iloc[0])
    synthetic = (
        "* with a synthesised texture of frost." if set(part["kind"]) & set(SYNTHETIC.values()) else ""
    )
    return tuple(
        filter(None, (f"For images of {size} × {size} pixels. {stamp_of(facts)}".strip(), synthetic))
    )


draw, body = setters(_sheet)
