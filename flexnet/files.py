"""Atomic writing: a file is either the old one or the complete new one, never half of it."""

import csv
import glob
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` on success, remove it on failure.

    The temporary name keeps the suffix of `path`, because some writers choose a format by it.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Where the package keeps what can be had again.

    Raises:
        RuntimeError: if the user has no home and names no other place by XDG_CACHE_HOME.
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flexnet"


def remove_leftovers(path: str | Path) -> None:
    """Remove temporary files that killed jobs left beside `path`, of any suffix. Hold its lock first."""
    target = Path(path)
    for leftover in target.parent.glob(f".{glob.escape(target.stem)}.*.part.*"):
        leftover.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON with sorted keys, atomically."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def canonical_json(value: Any) -> str:
    """One-line JSON with sorted keys: equal settings give equal text, whatever their key order."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def ordered_json(value: Any) -> str:
    """One-line JSON in the order given: for settings whose order means something, such as a figure's series.

    Never for what identifies a training or an evaluation: there another order of the same keys would be
    another text, and everything would run again.
    """
    return json.dumps(value, separators=(",", ":"))


def write_rows(path: str | Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a tidy table as CSV, atomically.

    Args:
        path: the file to write.
        columns: column names in order; each row must have exactly these keys.
        rows: one mapping per row. Floats are written with their shortest exact representation.

    Raises:
        ValueError: if a row has a missing or an additional key.
    """
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(columns), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            if set(row) != set(columns):
                raise ValueError(f"expected the columns {sorted(columns)}, got {sorted(row)}")
            writer.writerow(row)
