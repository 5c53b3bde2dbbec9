"""Stage `collect`: the rows of all models and seeds of a figure in one tidy table, and what was run for it.

Cells are joined as they are written, so that no number is rounded on its way.
"""

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flexnet.data.manifest import read_manifest
from flexnet.data.subset_file import read_subset
from flexnet.errors import ConfigError, DataError
from flexnet.families.base import Family
from flexnet.families.registry import conditions, family_of
from flexnet.files import write_rows
from flexnet.statistics.pairs import pair_columns
from flexnet.tables.columns import CONDITIONS, MEASURES, rows_of
from flexnet.tables.facts import facts_from_runs, facts_path, write_facts
from flexnet.tables.values import Table, read_values
from flexnet.weights import read_metadata

FRONT = ("figure", "protocol", "series", "model", "seed")
UNKNOWN = "none"  # of a condition in words that a family does not know and that has no plain value
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


def collect_several(
    found: Mapping[str, Mapping[str, Sequence[str]]], figure: str, protocol: str
) -> list[Row]:
    """Join tables of several families, labelling each row with its family as well.

    A row is at the plain values of the conditions that its family does not know; its cells are empty for what
    its family does not measure, or "none" where that is text.

    Args:
        found: family -> files by series, as for `collect`.
        figure: name of the figure.
        protocol: name of the protocol.

    Raises:
        DataError: as `collect`, and if a condition that one family alone knows has no plain value.
    """
    joined = [
        {"family": name} | row
        for name, series in found.items()
        for row in collect(family_of(name), figure, protocol, series)
    ]
    columns = dict.fromkeys(column for row in joined for column in row)
    usual = {column: _usual(column) for column in columns}
    return [{column: row.get(column, usual[column]) for column in columns} for row in joined]


def _usual(column: str) -> str:
    """What stands in a column for rows of families that do not have it."""
    condition = conditions().get(column)
    if condition is None:
        return UNKNOWN if column in MEASURES and MEASURES[column].of is str else ""
    if condition.repeat:
        return "0"
    if condition.plain is None and condition.kind.of is not str:
        raise DataError(
            f"expected a plain value of the condition {column!r}; got none; show its family alone"
        )
    return UNKNOWN if condition.plain is None else str(condition.plain)


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
    """Write the joined rows, and beside them the facts of the runs behind them.

    Settings: `family`, `figure`, `protocol`, `series` (label: list of CSV files), `also` (of a figure of
    several families: family: series), and what facts are made of: `band` and `space` of the protocol, and
    `runs` (label: list of `weights`, `subset`, `manifests`, `title`). With `paired`, a series, rows tell how
    many images each network and that series' alone were right about.

    Raises:
        ConfigError: if the family is unknown, or the series are not given as lists of files.
        DataError: as `collect`.
    """
    series = settings["series"]
    if not (isinstance(series, dict) and series and all(map(_is_list_of_files, series.values()))):
        raise ConfigError(f"series: expected each label with a list of CSV files; got {series!r}")
    names = settings["figure"], settings["protocol"]
    if "also" in settings:
        rows = collect_several({settings["family"]: series, **settings["also"]}, *names)
    else:
        rows = collect(family_of(settings["family"]), *names, series)
    runs = {name: [told_by(**run) for run in found] for name, found in settings["runs"].items()}
    facts = facts_from_runs(*names, settings["band"], settings["space"], runs)
    write_facts(facts_path(files.output), facts)
    if "paired" in settings:
        pairs = pair_columns(family_of(settings["family"]), series, settings["paired"])
        rows = [row | pair for row, pair in zip(rows, pairs, strict=True)]
    columns = [*FRONT, *(name for name in rows[0] if name not in FRONT)]
    write_rows(files.output, columns, rows)


def told_by(weights: str, subset: str, manifests: Sequence[str], title: str) -> dict[str, Any]:
    """What a run says of itself, as `facts_from_runs` wants it.

    Args:
        weights: its weights file, whose metadata are read.
        subset: the file of its images.
        manifests: those of the splits that the images are from.
        title: what captions call the images.

    Raises:
        DataError: if a file is missing or damaged.
    """
    splits = [read_manifest(path) for path in manifests]
    return {
        "metadata": read_metadata(weights),
        "subset": read_subset(subset),
        "title": title,
        "content": [split["content"] for split in splits],
        "classes": len(splits[0]["classes"]),
    }


def _is_list_of_files(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(path, str) for path in value)
