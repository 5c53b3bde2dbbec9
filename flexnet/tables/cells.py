"""The cells of a CSV file as text, each row with its line in the file; nothing is guessed or mended.

A file that was cut, edited into another format or encoded otherwise stops here. Meaning comes later: see
`flexnet.tables.values`.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flexnet.errors import DataError

_BYTE_ORDER_MARKS: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_SHOWN: Final = 160  # characters of a line that a message shows


@dataclass(frozen=True)
class Cells:
    """A table of text.

    Attributes:
        path: the file.
        names: its columns.
        rows: the cells of each row, as many as there are columns.
        numbers: the line of each row, as an editor counts, from 1.
        lines: all lines of the file without their ends.
    """

    path: str
    names: list[str]
    rows: list[list[str]]
    numbers: list[int]
    lines: list[str]

    def column(self, name: str) -> list[str]:
        """The cells of one column."""
        place = self.names.index(name)
        return [row[place] for row in self.rows]

    def place(self, row: int) -> str:
        """Where a row (from 0) is and what it holds, for a message."""
        return f"line {self.numbers[row]}: {shown(self.lines[self.numbers[row] - 1])}"


def shown(line: str) -> str:
    """A line as a message shows it: in quotes, cut where it is long."""
    return repr(line if len(line) <= _SHOWN else line[:_SHOWN] + "...")


def read_cells(path: str | Path) -> Cells:
    """Read a CSV file: UTF-8, cells parted by commas, one line of names, every line with a line end.

    A byte-order mark at the start and line ends of Windows are allowed.

    Raises:
        DataError: if the file is missing, no text in UTF-8, cut, or a line has not one cell for each column.
    """
    lines = _lines(path)
    records = _records(path, lines)
    _, names = next(records)
    _check_names(path, names, lines[0])
    rows, numbers = [], []
    for number, row in records:
        if len(row) != len(names):
            raise DataError(
                f"{path}: expected {len(names)} cells in every line, as many as there are columns; got "
                f"{len(row)} in line {number}: {shown(lines[number - 1])}; restore that line"
            )
        rows.append(row)
        numbers.append(number)
    return Cells(str(path), names, rows, numbers, lines)


def _lines(path: str | Path) -> list[str]:
    content = _content(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        number = content.count(b"\n", 0, problem.start) + 1
        line = content.split(b"\n")[number - 1].decode("latin-1")
        raise DataError(
            f"{path}: expected a CSV table in UTF-8; got the byte 0x{content[problem.start]:02x} in line "
            f"{number}: {shown(line)}; save the file as UTF-8"
        ) from None
    if not text.endswith("\n"):
        last = text.rsplit("\n", 1)[-1]
        raise DataError(
            f"{path}: expected a line end behind the last line; got {shown(last)}; the file was cut: "
            "restore it or make the table again"
        )
    return text[:-1].split("\n")


def _content(path: str | Path) -> bytes:
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise DataError(
            f"{path}: expected a table here; found no file; check the path, or run the step that makes it"
        ) from None
    except (OSError, ValueError) as problem:
        raise DataError(f"{path}: expected a table here; got: {problem}; check the path") from None
    if not content.strip():
        raise DataError(f"{path}: expected a CSV table; the file is empty; restore it or make it again")
    foreign = _BYTE_ORDER_MARKS.get(content[:2])
    if foreign or b"\0" in content:
        kind = f"a file in {foreign}" if foreign else "a file with zero bytes, which is no text in UTF-8"
        raise DataError(f"{path}: expected a CSV table in UTF-8; got {kind}; check the path, or save it so")
    return content


def _records(path: str | Path, lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the cells of every record."""
    reader = csv.reader((line + "\n" for line in lines), strict=True)
    number = 1
    try:
        for row in reader:
            yield number, row
            number = reader.line_num + 1
    except csv.Error as problem:
        raise DataError(
            f"{path}: expected a CSV table; got: {problem}, in the row that begins in line {number}: "
            f"{shown(lines[number - 1])}; restore that line"
        ) from None


def _check_names(path: str | Path, names: Sequence[str], line: str) -> None:
    if len(names) == 1 and any(mark in line for mark in ";\t|"):
        raise DataError(
            f"{path}: expected a CSV table whose first line names its columns, with commas between; got "
            f"{shown(line)}; save it with commas"
        )
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated or "" in names:
        problem = f"{repeated[0]!r} twice" if repeated and repeated[0] else "a column without a name"
        raise DataError(f"{path}: expected every column once; got {problem}; rename or remove it")
