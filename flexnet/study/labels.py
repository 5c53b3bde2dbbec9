"""Rows lie where their path says: under the figure and the protocol that they name themselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flexnet.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from flexnet.tables.facts import FigureFacts

FOLDER = "results/rows"


def table_of(protocol: str, figure: str) -> str:
    """Where the rows of a figure, whose name may be a path, lie below the folder of their scale."""
    return f"{FOLDER}/{protocol}/{figure}.csv"


def labels_of(path: str | Path) -> tuple[str, str]:
    """Protocol and figure of a file of rows, by its path.

    Raises:
        DataError: if rows cannot lie there.
    """
    place = Path(path).as_posix()
    _, found, below = f"/{place}".rpartition(f"/{FOLDER}/")
    protocol, slash, table = below.partition("/")
    figure = table.removesuffix(".csv")
    if not (found and slash and figure) or figure == table:
        expected = f"{FOLDER}/<protocol>/<figure>.csv"
        raise DataError(f"{place}: expected rows at {expected}; put them where they belong")
    return protocol, figure


def tables_below(folder: Path) -> Iterator[Path]:
    """All files of rows below the folder of a scale, sorted."""
    yield from sorted(folder.glob(f"{FOLDER}/*/**/[!.]*.csv"))


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


def require_runs(rows: "pd.DataFrame", runs: "FigureFacts", figure: str, protocol: str, source: str) -> None:
    """Check that facts are those of the runs that made the rows.

    Args:
        rows: a table of rows.
        runs: what was run.
        figure: what is shown.
        protocol: what is shown.
        source: where the facts come from, for the message.

    Raises:
        DataError: naming what differs, what the rows say and what the facts say.
    """
    shown, told = (figure, protocol), (runs.figure, runs.protocol)
    if shown != told:
        words = f"expected the facts of {' under '.join(shown)}; got those of {' under '.join(told)}"
        raise DataError(f"{source}: {words}; give the file of these rows")
    for name, part in rows.groupby("series", sort=False):
        run = runs.of(str(name))
        if run is None:
            known = [other.name for other in runs.series]
            words = f"expected facts of every series that has rows, such as {name!r}; got {known}"
            raise DataError(f"{source}: {words}; {_AGAIN}")
        for column, expected in (("model", [run.model]), ("seed", list(run.seeds))):
            found = sorted(set(part[column]))
            if found != expected:
                words = (
                    f"expected facts of {column} {found}, of which the rows of {name!r} are; got {expected}"
                )
                raise DataError(f"{source}: {words}; {_AGAIN}")


_AGAIN = "collect the figure's rows again"
