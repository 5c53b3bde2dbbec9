"""What a person sees of a run: a line for each job, one bar for the whole, and errors in words.

Snakemake's own log in `.snakemake/log` keeps everything. Nothing is changed where its user asked for more
(`--verbose`), for a plan (`--dry-run`), or for another logger.
"""

import logging
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from flexnet.study.study import Study
from flexnet.study.suggest import HINT, did_you_mean
from flexnet.study.whole import Running, Whole, tail_of
from flexnet.study.words import (
    ASKED_TO_STOP,
    ENDING,
    FAILED,
    TOLD_TO_END,
    end_words,
    error_words,
    exit_words,
    failure_words,
    is_noise,
    last_message,
    saved_after,
    stop_words,
)

CLEAR = "\r\x1b[K"
SECONDS = 0.5  # between two drawings of the bar
QUEUE = {"external_jobid": "job of the queue"}  # what executors add, in other words


class Console(logging.Filter):
    """Chooses and words what goes to the terminal; the time left is worked out on the way.

    Attributes:
        study: what targets can be asked for, once it is known.
        whole: how far the run is.
        plans: whether this is a dry run, of which job by job is told as Snakemake does.
        stopping: whether the user asked the run to stop.
    """

    def __init__(self, handler: Any) -> None:
        super().__init__()
        self.handler, self.stream, self.whole = handler, handler.stream, Whole()
        self.study: Study | None = None
        self.plans: Callable[[], bool] = lambda: False
        self.stopping = False
        self._saved: list[str] = []
        self._how = ""
        self._bar: Bar | None = None

    def begin(self, weights: Mapping[int, float]) -> None:
        """The jobs start; on a terminal the bar appears."""
        self.whole.begin(weights)
        if self.stream.isatty():
            self._bar = Bar(self.whole, self.stream)

    def end(self) -> None:
        """The jobs are over."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Note what a record tells; leave it out, or give it the words that `Wording` shows."""
        words = self.words(record)
        if words is not None:
            record.flexnet = f"{CLEAR}{words}" if self._bar is not None and words else words
        return words != ""

    def words(self, record: logging.LogRecord) -> str | None:
        """Other words for a record: "" for none at all, None for Snakemake's own."""
        event = str(getattr(record, "event", None) or "")
        told = {
            "job_info": self._started,
            "job_error": self._job_failed,
            "job_finished": self._finished,
            "error": self._error,
        }
        if event in told:
            return told[event](record)
        return self._message(record, event)

    def _message(self, record: logging.LogRecord, event: str) -> str | None:
        message = str(record.msg)
        if message.startswith(ASKED_TO_STOP):
            self.stopping = True
            return ""
        if message.startswith(TOLD_TO_END):
            again, self.stopping = self.stopping, True
            return "" if again else ENDING
        if self.plans():
            return None
        if event == "run_info" and set(getattr(record, "stats", ())) <= {"targets", "total"}:
            return ""  # the list speaks for itself
        quiet = event in ("workflow_started", "progress", "job_started", "resources_info")
        return "" if quiet or is_noise(message) else None

    def _started(self, record: Any) -> str | None:
        if not self.plans() and not record.rule_msg and not getattr(record, "output", True):
            return ""  # a target makes nothing itself
        if self.plans() or not record.rule_msg:
            return None
        self.handler.last_msg_was_job_info = True  # or it leaves a line blank
        log = record.log[0] if record.log else ""
        self.whole.running[record.jobid] = Running(record.rule_msg, log)
        return f"{_now()} {record.rule_msg}{log and f'   (log: {log})'}"

    def _finished(self, record: Any) -> str | None:
        self.whole.running.pop(record.job_id, None)
        if not self.whole.weights:
            return None
        if record.job_id not in self.whole.weights:
            return ""  # a target
        self.whole.done.add(record.job_id)
        self.whole.failed.discard(record.job_id)  # it was tried again
        return "" if self._bar is not None else f"{_now()} {self.whole.state()}"

    def _job_failed(self, record: Any) -> str | None:
        job = self.whole.running.pop(record.jobid, Running(str(record.rule_name)))
        saved = saved_after(tail_of(job.log))
        self._saved += [saved] if saved else []
        if self.stopping or saved:
            return ""
        self.whole.failed.add(record.jobid)
        more = [(QUEUE.get(key, key), str(value)) for key, value in record.aux.items()]
        if self._how:
            more.insert(0, ("it", self._how))
        seen = not record.aux  # a job on this machine has shown its message here
        told = "" if seen or not job.log else last_message(tail_of(job.log))
        return failure_words(job.title, record.log, more, told)

    def _error(self, record: Any) -> str | None:
        message = str(record.msg)
        if FAILED in message:
            self.end()
            return self._last()
        if self.stopping:
            return ""
        self._how = exit_words(message)
        return error_words(str(record.exception), message, self._meant)

    def _meant(self, target: str) -> str:
        return f"; {HINT}" if self.study is None else did_you_mean(self.study, target)

    def _last(self) -> str:
        """The last line of a run that did not succeed."""
        if self.whole.failed:
            return end_words(len(self.whole.failed))
        found = [saved_after(tail_of(job.log)) for job in self.whole.running.values()]
        return stop_words([*self._saved, *filter(None, found)])


class Wording(logging.Formatter):
    """Shows the words that a record was given, or else what another formatter makes of it."""

    def __init__(self, other: logging.Formatter) -> None:
        super().__init__()
        self.other = other

    def format(self, record: logging.LogRecord) -> str:
        """The text of a record."""
        words: str | None = getattr(record, "flexnet", None)
        return self.other.format(record) if words is None else words


class Bar:
    """One line at the end of a terminal, drawn again and again."""

    def __init__(self, whole: Whole, stream: TextIO) -> None:
        self.whole, self.stream = whole, stream
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._draw, daemon=True)
        self._thread.start()

    def _draw(self) -> None:
        while not self._over.wait(SECONDS):
            # Back to the start of the line, so that what a job says takes the place of the bar.
            self.stream.write(f"{CLEAR}{self.whole.bar(shutil.get_terminal_size().columns)}\r")
            self.stream.flush()

    def stop(self) -> None:
        """Take the line away."""
        self._over.set()
        self._thread.join()
        self.stream.write(CLEAR)
        self.stream.flush()


def speak(logger: logging.Logger) -> Console | None:
    """Let a console speak for Snakemake's own handler; None where another takes its place."""
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and handler.name == "DefaultStreamHandler":
            console = Console(handler)
            sys.excepthook = _quiet
            handler.addFilter(console)
            if handler.formatter is not None:
                handler.setFormatter(Wording(handler.formatter))
            return console
    return None


def _quiet(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Ctrl-C before any job runs is no crash."""
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write(f"\n{stop_words([])}\n")
    else:
        sys.__excepthook__(kind, error, trace)


def _now() -> str:
    return time.strftime("[%H:%M:%S]")
