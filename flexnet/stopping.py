"""Ending a job in good order: when it is told to, and when the workflow that started it is gone."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# The workflow that started this job, as host:process; it is set by the workflow.
PARENT_VARIABLE = "FLEXNET_PARENT"
POLL_SECONDS = 1.0


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """Turn the first signal to end (TERM, INT, HUP) into an event that the body looks at.

    A second signal acts as it would have without this. Outside the main thread, where Python handles no
    signals, the event is never set.
    """
    requested = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield requested
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def note(_number: int, _frame: FrameType | None) -> None:
        requested.set()
        _restore()

    def _restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in SIGNALS:
        if before[number] is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, note)
    try:
        yield requested
    finally:
        _restore()


def parent_name(process: int) -> str:
    """Name of a process on this machine, for FLEXNET_PARENT."""
    return f"{socket.gethostname()}:{process}"


def end_with_parent() -> None:
    """Send this process a TERM signal once the workflow that started it no longer runs.

    Does nothing where FLEXNET_PARENT names no process of this machine.
    """
    host, _, process = os.environ.get(PARENT_VARIABLE, "").rpartition(":")
    if host == socket.gethostname() and process.isdigit():
        threading.Thread(target=_watch, args=(int(process),), daemon=True).start()


def _watch(process: int) -> None:
    while _runs(process):
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(process)


def _is_zombie(process: int) -> bool:
    """Whether a process has ended and only waits to be noticed, as far as this system tells."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as stream:  # noqa: PTH123
            return stream.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False
