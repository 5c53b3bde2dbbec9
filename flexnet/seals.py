"""What a job of a workflow reads is what another wrote: a digest of each file, noted when it was written.

A bit that a disk or a copy lost changes a weight or a cell of a table, and nothing else would tell. Notes lie
where Snakemake keeps its own; a file without one, such as published rows, is taken as it is.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from flexnet.errors import DataError
from flexnet.files import write_text
from flexnet.stopping import PARENT_VARIABLE

FOLDER = Path(".snakemake/seals")
MISSING = "missing"
LONGEST = 200  # characters of a note's name: systems take 255, and it is longer while it is written
# Files that are written beside an output of a job.
BESIDE = (".outcomes.safetensors", ".facts.json")


def note_of(path: str | Path) -> Path:
    """Where the digest of a file is noted: under its path, or the digest of that where it is long."""
    name = quote(str(path), safe="")
    return FOLDER / (name if len(name) <= LONGEST else hashlib.sha256(name.encode()).hexdigest())


def break_seals(paths: Iterable[str | Path]) -> None:
    """Forget the digests of files that are about to be written again."""
    for path in _written(paths):
        note_of(path).unlink(missing_ok=True)


def seal(paths: Iterable[str | Path]) -> None:
    """Note the digests of files that were written, and of those beside them; outside a workflow, nothing."""
    if os.environ.get(PARENT_VARIABLE):
        for path in filter(os.path.isfile, _written(paths)):  # which takes names that no file can have
            write_text(note_of(path), _digest(path))


def require_sealed(paths: Iterable[str | Path]) -> None:
    """Check that files are as they were written, where that was noted.

    Raises:
        DataError: naming the first that is not.
    """
    for path in paths:
        note = note_of(path)
        known = note.read_text(encoding="utf-8") if note.is_file() else None
        if known is not None and known != _digest(Path(path)) != MISSING:
            raise DataError(
                f"{path}: expected the bytes that a job of this workflow wrote; got others, by a damaged "
                f"disk or an edit; delete it and run again, or delete {note} if this file is what you want"
            )


def _written(paths: Iterable[str | Path]) -> list[Path]:
    given = [Path(path) for path in paths]
    return [*given, *(path.with_suffix(ending) for path in given for ending in BESIDE)]


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return MISSING  # whoever reads it says so
