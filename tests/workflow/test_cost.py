"""Without a GPU the papers' scale says first what it will cost, and what is sooner, and goes on."""

import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from flexnet.stages import cost
from flexnet.training.cost import in_words, run_seconds, seconds_per_image
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun

RECIPE = {"epochs": 10, "evaluate_every": 4, "batch_size": 20}
ROW: dict[str, Any] = {
    "network": "small",
    "options": {"width": 0.1},
    "recipe": RECIPE,
    "training": 1000,
    "scored": 300,
    "count": 4,
}
TINY = TrainingRun("tiny", 1, "small", {"width": 0.1, "input_size": 12}, Recipe.from_mapping(RECIPE))


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every image takes a millisecond; the list tells which networks were timed."""
    calls: list[str] = []

    def fake(run: TrainingRun, device: torch.device) -> float:
        calls.append(run.network)
        return 0.001

    monkeypatch.setattr(cost, "seconds_per_image", fake)
    yield calls
    torch.set_flush_denormal(False)  # which the stage switched on


def test_a_run_costs_its_steps_and_a_third_for_each_scored_image() -> None:
    recipe = TINY.recipe  # evaluates after epochs 4, 8 and 10
    assert run_seconds(TINY, training=1000, scored=300, per_image=0.001) == pytest.approx(10.3)
    assert [epoch for epoch in range(1, 11) if recipe.evaluates(epoch)] == [4, 8, 10]


def test_the_time_of_a_step_is_divided_by_its_images() -> None:
    times = iter([100.0, 105.0])
    assert seconds_per_image(TINY, torch.device("cpu"), clock=lambda: next(times)) == 5.0 / 20
    assert not Path("unused.checkpoint").exists()


@pytest.mark.parametrize(
    ("cores", "threads", "at_once"), [(1, 1, 1), (2, 1, 2), (8, 4, 2), (6, 4, 1), (1, 4, 1)]
)
def test_a_plan_adds_its_runs_and_shares_the_cores(
    cores: int, threads: int, at_once: int, timed: list[str]
) -> None:
    plan = {"runs": [ROW, {**ROW, "count": 1}], "cores": cores}
    assert cost.plan(plan, {}, threads) == pytest.approx(5 * 10.3 / at_once)
    assert timed == ["small"]  # the second row is the same network


def test_only_what_changes_the_speed_is_timed_anew(timed: list[str]) -> None:
    measured: dict[str, float] = {}
    changes: list[dict[str, Any]] = [{}, {"epochs": 2}, {"precision": "bf16"}, {"batch_size": 50}]
    rows = [{**ROW, "recipe": {**RECIPE, **change}} for change in changes]
    cost.plan({"runs": [*rows, {**ROW, "options": {"width": 0.2}}], "cores": 1}, measured, 1)
    assert len(timed) == len(measured) == 4


def test_nothing_to_train_costs_nothing(timed: list[str]) -> None:
    assert cost.plan({"runs": [], "cores": 2}, {}, 1) == 0
    assert timed == []


def test_the_notice_names_cost_and_what_is_sooner(
    timed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    other = {"command": "snakemake demo --cores 2", "runs": [{**ROW, "count": 1}], "threads": 1}
    kept = {"command": "snakemake published/laptop/figures/fig4b.pdf --cores 2", "runs": [], "threads": 1}
    settings = {
        "runs": [{**ROW, "training": 50_000, "count": 15, "scored": 10_000}],
        "cores": 2,
        "threads": 2,
        "jobs": 15,
        "sooner": [kept, other],
    }
    threads = torch.get_num_threads()
    cost.run(settings, Namespace())
    torch.set_num_threads(threads)
    notice, first, second = capsys.readouterr().out.splitlines()
    # 15 runs of 10 epochs of 50,000 images and 3 evaluations of 10,000 at a third: 7,650 s
    assert "15 training runs at paper scale will take about 2.1 hours on 2 cores" in notice
    assert "can be stopped (Ctrl-C) and taken up again at any time. Sooner:" in notice
    assert first == f"  {kept['command']}    published rows, seconds"
    assert second == "  snakemake demo --cores 2    about 5 seconds"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 seconds"), (59, "59 seconds"), (60, "1.0 minutes"), (5400, "1.5 hours"), (200_000, "2.3 days")],
)
def test_durations_are_said_as_people_do(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


@pytest.mark.skipif(sys.platform == "darwin", reason="there the GPU is always at hand")
def test_the_papers_scale_says_its_cost_and_goes_on(project: Any) -> None:
    half = "flexible: none\n      width: 0.25"  # which saves most of the time
    with project.edited("config/config.yaml", "flexible: none", half):
        done = project.snakemake("figures/fig4b.pdf", "--config", "device=cpu", "download=false")
    number = r"about [0-9.]+ (seconds|minutes|hours|days)"
    paper = r"15 training runs at paper scale will take about [0-9.]+ (hours|days) on 2 cores"
    assert re.search(paper, done.stdout), done.stdout
    for scale in ("laptop", "demo"):
        assert re.search(rf"  snakemake {scale}/figures/fig4b\.pdf --cores 2    {number}\n", done.stdout)
    kept = "  snakemake published/laptop/figures/fig4b.pdf --cores 2    published rows, seconds\n"
    assert kept in done.stdout
    # It went on, to data that is not there.
    assert done.returncode == 1
    assert "flexnet data: error: expected cifar10/t" in done.stdout
    for source in ("mirror: no folder given", "torchvision: no root given", "download: not allowed here"):
        assert source in done.stdout
    assert "Traceback" not in done.stdout
    assert not list(project.folder.glob("data/**/*.safetensors"))
