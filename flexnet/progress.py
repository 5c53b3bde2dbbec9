"""Progress: a bar on a terminal, plain lines in a log file."""

import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from flexnet.stopping import PARENT_VARIABLE


class Progress:
    """Report the progress of a long job.

    Args:
        title: what the job does.
        total: number of units of work.
        unit: name of the unit.
        log: file that gets the plain lines, or None for lines on standard error where that is no terminal.
        done: units that were finished before, by an earlier job.
        seconds: least time between two lines; the first and the last are always written.
    """

    def __init__(
        self,
        title: str,
        total: int,
        unit: str,
        log: str | Path | None = None,
        *,
        done: int = 0,
        seconds: float = 10.0,
    ) -> None:
        self.title, self.total, self.unit, self.seconds = title, total, unit, seconds
        self.done = self.start_at = done
        self.start = time.monotonic()
        self._written = -seconds
        self._log: TextIO | None = Path(log).open("a", encoding="utf-8") if log else None  # noqa: SIM115
        self._bar: Any = None
        # Under a workflow, which draws one bar for all its jobs, there is none of a single job.
        if sys.stderr.isatty() and not (log and os.environ.get(PARENT_VARIABLE)):
            from tqdm import tqdm  # only a terminal pays for it

            self._bar = tqdm(desc=title, total=total, initial=done, unit=unit, leave=False, mininterval=0.5)
        elif self._log is None:
            self._log = sys.stderr

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        if self._log is not None and self._log is not sys.stderr:
            self._log.close()

    def advance(self, amount: int = 1, note: str = "") -> None:
        """Count finished work; `note` (such as the accuracy) goes behind the numbers."""
        self.done += amount
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(amount)
        elapsed = time.monotonic() - self.start
        if elapsed - self._written >= self.seconds or self.done >= self.total:
            self._written = elapsed
            rate = max(self.done - self.start_at, 1) / max(elapsed, 1e-9)
            left = (self.total - self.done) / rate
            state = f"{self.done}/{self.total} {self.unit}, {elapsed:.0f} s, {left:.0f} s left"
            self.say(f"{self.title}: {state} {note}")

    def say(self, line: str) -> None:
        """Write a line to the log."""
        if self._log is not None:
            self._log.write(line.rstrip() + "\n")
            self._log.flush()
