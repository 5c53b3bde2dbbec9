"""Running a job so that its user gets one clear message instead of a traceback."""

import sys
from collections.abc import Callable
from pathlib import Path

from flexnet.errors import FlexnetError
from flexnet.stopping import end_with_parent


def run_job(name: str, log: str | None, job: Callable[[], None]) -> int:
    """Run a job; return its exit status: 0 done, 1 an error that the user can act on.

    Args:
        name: what the job is called in the message.
        log: file that gets the message too; it is started anew.
        job: does the work. An exception that is no `FlexnetError` is a bug and passes through.
    """
    if log:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        Path(log).write_text("", encoding="utf-8")
    end_with_parent()
    try:
        job()
    except FlexnetError as error:
        message = f"{name}: error: {error}\n"
        sys.stderr.write(message)
        if log:
            with Path(log).open("a", encoding="utf-8") as stream:
                stream.write(message)
        return 1
    return 0
