"""Notes of jobs that failed and whose earlier results are still there.

Snakemake writes down that such results were made with the new settings, although they are the old ones. So a
note is kept from a failure until the job has succeeded, and outputs with a note count as incomplete.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from flexnet.files import write_json


def _file(folder: Path, outputs: Iterable[str]) -> Path:
    return folder / f"{hashlib.sha256(json.dumps(sorted(outputs)).encode()).hexdigest()[:16]}.json"


def note(folder: Path, outputs: Iterable[str]) -> None:
    """Note that a job failed, by the outputs that it was to make."""
    names = sorted(outputs)
    if names:
        write_json(_file(folder, names), names)


def forget(folder: Path, outputs: Iterable[str]) -> None:
    """Take a note away once the job has succeeded; do nothing if there is none."""
    _file(folder, outputs).unlink(missing_ok=True)


def noted(folder: Path) -> list[str]:
    """All outputs with a note. A note that cannot be read is passed over: it is written atomically."""
    found: set[str] = set()
    for path in folder.glob("*.json"):
        try:
            found |= set(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue
    return sorted(found)
