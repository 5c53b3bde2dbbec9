"""Checked tables as data frames: see `flexnet.tables.values` for the checks."""

from pathlib import Path

import pandas as pd

from flexnet.tables.columns import ROWS, Schema
from flexnet.tables.values import read_values


def read_rows(path: str | Path) -> pd.DataFrame:
    """Read the rows of a figure: one row per series, model, seed and condition.

    Raises:
        DataError: as `read_values`.
    """
    return read_checked(path, ROWS)


def read_checked(path: str | Path, schema: Schema) -> pd.DataFrame:
    """Read the CSV file at `path` as a data frame, checked like `read_values`.

    Raises:
        DataError: as `read_values`.
    """
    return pd.DataFrame(read_values(path, schema).values)
