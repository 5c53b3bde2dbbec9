"""Jobs spread over the GPUs of a machine and share one only where that was asked for; no GPU is needed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from flexnet.cards import SHARE_VARIABLE, VISIBLE, cards, jobs_per_card
from flexnet.stages import command

ROOT = Path(__file__).parents[1]
LISTING = """\
GPU 0: NVIDIA H100 (UUID: GPU-aa)
  MIG 1g.10gb Device 0: (UUID: MIG-11)
GPU 1: NVIDIA H100 (UUID: GPU-bb)
"""
# Takes a card, says which and when, holds it until its input ends, and says when that was.
JOB = """\
import os, sys, time
from flexnet.cards import take_card
print(take_card(), os.environ.get("CUDA_VISIBLE_DEVICES"), "torch" in sys.modules, flush=True)
sys.stdin.read()
"""


def with_tool(folder: Path, script: str) -> dict[str, str]:
    """An environment in which `nvidia-smi` is a script."""
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}")
    tool.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


class Job:
    """A process that takes a card and holds it until it is told to let go."""

    def __init__(self, folder: Path, **variables: str) -> None:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)} | variables
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, "-c", JOB], env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )

    def card(self) -> tuple[str, str]:
        """The card that it took, and what it sees; waits until it has one."""
        assert self.process.stdout is not None
        taken, seen, torch = self.process.stdout.readline().split()
        assert torch == "False"
        return taken, seen

    def said(self) -> str:
        """What it said while it waited."""
        assert self.process.stderr is not None
        return self.process.stderr.readline()

    def end(self, kill: bool = False) -> None:
        if kill:
            self.process.kill()
        self.process.communicate()


# --- which cards there are --------------------------------------------------------------------------


def test_cards_are_what_the_driver_lists(tmp_path: Path) -> None:
    assert cards(with_tool(tmp_path, f"cat <<X\n{LISTING}X\n")) == ["GPU-aa", "GPU-bb"]


def test_cards_are_those_that_the_user_left_visible(tmp_path: Path) -> None:
    environment = with_tool(tmp_path, f"cat <<X\n{LISTING}X\n")
    assert cards({**environment, VISIBLE: "2, 0"}) == ["2", "0"]
    assert cards({**environment, VISIBLE: ""}) == []


@pytest.mark.parametrize("script", ["", "exit 9\n", "echo No devices were found\n"])
def test_without_a_card_there_is_none(script: str, tmp_path: Path) -> None:
    assert cards(with_tool(tmp_path, script)) == []
    assert cards({"PATH": str(tmp_path / "empty")}) == []


@pytest.mark.parametrize(
    ("jobs", "there", "share"), [(1, 1, 1), (1, 4, 1), (4, 4, 1), (5, 4, 2), (8, 4, 2), (3, 1, 3), (0, 2, 1)]
)
def test_a_card_is_shared_only_where_more_jobs_are_asked_for_than_cards(
    jobs: int, there: int, share: int
) -> None:
    assert jobs_per_card(jobs, there) == share


# --- who takes which --------------------------------------------------------------------------------


def test_each_job_sees_a_card_of_its_own_and_the_next_waits_for_one(tmp_path: Path) -> None:
    given = {SHARE_VARIABLE: "1", VISIBLE: "3,GPU-aa"}
    first = Job(tmp_path, **given)
    assert first.card() == ("3", "3")
    second = Job(tmp_path, **given)
    assert second.card() == ("GPU-aa", "GPU-aa")
    third = Job(tmp_path, **given)
    assert third.said() == "waiting for a GPU: other jobs hold all 2; this one goes on when one ends\n"
    time.sleep(0.2)
    second.end(kill=True)
    assert third.card() == ("GPU-aa", "GPU-aa")
    for job in (first, third):
        job.end()


def test_cards_are_shared_only_after_each_has_a_job(tmp_path: Path) -> None:
    given = {SHARE_VARIABLE: "2", VISIBLE: "0,1"}
    jobs = []
    for expected in ("0", "1", "0", "1"):
        jobs.append(Job(tmp_path, **given))
        assert jobs[-1].card()[0] == expected
    jobs[1].end()
    jobs[1] = Job(tmp_path, **given)
    assert jobs[1].card()[0] == "1"
    for job in jobs:
        job.end()


@pytest.mark.parametrize(
    "given",
    [{VISIBLE: "0,1"}, {SHARE_VARIABLE: "1", VISIBLE: "1"}, {SHARE_VARIABLE: "1", "PATH": "/nowhere"}],
    ids=["by hand", "assigned", "no GPU"],
)
def test_where_there_is_nothing_to_choose_nothing_changes(given: dict[str, str], tmp_path: Path) -> None:
    jobs = [Job(tmp_path, **given) for _ in range(2)]
    for job in jobs:
        assert job.card() == ("None", given.get(VISIBLE, "None"))
        job.end()


def test_two_allocations_of_a_queue_do_not_mix_up_their_numbers(tmp_path: Path) -> None:
    given = {SHARE_VARIABLE: "1", VISIBLE: "0,1"}
    jobs = [Job(tmp_path, **given, SLURM_JOB_ID=number) for number in ("7", "8")]
    assert [job.card()[0] for job in jobs] == ["0", "0"]
    for job in jobs:
        job.end()


@pytest.mark.parametrize(
    ("stage", "takes"), [("train", True), ("evaluate", True), ("import_weights", True), ("collect", False)]
)
def test_a_stage_that_computes_takes_its_card_before_it_imports_torch(
    stage: str, takes: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    happened: list[str] = []
    monkeypatch.setattr(command, "take_card", lambda: happened.append("card"))
    module = SimpleNamespace(run=lambda *_: happened.append("run"))
    monkeypatch.setattr(command, "import_needed", lambda name: happened.append(name) or module)
    described = command.STAGES[stage]
    settings = json.dumps(dict.fromkeys(described.settings, ""))
    files = [word for name in described.files for word in (f"--{name}", str(tmp_path / name))]
    assert command.main([stage, "--settings", settings, *files]) == 0
    assert happened == ["card"] * takes + [f"flexnet.stages.{stage}", "run"]
