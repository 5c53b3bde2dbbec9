"""Running a job so that its user gets one clear message instead of a traceback."""

import errno
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from flexnet.errors import ConfigError, FlexnetError, Stopped
from flexnet.stopping import PARENT_VARIABLE, end_with_parent

# No room on a disk, in a quota, or under a limit for the size of a file.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Packages that come with `flexnet[workflow]`.
WORKFLOW = ("jsonschema", "matplotlib", "pandas", "pyarrow", "torchvision")


def import_needed(module: str) -> ModuleType:
    """Import a module of this package that may need what the study needs.

    Raises:
        ConfigError: if what it needs is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in WORKFLOW:
            raise
        raise ConfigError(
            f"{module}: expected {error.name}, which belongs to the study; found none; "
            'type pip install ".[workflow]" in the checkout of flexnet'
        ) from error


def read_settings(text: str) -> dict[str, Any]:
    """Read settings given as JSON text, or as `@file`.

    Raises:
        ConfigError: if it is no JSON object, or a key occurs twice in it.
    """
    try:
        settings = json.loads(_settings_text(text), object_pairs_hook=_once)
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"--settings: expected a JSON object or @file; got {text[:80]!r}: {error}"
        ) from error
    if not isinstance(settings, dict):
        raise ConfigError(f"--settings: expected a JSON object; got {type(settings).__name__}")
    return settings


def _settings_text(text: str) -> str:
    return Path(text[1:]).read_text(encoding="utf-8-sig") if text.startswith("@") else text


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; a key that is given twice would otherwise lose its first value in silence."""
    names = [name for name, _ in pairs]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise ValueError(f"the key {repeated[0]!r} is there twice; remove one")
    return dict(pairs)


def run_job(
    name: str,
    log: str | None,
    job: Callable[[], None],
    *,
    kept: Path | None = None,
    writes: Sequence[str] = (),
) -> int:
    """Run a job; return its exit status: 0 done, 1 an error that the user can act on, 130 stopped by Ctrl-C.

    Args:
        name: what the job is called in the message.
        log: file that gets the message too; it is started anew.
        job: does the work, the imports of what it needs included. An exception that the user cannot act
            on is a bug of flexnet or of its installation: it passes through, and the log gets its traceback.
        kept: of a job that may go on where one before it was stopped, a second name of its log until it is
            done. Snakemake removes logs before a job starts; by this name the earlier part is found.
        writes: files or folders that the job makes: a full disk does not say for which it had no room.
    """
    try:
        if log:
            _start_log(Path(log), kept)
    except OSError as error:
        return _report(f"{name}: error: --log: expected a file that can be written; got: {error}\n", None)
    end_with_parent()
    try:
        job()
    except Stopped as stopped:
        return _stopped(f"{name}: {stopped}\n", log, 1)
    except KeyboardInterrupt:
        return _stopped(f"{name}: stopped; the same command starts it again\n", log, 130)
    except FlexnetError as error:
        return _report(f"{name}: error: {error}\n", log)
    except OSError as error:
        _write(log, traceback.format_exc())
        return _report(f"{name}: error: {error}; {_advice(error, writes)}\n", log)
    except Exception as error:
        _write(log, traceback.format_exc())
        where = f"; the traceback is in {log}" if log else ""
        advice = f"; check that {sys.executable} has all that flexnet needs" * isinstance(error, ImportError)
        _report(f"{name}: stopped by {type(error).__name__}: {error}{advice}{where}\n", log)
        raise
    if kept is not None:
        kept.unlink(missing_ok=True)
    return 0


def _advice(error: OSError, writes: Sequence[str]) -> str:
    """What to do about an error of the system."""
    if error.errno not in FULL:
        return "check that the place exists, may be used and has room"
    missing = f" for {', '.join(writes)}" if writes else ""
    return f"there was no room{missing}; nothing half-written is left: make room and run it again"


def _start_log(log: Path, kept: Path | None) -> None:
    """Make an empty log, or one that holds what its job said before it was stopped."""
    log.parent.mkdir(parents=True, exist_ok=True)
    earlier = kept.read_bytes() if kept is not None and kept.is_file() else b""
    log.write_bytes(earlier)
    if kept is not None:
        kept.unlink(missing_ok=True)
        with suppress(OSError):  # a file system without second names starts its logs anew
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.hardlink_to(log)


def _stopped(message: str, log: str | None, status: int) -> int:
    """Tell that a job was stopped: under a workflow the log alone, for that tells it of all its jobs."""
    if log and os.environ.get(PARENT_VARIABLE):
        _write(log, message)
        return status
    _report(message, log)
    return status


def _report(message: str, log: str | None) -> int:
    """Tell the user and the log; the status of an error."""
    sys.stderr.write(message)
    _write(log, message)
    return 1


def _write(log: str | None, text: str) -> None:
    """Add to the log, as far as there is room: what is wrong has been, or will be, told on the terminal."""
    if log:
        with suppress(OSError), Path(log).open("a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
