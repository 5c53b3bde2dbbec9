"""`tools/gpu_run.sh`, tried on the CPU: it refuses, makes what is asked for, keeps it and goes on there."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flexnet.study import unfinished

ROOT = Path(__file__).parents[2]
FIGURE = "mine/figures/fig1.pdf"  # of a scale of one's own


@pytest.fixture(scope="module")
def checkout(new_project: Callable[[], Any]) -> Any:
    """A copy with the script, and with one test in the place of those that need a GPU."""
    project = new_project()
    (project.folder / "config/scales/mine.yaml").write_text("like: demo\nnote: Made by a test.\n")
    shutil.copytree(ROOT / "tools", project.folder / "tools")
    (project.folder / "tests/gpu").mkdir(parents=True)
    (project.folder / "tests/gpu/test_it.py").write_text(
        "import os\n\n\ndef test_it() -> None:\n    assert os.environ['FLEXNET_TEST_DEVICE'] == 'cpu'\n"
    )
    return project


def started(checkout: Any, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Start it in another folder, below which the archive lies then."""
    return subprocess.Popen(
        ["bash", "../tools/gpu_run.sh", *arguments],
        cwd=checkout.folder / "tests",
        env=checkout.environment | {"PYTHON": sys.executable, "DEVICE": "cpu"} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(checkout: Any, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    with started(checkout, *arguments, **variables) as process:
        told, _ = process.communicate(timeout=600)
    return subprocess.CompletedProcess(process.args, process.returncode, told)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "expected seconds and an archive"),
        (("an hour", "kept.tar"), "expected a whole number of seconds; got 'an hour'"),
        (("60", "kept.zip"), "expected an archive that ends in .tar; got 'kept.zip'"),
        (("60", "broken.tar"), "{folder}/broken.tar is no whole archive; move it away"),
    ],
)
def test_what_it_cannot_do_is_refused(arguments: tuple[str, ...], expected: str, checkout: Any) -> None:
    (checkout.folder / "tests/broken.tar").write_text("no archive")
    done = run(checkout, *arguments)
    assert done.returncode == 2
    assert f"gpu_run: {expected.format(folder=checkout.folder / 'tests')}" in done.stdout


@pytest.mark.parametrize("name", ["SHARE", "SAVING"])
def test_a_number_that_is_none_is_refused(name: str, checkout: Any) -> None:
    for value in ("0", "a few"):
        done = run(checkout, "60", "kept.tar", **{name: value})
        assert done.returncode == 2
        assert f"gpu_run: expected {name} to be a whole number from 1; got '{value}'" in done.stdout


def test_without_a_gpu_it_stops_at_once(checkout: Any, tmp_path: Path) -> None:
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    done = run(checkout, "60", "kept.tar", DEVICE="cuda", PATH=str(tmp_path))
    assert done.returncode == 2
    assert "expected a GPU; this machine has no nvidia-smi" in done.stdout
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho a card\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    done = run(
        checkout, "60", "kept.tar", DEVICE="cuda:99", PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    )
    assert done.returncode == 2
    assert "a card" in done.stdout
    assert "computes nothing on cuda:99" in done.stdout


def test_it_keeps_what_it_made_and_goes_on_from_there(checkout: Any) -> None:
    archive, figure = checkout.folder / "tests/kept.tar", checkout.folder / FIGURE
    none = run(checkout, "1", "kept.tar", FIGURE)
    assert none.returncode == 0, none.stdout
    assert f"no time is left for {FIGURE}" in none.stdout
    assert not figure.exists()
    done = run(checkout, "600", "kept.tar", FIGURE)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    with tarfile.open(archive) as kept:
        assert {FIGURE, "mine/figures/fig1.png"} <= set(kept.getnames())
    shutil.rmtree(checkout.folder / "mine")
    shutil.rmtree(checkout.folder / ".snakemake/metadata")
    again = run(checkout, "600", "kept.tar", FIGURE)
    assert again.returncode == 0, again.stdout
    assert "Nothing to be done" in again.stdout
    assert figure.is_file()
    failed = run(checkout, "600", "kept.tar", "mine/figures/fig99.pdf")
    assert failed.returncode == 1
    assert "not finished: mine/figures/fig99.pdf" in failed.stdout


def test_a_result_whose_job_was_stopped_is_still_outdated_on_the_next_machine(checkout: Any) -> None:
    made = "mine/results/rows/paper/fig2.csv"
    done = run(checkout, "600", "stopped.tar", made)
    assert done.returncode == 0, done.stdout
    unfinished.note(checkout.folder / ".snakemake/unfinished", [made])
    assert run(checkout, "1", "stopped.tar", made).returncode == 0  # no time is left for it
    shutil.rmtree(checkout.folder / "mine")
    shutil.rmtree(checkout.folder / ".snakemake")
    again = run(checkout, "600", "stopped.tar", made)
    assert again.returncode == 0, again.stdout
    assert "Describing the modules of fig2" in again.stdout


def test_told_to_end_it_keeps_what_was_learned_and_the_next_run_goes_on(checkout: Any) -> None:
    """Also from the background of a shell, whose children ignore Ctrl-C."""
    scale = "like: demo\nnote: Made by a test.\nrecipes: { small: { epochs: 100000 } }\n"
    scale += "series_made: { fig3: [low] }\nmodels: { small-baseline: { seeds: 1 } }\n"  # one training alone
    (checkout.folder / "config/scales/slow.yaml").write_text(scale)
    begins = {"1/100000 epochs, ": signal.SIG_DFL, "resuming after epoch": signal.SIG_IGN}
    for words, handler in begins.items():
        before = signal.signal(signal.SIGINT, handler)  # is inherited
        try:
            process = started(checkout, "600", "slow.tar", "slow/figures/fig3.pdf", SAVING="60")
        finally:
            signal.signal(signal.SIGINT, before)
        with process:
            wait_for(partial(training_tells, checkout, words), process)
            process.terminate()
            told, _ = process.communicate(timeout=120)
        assert process.returncode == 1, told
        assert "not finished: slow/figures/fig3.pdf" in told
        assert training_tells(checkout, "stopped after epoch")
        with tarfile.open(checkout.folder / "tests/slow.tar") as kept:
            assert any(name.endswith(".checkpoint") for name in kept.getnames())
        shutil.rmtree(checkout.folder / "slow")


def training_tells(checkout: Any, words: str) -> bool:
    for path in (checkout.folder / "slow/logs/train").rglob("seed*.log"):
        with suppress(FileNotFoundError):  # a job that starts removes its old log
            if words in path.read_text():
                return True
    return False


def wait_for(what: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 200) -> None:
    """Wait until something is so, as long as a process runs; one that never comes so far is ended."""
    end = time.monotonic() + seconds
    while not what() and process.poll() is None:
        if time.monotonic() > end:
            process.terminate()
            pytest.fail("it never came so far")
        time.sleep(0.2)


def test_without_a_target_what_is_missing_costs_least_first(checkout: Any) -> None:
    found = checkout.run("workflow/scripts/missing.py", "night").stdout.split()
    assert sorted(found) == [f"night/figures/{name}.pdf" for name in ("audit", "fig4b", "fig4d", "table3")]
    assert found[:2] == ["night/figures/fig4b.pdf", "night/figures/fig4d.pdf"]
    made = checkout.folder / "night/figures/fig4b.pdf"
    made.parent.mkdir(parents=True)
    made.touch()
    assert checkout.run("workflow/scripts/missing.py", "night").stdout.split() == found[1:]
    assert "expected a scale of that name" in checkout.run("workflow/scripts/missing.py", "nigth").stdout
