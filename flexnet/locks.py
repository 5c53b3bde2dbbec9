"""One writer at a time: a lock on what a job writes, which ends with the job however it ends."""

import fcntl
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from flexnet.errors import BusyError


@contextmanager
def exclusive(path: str | Path) -> Iterator[None]:
    """Hold the lock on `path` (a file `<path>.lock` beside it) while the body runs.

    The operating system drops the lock when the process dies, so nothing has to be cleaned up by hand.

    Raises:
        BusyError: if another process holds it; the message says which.
    """
    lock = Path(f"{path}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    stream = _acquire(lock, path)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)  # still held: whoever opened it meanwhile finds it gone and tries anew
        stream.close()


def _acquire(lock: Path, path: str | Path) -> TextIO:
    while True:
        stream = lock.open("a+", encoding="utf-8")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(stream, path) from None
        except OSError as error:  # some network file systems know no locks
            sys.stderr.write(f"{path}: not locked against a second job: {error}\n")
            return stream
        if _is_same(stream, lock):
            return _signed(stream)
        stream.close()


def _is_same(stream: TextIO, lock: Path) -> bool:
    """Whether the opened file is still the one at the path."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), lock.stat())
    except FileNotFoundError:
        return False


def _signed(stream: TextIO) -> TextIO:
    """Write into the lock who holds it."""
    stream.truncate(0)
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    stream.write(f"process {os.getpid()} on {socket.gethostname()}, since {since}")
    stream.flush()
    return stream


def _busy(stream: TextIO, path: str | Path) -> BusyError:
    with stream:
        stream.seek(0)
        holder = stream.read().strip() or "unknown"
    return BusyError(
        f"{path}: expected to be the only job that writes it; another one does: {holder}; wait for it, or"
        " stop it: it saves what it has and this command goes on from there"
    )
