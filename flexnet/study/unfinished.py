"""Notes of jobs that failed and whose earlier results are still there.

Snakemake writes down that such results were made with the new settings, although they are the old ones. So a
note is kept from a failure until the job has succeeded, and outputs with a note count as incomplete.

A note is an empty file named like its output, because a full disk has room for no more.
"""

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, unquote


def _file(folder: Path, output: str) -> Path:
    return folder / quote(output, safe="")


def note(folder: Path, outputs: Iterable[str]) -> None:
    """Note that a job failed, by the outputs that it was to make.

    Raises:
        OSError: if no file can be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for output in outputs:
        _file(folder, output).touch()


def forget(folder: Path, outputs: Iterable[str]) -> None:
    """Take notes away once the job has succeeded; do nothing where there is none."""
    for output in outputs:
        _file(folder, output).unlink(missing_ok=True)


def noted(folder: Path) -> list[str]:
    """All outputs with a note."""
    return sorted(unquote(path.name) for path in folder.glob("*"))
