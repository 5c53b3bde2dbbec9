"""A job that fails or is stopped never costs the finished result, and the old never passes for the new."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

SCALE = """\
threads: 1
note: Made by a test.
datasets:
  fashion-mnist: { source: shapes28, per_class: 20, test_per_class: 5 }
recipes:
  small: { epochs: 2, batch_size: 50, learning_rate: 0.02 }
models:
  small-baseline: { seeds: 1, options: { width: 0.25 } }
protocols:
  paper: { interventions: { epsilons: [0, 0.1] } }
"""
HISTORY = "tiny/results/models/small-baseline/seed1.history.csv"
SCORES = "tiny/results/interventions/paper/small-baseline/all.csv"
FIGURE = "tiny/figures/fig1.pdf"
SCALE_FILE, REGISTRY = "config/scales/tiny.yaml", "config/figures.yaml"
DIVERGES = (SCALE_FILE, "learning_rate: 0.02", "learning_rate: 1.0e+30")
NONSENSE = ("flexnet/figures/fig1.py", "def draw(", "def drawn(")
LASTS = (SCALE_FILE, "epochs: 2,", "epochs: 100000,")


@pytest.fixture(scope="module")
def finished(new_project: Callable[[], Any]) -> Any:
    """A copy in which one network was trained and scored, and one figure drawn."""
    project = new_project()
    (project.folder / SCALE_FILE).write_text(SCALE)
    counts = project.make(HISTORY, SCORES, FIGURE, "--config", "device=cpu")
    assert counts["train"] == counts["evaluate"] == counts["draw_figure"] == 1
    return project


def results(project: Any) -> dict[str, bytes]:
    """Bytes of everything that was made, but for logs and side files."""
    folder = project.folder / "tiny"
    files = [path for part in ("results", "figures") for path in (folder / part).rglob("*") if path.is_file()]
    kept = [path for path in files if path.suffix in (".safetensors", ".csv", ".json", ".pdf", ".png", ".md")]
    assert len(kept) >= 9
    return {str(path.relative_to(folder)): path.read_bytes() for path in kept if path.name[0] != "."}


def require_known_as_outdated(project: Any, target: str, rule: str) -> None:
    """The next run makes it again, or without the profile says that it is incomplete; it never passes it."""
    assert rule in project.plan(target)
    done = project.snakemake("--dry-run", target, "--workflow-profile", "none")
    assert done.returncode == 1
    assert "IncompleteFilesException" in done.stdout
    assert target in done.stdout


@pytest.mark.parametrize(
    ("target", "rule", "edit", "options", "message"),
    [
        (HISTORY, "train", DIVERGES, (), "no longer finite"),
        (
            SCORES,
            "evaluate",
            (SCALE_FILE, "epsilons: [0, 0.1]", "epsilons: [0, 0.2]"),
            ("--config", "device=cuda:9"),
            "device: expected one of",
        ),
        (
            FIGURE,
            "draw_figure",
            NONSENSE,
            (),
            "fig1",
        ),
    ],
    ids=["training", "evaluation", "figure"],
)
def test_a_failed_job_leaves_what_was_there(
    target: str, rule: str, edit: tuple[str, str, str], options: tuple[str, ...], message: str, finished: Any
) -> None:
    before = results(finished)
    with finished.edited(*edit):
        done = finished.snakemake(target, *options)
        assert done.returncode == 1
        assert message in done.stdout
        assert "Cannot restore" not in done.stdout
        assert results(finished) == before
        require_known_as_outdated(finished, target, rule)
    # Also with the old settings it is made again, and is what it was.
    assert finished.make(target, "--config", "device=cpu")[rule] == 1
    assert finished.plan(target) == {}
    assert {name: data for name, data in results(finished).items() if name[-3:] != "pdf"} == {
        name: data for name, data in before.items() if name[-3:] != "pdf"
    }


def test_a_job_that_fails_at_first_leaves_nothing(finished: Any) -> None:
    target = "tiny/results/models/small-uniform/seed1.history.csv"
    with finished.edited(*DIVERGES):
        done = finished.snakemake(target)
    assert done.returncode == 1
    assert "Cannot restore" not in done.stdout
    assert not list((finished.folder / target).parent.glob("seed1.[sh]*s*"))


def heed_signals() -> None:
    """As in a terminal: under nohup, or in the background of a script, this signal is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def running(project: Any, *arguments: str, cores: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    """Snakemake with a session of its own, as in a terminal."""
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=heed_signals,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_job_leaves_what_was_there_and_goes_on_later(number: signal.Signals, finished: Any) -> None:
    before = results(finished)
    side = (finished.folder / HISTORY).with_name("seed1.checkpoint")
    with finished.edited(*LASTS):
        with running(finished, HISTORY, "--config", "device=cpu", "checkpoint_seconds=0") as process:
            wait(side.exists)
            assert results(finished) == before  # also while it runs
            os.killpg(process.pid, number)
            process.wait(timeout=120)
        assert results(finished) == before
        if number == signal.SIGKILL:
            finished.snakemake("--unlock", HISTORY)
        require_known_as_outdated(finished, HISTORY, "train")
        with running(finished, HISTORY, "--config", "device=cpu", "checkpoint_seconds=0"):
            log = finished.folder / "tiny/logs/train/small-baseline/seed1.log"
            wait(lambda: log.exists() and "resuming after epoch" in log.read_text())
        finished.snakemake("--unlock", HISTORY)
    assert results(finished) == before
    side.unlink()
    assert finished.make(HISTORY, "--config", "device=cpu") == {"train": 1}
    assert results(finished) == before


def test_a_second_run_on_the_same_files_is_refused_and_the_first_goes_on(finished: Any) -> None:
    side = (finished.folder / HISTORY).with_name("seed1.checkpoint")
    before = results(finished)
    with finished.edited(*LASTS):
        with running(finished, HISTORY, "--config", "device=cpu", "checkpoint_seconds=0") as first:
            wait(side.exists)
            second = finished.snakemake(HISTORY, "--config", "device=cpu")
            assert second.returncode == 1
            assert "expected to be the only run that makes these files in this folder" in second.stdout
            assert "snakemake --unlock" in second.stdout
            for word in ("Traceback", "LockException", "Job stats"):
                assert word not in second.stdout
            assert first.poll() is None
            held = side.stat().st_mtime_ns
            wait(lambda: side.exists() and side.stat().st_mtime_ns != held)
        finished.snakemake("--unlock", HISTORY)
    side.unlink()
    assert finished.make(HISTORY, "--config", "device=cpu") == {"train": 1}
    assert results(finished) == before


def test_a_failure_beside_jobs_that_go_on_is_known_even_if_the_run_is_killed(finished: Any) -> None:
    """Snakemake's own record of the failed job says that its old files are new."""
    before = results(finished)
    notes = finished.folder / ".snakemake/unfinished"
    earlier = set(notes.glob("*"))
    other = "tiny/results/models/small-uniform/seed1.history.csv"
    lasting = "  lasting: { like: small, learning_rate: 0.02, epochs: 100000 }\nmodels:\n"
    lasts = (SCALE_FILE, "models:\n", lasting + "  small-uniform: { recipe: lasting }\n")
    with finished.edited(*DIVERGES), finished.edited(*lasts):
        with running(finished, "--keep-going", HISTORY, other, "--config", "device=cpu", cores=2):
            wait(lambda: set(notes.glob("*")) - earlier)
            time.sleep(1)
        finished.snakemake("--unlock", HISTORY)
        assert results(finished) == before
        assert finished.plan(HISTORY) == {"train": 1}
    assert finished.make(HISTORY, "--config", "device=cpu") == {"train": 1}
    assert set(notes.glob("*")) == earlier
