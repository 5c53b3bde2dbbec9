"""Reading CSV tables with a check against their declared columns.

A table that is not what it claims to be stops here, with the name of the file and of the column.
"""

from pathlib import Path

import pandas as pd
from pandas.api.types import is_integer_dtype, is_numeric_dtype

from flexnet.errors import DataError
from flexnet.statistics.columns import CONDITIONS, PROTOCOLS, ROWS, SUMMARY, Schema

# A published table may hold accuracies rounded to four digits: half a unit of the last one is 5e-5.
ROUNDING = 1e-4


def read_rows(path: str | Path) -> pd.DataFrame:
    """Read the rows of a figure: one row per series, model, seed and condition.

    Raises:
        DataError: if the file is missing or empty, a column is missing, unknown or of the wrong kind,
            a protocol is unknown, an accuracy is not correct / n, or a row occurs twice.
    """
    rows = read_checked(path, ROWS)
    _check_protocols(rows, path)
    _check_counts(rows, path)
    _check_unique(rows, ["figure", "protocol", "series", "model", "seed"], path)
    return rows


def read_table(path: str | Path) -> pd.DataFrame:
    """Read the summary table of a figure: one row per series and condition, with n, mean and interval.

    Raises:
        DataError: if the file is missing or empty, a column is missing, unknown or of the wrong kind,
            a protocol is unknown, or a row occurs twice.
    """
    table = read_checked(path, SUMMARY)
    _check_protocols(table, path)
    _check_unique(table, ["figure", "protocol", "series"], path)
    return table


def read_checked(path: str | Path, schema: Schema) -> pd.DataFrame:
    """Read the CSV file at `path` and check its columns and their kinds against `schema`.

    Raises:
        DataError: if the file is missing, unreadable or empty, or does not have the schema's columns.
    """
    table = _read_csv(path, schema)
    missing = [name for name in schema.required if name not in table.columns]
    if missing:
        raise DataError(
            f"{path}: expected the column {missing[0]!r}; got {list(table.columns)}; make it again"
        )
    unknown = [name for name in table.columns if name not in schema.columns]
    if unknown:
        raise DataError(
            f"{path}: unknown column {unknown[0]!r}; known are {list(schema.columns)}; remove or declare it"
        )
    if table.empty:
        raise DataError(f"{path}: expected at least one row; got none; check the jobs that feed this table")
    for name in table.columns:
        _check_kind(table[name], schema.columns[name], path)
    return table


def _read_csv(path: str | Path, schema: Schema) -> pd.DataFrame:
    text = {name: str for name, kind in schema.columns.items() if kind is str}
    try:
        # Only these mark an empty cell: a series may be called "None" or "NA".
        return pd.read_csv(path, dtype=text, keep_default_na=False, na_values=["", "nan", "NaN"])
    except FileNotFoundError:
        raise DataError(f"{path}: expected a table here; found no file; run the step that makes it") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as problem:
        raise DataError(f"{path}: expected a CSV table; {problem}; make the file again") from problem


def _check_kind(column: "pd.Series[float]", kind: type, path: str | Path) -> None:
    wrong = not is_numeric_dtype(column) if kind is float else column.isna().any()
    if kind is int:
        wrong = wrong or not is_integer_dtype(column)
    if wrong:
        words = {str: "text", int: "whole numbers", float: "numbers"}[kind]
        raise DataError(
            f"{path}: expected {words} in every row of column {column.name!r}; got {column.tolist()[:3]}...; "
            "make the file again"
        )


def _check_protocols(table: pd.DataFrame, path: str | Path) -> None:
    unknown = sorted(set(table["protocol"]) - set(PROTOCOLS))
    if unknown:
        raise DataError(
            f"{path}: unknown protocol {unknown[0]!r}; known are {list(PROTOCOLS)}; correct the table"
        )


def _check_counts(rows: pd.DataFrame, path: str | Path) -> None:
    wrong = rows[~((rows["accuracy"] - rows["correct"] / rows["n"]).abs() <= ROUNDING)]
    if not wrong.empty:
        first = wrong.iloc[0]
        raise DataError(
            f"{path}: expected accuracy = correct / n; got {first['accuracy']} for {first['correct']} of "
            f"{first['n']} (line {int(wrong.index[0]) + 2}); accuracies are fractions, not per cent"
        )


def _check_unique(table: pd.DataFrame, identity: list[str], path: str | Path) -> None:
    keys = [*identity, *(name for name in CONDITIONS if name in table.columns)]
    repeated = table.duplicated(keys)
    if repeated.any():
        first = table.loc[repeated, keys].iloc[0].to_dict()
        raise DataError(f"{path}: expected every row once; got {first} twice; remove the repeated rows")
