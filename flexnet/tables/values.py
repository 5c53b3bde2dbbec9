"""Reading CSV tables with a check against their declared columns: one reader for every table.

A table that is not what it claims to be stops here, with the name of the file, the column, and the row
with its line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flexnet.errors import DataError
from flexnet.tables.cells import Cells, read_cells, shown
from flexnet.tables.columns import CONDITIONS, COUNTS, Schema
from flexnet.tables.kinds import Kind, Value

# Accuracies are written with all their digits, so that one answer more or less never passes as rounding.
ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Table:
    """A checked table: its cells as they are written, and the values of each column."""

    cells: Cells
    values: dict[str, list[Value]]

    def keys(self, names: Sequence[str]) -> list[tuple[Value, ...]]:
        """The values of some columns, row by row; columns that the table lacks are left out."""
        known = [self.values[name] for name in names if name in self.values]
        return list(zip(*known, strict=True))


def read_values(path: str | Path, schema: Schema) -> Table:
    """Read the CSV file at `path` and check its columns and every cell against `schema`.

    Raises:
        DataError: if the file is missing, cut, empty or no CSV in UTF-8, a column is missing, unknown or
            there twice, a cell is not of its column's kind, an accuracy is not correct / n,
            or a row occurs twice.
    """
    cells = read_cells(path)
    _check_names(cells, schema)
    if not cells.rows:
        raise DataError(f"{path}: expected at least one row; got none; check the jobs that feed this table")
    table = Table(cells, {name: _column(cells, name, schema.columns[name]) for name in cells.names})
    if set(COUNTS) <= set(table.values):
        _check_counts(table)
    _check_unique(table, schema)
    return table


def _check_names(cells: Cells, schema: Schema) -> None:
    missing = [name for name in schema.required if name not in cells.names]
    if missing:
        raise DataError(
            f"{cells.path}: expected the column {missing[0]!r}; got {shown(cells.lines[0])}; check that this "
            "is the right file, or make the table again"
        )
    unknown = [name for name in cells.names if name not in schema.columns]
    if unknown:
        raise DataError(
            f"{cells.path}: unknown column {unknown[0]!r}; known are {list(schema.columns)}; "
            "remove or declare it"
        )


def _column(cells: Cells, name: str, kind: Kind) -> list[Value]:
    values: list[Value] = []
    for text in cells.column(name):
        try:
            values.append(kind.read(text))
        except ValueError:
            got = f"expected {kind.expected(name)}; got {text!r}"
            raise DataError(f"{cells.path}: {got} in {cells.place(len(values))}; correct that row") from None
    return values


def _check_counts(table: Table) -> None:
    for row, counts in enumerate(table.keys(list(COUNTS))):
        n, correct, accuracy = map(float, counts)
        # Compared so that an accuracy of NaN is wrong too.
        if not (correct <= n and abs(accuracy - correct / n) <= ROUNDING):
            raise DataError(
                f"{table.cells.path}: expected accuracy = correct / n; got {counts[2]} for "
                f"{counts[1]} of {counts[0]} ({table.cells.place(row)}); accuracies are fractions, "
                "not per cent, and never rounded"
            )


def _check_unique(table: Table, schema: Schema) -> None:
    seen: dict[tuple[Any, ...], int] = {}
    for row, key in enumerate(table.keys([*schema.key, *CONDITIONS] if schema.key else table.cells.names)):
        if key in seen:
            raise DataError(
                f"{table.cells.path}: expected every row once; got {key} twice, in "
                f"{table.cells.place(seen[key])} and {table.cells.place(row)}; remove the repeated row"
            )
        seen[key] = row
