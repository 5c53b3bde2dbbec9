"""What figures of a layer's worked example share: its numbers, read and checked to be whole."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flexnet.errors import DataError
from flexnet.families.registry import family_of
from flexnet.tables.columns import described_by
from flexnet.tables.frames import read_checked

if TYPE_CHECKING:
    import pandas as pd


def read_example(path: str | Path, family: str) -> "pd.DataFrame":
    """Read the numbers of an example that a family described.

    Raises:
        DataError: if the file is missing or is no such table.
    """
    return read_checked(path, described_by(family_of(family)))


def whole(rows: "pd.DataFrame", parts: Sequence[str]) -> "pd.DataFrame":
    """The rows of an example, which are the figure's table, if all its parts are there.

    Raises:
        DataError: if one is missing.
    """
    missing = sorted(set(parts) - set(rows["part"]))
    if missing:
        raise DataError(
            f"expected the part {missing[0]!r} of the example; got none; describe the layer again"
        )
    return rows
