"""Stage `collect`: the rows of all models and seeds of a figure in one tidy table.

Cells are joined as they are written, so that no number is rounded on its way.
"""

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flexnet.errors import ConfigError, DataError
from flexnet.families.base import Family
from flexnet.families.registry import family_of
from flexnet.files import write_rows
from flexnet.tables.columns import CONDITIONS, rows_of
from flexnet.tables.values import Table, read_values

FRONT = ("figure", "protocol", "series", "model", "seed")
Row = dict[str, str]
Key = tuple[Any, ...]


def collect(family: Family, figure: str, protocol: str, series: Mapping[str, Sequence[str]]) -> list[Row]:
    """Join tables, labelling each row with figure, protocol and series.

    Args:
        family: whose rows they are.
        figure: name of the figure.
        protocol: name of the protocol.
        series: label of each series and the CSV files of its seeds.

    Raises:
        DataError: if a table is damaged or not one of the family's, holds rows of another protocol, a row
            occurs twice in a series, or a seed lacks a condition that another seed has.
    """
    schema = rows_of(family)
    tables = {name: [read_values(path, schema) for path in paths] for name, paths in series.items()}
    joined: list[Row] = []
    for name, found in tables.items():
        for table in found:
            _check_protocol(table, protocol)
        _check_conditions(name, found)
        label = {"figure": figure, "protocol": protocol, "series": name}
        joined += [label | row for table in found for row in _texts(table)]
    return joined


def _check_protocol(table: Table, protocol: str) -> None:
    """Rows are of the protocol; those without one, such as of training, serve all."""
    found = set(table.values.get("protocol", [protocol]))
    if found != {protocol}:
        raise DataError(
            f"{table.cells.path}: expected rows under the {protocol} protocol; got those of "
            f"{sorted(map(str, found))}; check the path, or make the table again"
        )


def _texts(table: Table) -> Iterator[Row]:
    """Rows as text, without the protocol."""
    for texts in table.cells.rows:
        cells = dict(zip(table.cells.names, texts, strict=True))
        cells.pop("protocol", None)
        yield cells


def _check_conditions(series: str, tables: Sequence[Table]) -> None:
    """Every seed was seen once under each condition: a table that was cut between two rows is noticed."""
    conditions: dict[Key, set[Key]] = {}
    places: dict[Key, str] = {}
    for table in tables:
        seeds, seen = table.keys(["model", "seed"]), table.keys(list(CONDITIONS))
        for row in range(len(table.cells.rows)):
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

    Settings: `family`, `figure`, `protocol`, `series` (label: list of CSV files).

    Raises:
        ConfigError: if the family is unknown, or the series are not given as lists of files.
        DataError: as `collect`.
    """
    series = settings["series"]
    if not (isinstance(series, dict) and series and all(map(_is_list_of_files, series.values()))):
        raise ConfigError(f"series: expected each label with a list of CSV files; got {series!r}")
    rows = collect(family_of(settings["family"]), settings["figure"], settings["protocol"], series)
    columns = [*FRONT, *(name for name in rows[0] if name not in FRONT)]
    write_rows(files.output, columns, rows)


def _is_list_of_files(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(path, str) for path in value)
