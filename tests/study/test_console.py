"""A run speaks in words: a line a job, errors without settings, one line where it was stopped."""

import io
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flexnet.study.console import Console, Wording
from flexnet.study.whole import Running, Whole
from flexnet.study.words import LOCKED, error_words, exit_words, last_message, saved_after

CALLED = (
    'RuleException:\nCalledProcessError in file "data.smk", line 29:\nCommand \'set -euo pipefail;  python'
    " stage.py data --settings '{\"dataset\":1}'' returned non-zero exit status 1.\n[Thu]"
)
STOPPED = "flexnet train: vgg16 seed 1: stopped after epoch 3, saved in x.checkpoint; the same goes on\n"


def record(message: str = "", event: str | None = None, **fields: Any) -> logging.LogRecord:
    made = logging.LogRecord("snakemake", logging.INFO, "", 0, message, None, None)
    vars(made).update(fields, event=event)
    return made


def console() -> Console:
    return Console(SimpleNamespace(stream=io.StringIO(), last_msg_was_job_info=False))


def started(number: int, title: str, log: str) -> logging.LogRecord:
    return record("", "job_info", jobid=number, rule_msg=title, log=[log], rule_name="train")


def failed(number: int, log: str, **aux: Any) -> logging.LogRecord:
    return record("", "job_error", jobid=number, rule_name="train", log=[log], aux=aux, shellcmd="--settings")


def test_a_job_that_fails_is_its_log_and_never_its_settings() -> None:
    speaker = console()
    assert "Training a   (log: a.log)" in str(speaker.words(started(1, "Training a", "a.log")))
    assert speaker.words(record(CALLED, "error", exception="RuleException")) == ""
    assert speaker.words(failed(1, "a.log")) == "flexnet: failed: Training a; its log: a.log"
    end = speaker.words(
        record(
            "WorkflowError:\nAt least one job did not complete successfully.",
            "error",
            exception="WorkflowError",
        )
    )
    assert str(end).startswith("flexnet: one job failed, as said above")


def test_a_job_elsewhere_is_told_with_its_message_and_its_number(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("a: 1/3 epochs\nflexnet train: error: expected x\n  more\n")
    speaker = console()
    speaker.words(started(1, "Training a", str(log)))
    words = str(speaker.words(failed(1, str(log), external_jobid="77")))
    assert "; job of the queue 77; its log: " in words
    assert words.endswith("  flexnet train: error: expected x\n    more")


def test_a_job_that_was_killed_says_so() -> None:
    speaker = console()
    speaker.words(started(1, "Training a", ""))
    speaker.words(record(CALLED.replace("status 1.", "status 137."), "error", exception="RuleException"))
    assert "was killed, as when memory runs out" in str(speaker.words(failed(1, "")))
    assert exit_words("died with <Signals.SIGSEGV: 11>.") == "ended by SIGSEGV"
    assert exit_words(CALLED) == ""


@pytest.mark.parametrize("order", ["asked first", "job first"])
def test_a_run_that_was_stopped_is_one_line(order: str, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    speaker = console()
    speaker.words(started(1, "Training a", str(log)))
    log.write_text(STOPPED)
    asked = record("Terminating processes on user request, this might take some time.")
    events = [asked, record(CALLED, "error", exception="RuleException"), failed(1, str(log))]
    told = [speaker.words(event) for event in (events if order == "asked first" else [*events[1:], asked])]
    assert told == ["", "", ""]
    end = record("At least one job did not complete successfully.", "error", exception="WorkflowError")
    assert speaker.words(end) == "flexnet: stopped, saved: vgg16 seed 1 after epoch 3; type the same to go on"


def test_told_to_end_is_said_once() -> None:
    speaker = console()
    message = record("Will exit after finishing currently running jobs (scheduler).")
    assert [bool(speaker.words(message)) for _ in range(3)] == [True, False, False]


def test_a_plan_stays_as_snakemake_tells_it() -> None:
    speaker = console()
    speaker.plans = lambda: True
    for event in (started(1, "Training a", ""), record("Building DAG of jobs..."), record("x", "run_info")):
        assert speaker.words(event) is None


def test_what_nobody_can_use_is_left_out_and_anything_else_stays() -> None:
    speaker = console()
    assert not speaker.filter(record("Select jobs to execute..."))
    assert speaker.filter(record("Nothing to be done (all requested files are present and up to date)."))
    assert speaker.filter(record("A failure could not be noted"))


def test_words_go_to_the_terminal_and_the_record_itself_stays() -> None:
    speaker, event = console(), started(1, "Training a", "a.log")
    event.msg = "as it was"
    assert speaker.filter(event)
    assert "Training a" in Wording(logging.Formatter()).format(event)
    assert logging.Formatter().format(event) == "as it was"
    assert Wording(logging.Formatter()).format(record("plain")) == "plain"


@pytest.mark.parametrize(
    ("kind", "message", "words"),
    [
        (
            "MissingRuleException",
            "MissingRuleException:\nNo rule to produce fig4d (if you use input functions make sure).",
            "flexnet: No rule to produce fig4d; hint",
        ),
        (
            "WorkflowError",
            'WorkflowError in file "/a/common.smk", line 68:\na.yaml: b\nc\n  File "/a/c.smk", line 68, in m',
            "flexnet: a.yaml: b\nc",
        ),
        (
            "InputFunctionException",
            "InputFunctionException in x:\nError:\n  WorkflowError:\n    demo: expected\nWildcards:\n  a=b",
            "flexnet: demo: expected",
        ),
        (
            "MissingInputException",
            "MissingInputException in rule d:\n    output: a.pdf, a.md\n    affected files:\n        a.csv",
            "flexnet: a.pdf needs a.csv, which is not there and which nothing makes; hint",
        ),
        ("LockException", "Error: Directory cannot be locked.", LOCKED),
        ("WorkflowError", "WorkflowError:\nsomething else", None),
    ],
)
def test_errors_are_their_message(kind: str, message: str, words: str | None) -> None:
    assert error_words(kind, message, lambda target: "; hint") == words


def test_the_last_message_of_a_log_is_the_one_that_counts() -> None:
    log = "flexnet data: error: old\nx\nflexnet data: error: new\n  line\n"
    assert last_message(log) == "flexnet data: error: new\n  line"
    assert last_message("all is well") == saved_after("all is well") == saved_after("") == ""
    assert saved_after(f"{STOPPED}resuming after epoch 3\n") == ""  # it went on since


def test_the_time_left_follows_what_jobs_cost(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("vgg16 seed 1: 1/4 epochs, 3 s\nvgg16 seed 1: 2/4 epochs, 6 s\n")
    times = iter([0.0, 100.0, 100.0])
    whole = Whole(clock=lambda: next(times))
    whole.begin({1: 10.0, 2: 80.0, 3: 10.0})
    whole.done.add(1)
    whole.running[2] = Running("Training vgg16", str(log))
    assert whole.part() == pytest.approx(0.5)
    assert whole.state() == "1 of 3 jobs done, 50%, about 1.7 minutes left"
    bar = whole.bar(200)
    assert bar == "[#####-----] 50%, about 1.7 minutes left: Training vgg16, epochs 2/4"


def test_a_bar_fits_its_terminal_and_nothing_done_promises_nothing() -> None:
    whole = Whole()
    assert whole.state() == "0 of 0 jobs done, 0%"
    whole.running[1] = Running("Training " + "x" * 100)
    assert len(whole.bar(40)) == 39


def test_a_target_is_no_job() -> None:
    speaker = console()
    speaker.begin({1: 1.0, 2: 3.0})
    target = {"jobid": 0, "rule_msg": None, "log": [], "rule_name": "demo"}
    assert speaker.words(record("", "job_info", **target, output=[])) == ""
    assert (
        speaker.words(record("", "job_info", **target, output=["made.txt"])) is None
    )  # of somebody's own rules
    for number in (1, 2):
        words = str(speaker.words(record("", "job_finished", job_id=number)))
    assert words.endswith("2 of 2 jobs done, 100%")
    assert speaker.words(record("", "job_finished", job_id=0)) == ""


def test_a_job_that_succeeds_when_it_is_tried_again_is_no_failure() -> None:
    speaker = console()
    speaker.begin({1: 1.0, 2: 1.0})
    for number in (1, 2):
        speaker.words(started(number, "Training", ""))
        speaker.words(failed(number, ""))
    speaker.words(record("", "job_finished", job_id=1))
    end = speaker.words(record("At least one job did not complete successfully.", "error", exception=None))
    assert str(end).startswith("flexnet: one job failed")
