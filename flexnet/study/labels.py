"""Rows lie where their path says: under the figure and the protocol that they name themselves."""

from typing import TYPE_CHECKING

from flexnet.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def require_labels(rows: "pd.DataFrame", figure: str, protocol: str, source: str) -> None:
    """Check that rows are of the figure and the protocol that they are shown as.

    Args:
        rows: a table of rows; columns `figure` and `protocol` are compared where there are such.
        figure: what the path says.
        protocol: what the path says.
        source: the path, for the message.

    Raises:
        DataError: naming the file, what its path says and what its rows say.
    """
    for column, expected in (("figure", figure), ("protocol", protocol)):
        found = sorted(set(map(str, rows[column]))) if column in rows.columns else [expected]
        if found != [expected]:
            raise DataError(
                f"{source}: expected rows whose {column} is {expected!r}, as the path says; got {found};"
                " put them where they belong"
            )
