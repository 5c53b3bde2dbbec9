"""A Snakemake that is gone takes its jobs with it, and what they had is taken up again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCALE = """\
threads: 1
note: Made by a test.
datasets:
  cifar10: { source: shapes32, per_class: 20, test_per_class: 10 }
recipes:
  vgg: { epochs: 40, batch_size: 50, evaluate_every: 40 }
models:
  vgg16-baseline: { seeds: 1, options: { width: 0.0625 } }
"""
TARGET = "tiny/results/models/vgg16-baseline/seed1.history.csv"
TYPED = (TARGET, "--config", "device=cpu", "checkpoint_seconds=1000")


def heed_signals() -> None:
    """As in a terminal: under nohup, or in the background of a script, these signals are ignored."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def wait(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes through /proc")
@pytest.mark.parametrize(
    ("number", "send"),
    [(signal.SIGKILL, os.kill), (signal.SIGHUP, os.kill), (signal.SIGINT, os.killpg)],
    ids=["killed", "terminal lost", "Ctrl-C"],
)
def test_a_job_ends_with_its_workflow_and_is_taken_up_again(
    number: signal.Signals, send: Callable[[int, int], None], new_project: Callable[[], Any]
) -> None:
    project = new_project()
    (project.folder / "config/scales/tiny.yaml").write_text(SCALE)
    assert project.make("data/shapes32/train.json", "data/shapes32/test.json") == {"prepare_data": 2}
    workflow = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1", *TYPED],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=heed_signals,
    )
    models = project.folder / Path(TARGET).parent
    lock = models / "seed1.safetensors.lock"
    wait(lambda: lock.exists() and "process" in lock.read_text())
    job = int(lock.read_text().split()[1])
    time.sleep(1.0)
    send(workflow.pid, number)
    workflow.wait(60)
    wait(lambda: not runs(job), 30)
    assert (models / "seed1.checkpoint").exists()
    project.snakemake("--unlock", TARGET)
    assert project.make(*TYPED)["train"] == 1
    assert "resuming after" in (project.folder / "tiny/logs/train/vgg16-baseline/seed1.log").read_text()
