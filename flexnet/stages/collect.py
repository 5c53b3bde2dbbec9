"""Stage `collect`: the rows of all models and seeds of a figure in one tidy table."""

import csv
from argparse import Namespace
from pathlib import Path
from typing import Any

from flexnet.errors import DataError
from flexnet.files import write_rows

FRONT = ("figure", "protocol", "series", "model", "seed")


def _rows(path: str) -> list[dict[str, str]]:
    try:
        with Path(path).open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    except OSError as error:
        raise DataError(f"{path}: expected a table of evaluated rows; got: {error}") from error
    if not rows:
        raise DataError(f"{path}: expected at least one row; got none; delete it and run again")
    return rows


def collect(figure: str, protocol: str, series: dict[str, list[str]]) -> list[dict[str, str]]:
    """Join tables, labelling each row with figure, protocol and series.

    Args:
        figure: name of the figure.
        protocol: name of the protocol; rows of other protocols are left out.
        series: label of each series and the CSV files of its seeds.

    Raises:
        DataError: if a table is missing or empty, or has no such row.
    """
    label = {"figure": figure, "protocol": protocol}
    joined = []
    for name, paths in series.items():
        for path in paths:
            found = [row for row in _rows(path) if row.get("protocol", protocol) == protocol]
            if not found:
                raise DataError(
                    f"{path}: expected rows under the {protocol} protocol; got none; make the table again"
                )
            joined += [
                {**label, "series": name, **{k: row[k] for k in row if k != "protocol"}} for row in found
            ]
    return joined


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Write the joined rows.

    Settings: `figure`, `protocol`, `series` (label: list of CSV files).

    Raises:
        DataError: if a table is missing, empty or has no row that is wanted.
    """
    rows = collect(settings["figure"], settings["protocol"], settings["series"])
    columns = [*FRONT, *(name for name in rows[0] if name not in FRONT)]
    write_rows(files.output, columns, rows)
