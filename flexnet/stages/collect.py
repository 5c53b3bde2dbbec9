"""Stage `collect`: the rows of all models and seeds of a figure in one tidy table.

Cells are joined as they are written, so that no number is rounded on its way.
"""

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flexnet.errors import ConfigError, DataError
from flexnet.files import write_rows
from flexnet.tables.columns import CONDITIONS, EVALUATED, PROTOCOLS
from flexnet.tables.values import Table, read_values

FRONT = ("figure", "protocol", "series", "model", "seed")
Row = dict[str, str]
Key = tuple[Any, ...]


def collect(figure: str, protocol: str, series: Mapping[str, Sequence[str]]) -> list[Row]:
    """Join tables, labelling each row with figure, protocol and series.

    Args:
        figure: name of the figure.
        protocol: name of the protocol; rows of other protocols are left out.
        series: label of each series and the CSV files of its seeds.

    Raises:
        DataError: if a table is damaged or not what it should be, has no such row or other columns than
            the first, a row occurs twice in a series, or a seed lacks a condition that another seed has.
    """
    tables = {name: [read_values(path, EVALUATED) for path in paths] for name, paths in series.items()}
    _check_columns([table for found in tables.values() for table in found])
    joined: list[Row] = []
    for name, found in tables.items():
        _check_conditions(name, found, protocol)
        label = {"figure": figure, "protocol": protocol, "series": name}
        joined += [label | row for table in found for row in _texts(table, protocol)]
    return joined


def _wanted(table: Table, protocol: str) -> list[int]:
    """Rows under the protocol, from 0; a table without protocols serves all."""
    protocols = table.values.get("protocol")
    wanted = [row for row in range(len(table.cells.rows)) if protocols is None or protocols[row] == protocol]
    if not wanted:
        raise DataError(
            f"{table.cells.path}: expected rows under the {protocol} protocol; got none, but those of "
            f"{sorted(set(protocols or ()))}; check the path, or make the table again"
        )
    return wanted


def _texts(table: Table, protocol: str) -> Iterator[Row]:
    """Rows under the protocol as text, without the protocol."""
    for row in _wanted(table, protocol):
        cells = dict(zip(table.cells.names, table.cells.rows[row], strict=True))
        cells.pop("protocol", None)
        yield cells


def _check_columns(tables: Sequence[Table]) -> None:
    """All tables of a figure have the same columns, in whatever order."""
    for table in tables:
        different = (set(table.values) ^ set(tables[0].values)) - {"protocol"}
        if different:
            raise DataError(
                f"{table.cells.path}: expected the columns of {tables[0].cells.path}; got a difference in "
                f"{sorted(different)}; give the figure tables of one kind"
            )


def _check_conditions(series: str, tables: Sequence[Table], protocol: str) -> None:
    """Every seed was seen once under each condition: a table that was cut between two rows is noticed."""
    conditions: dict[Key, set[Key]] = {}
    places: dict[Key, str] = {}
    for table in tables:
        seeds, seen = table.keys(["model", "seed"]), table.keys(list(CONDITIONS))
        for row in _wanted(table, protocol):
            found = conditions.setdefault(seeds[row], set())
            if seen[row] in found:
                raise DataError(
                    f"{table.cells.path}: expected every row once in series {series!r}; got this one twice: "
                    f"{table.cells.place(row)}; name each file once, and remove the repeated row"
                )
            found.add(seen[row])
            places[seeds[row]] = table.cells.path
    names = [name for name in CONDITIONS if name in tables[0].values]
    _compare_seeds(series, names, conditions, places)


def _compare_seeds(
    series: str, names: Sequence[str], conditions: Mapping[Key, set[Key]], places: Mapping[Key, str]
) -> None:
    expected = set().union(*conditions.values())
    for seed, found in conditions.items():
        if lacking := sorted(expected - found):
            first = dict(zip(names, lacking[0], strict=True))
            raise DataError(
                f"{places[seed]}: expected {seed} under every condition of the other seeds of {series!r}; "
                f"got {len(found)} of {len(expected)}, without {first}; the table was cut, or made under "
                "other settings: restore it or make it again"
            )


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Write the joined rows.

    Settings: `figure`, `protocol`, `series` (label: list of CSV files).

    Raises:
        ConfigError: if the protocol is unknown, or the series are not given as lists of files.
        DataError: as `collect`.
    """
    series = settings["series"]
    if settings["protocol"] not in PROTOCOLS:
        raise ConfigError(f"protocol: expected one of {list(PROTOCOLS)}; got {settings['protocol']!r}")
    if not (isinstance(series, dict) and series and all(map(_is_list_of_files, series.values()))):
        raise ConfigError(f"series: expected each label with a list of CSV files; got {series!r}")
    rows = collect(settings["figure"], settings["protocol"], series)
    columns = [*FRONT, *(name for name in rows[0] if name not in FRONT)]
    write_rows(files.output, columns, rows)


def _is_list_of_files(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(path, str) for path in value)
