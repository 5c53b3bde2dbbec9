"""How fast this machine trains is measured by a few steps, and what takes long is said before it starts."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch

from flexnet.stages import cost
from flexnet.training import cost as timing
from flexnet.training.cost import core_seconds_per_image, seconds_per_image
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun
from flexnet.training.trainer import Trainer

RECIPE = {"epochs": 10, "evaluate_every": 4, "batch_size": 20}
TINY = TrainingRun("tiny", 1, "small", {"width": 0.1, "input_size": 12}, Recipe.from_mapping(RECIPE))


def test_the_time_of_a_step_is_divided_by_its_images() -> None:
    times = iter([100.0, 105.0])
    assert seconds_per_image(TINY, torch.device("cpu"), clock=lambda: next(times)) == 5.0 / 20
    assert not Path("unused.checkpoint").exists()


@pytest.mark.parametrize(("first", "steps"), [(0.04, 2), (0.02, 5), (0.001, 10), (0.0, 10)])
def test_short_steps_are_timed_several_at_once(
    first: float, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them are done: an epoch that was begun before would skip some."""
    times, done, step = iter([100.0, 100.0 + first, 200.0, 201.0]), [], Trainer.step
    monkeypatch.setattr(Trainer, "step", lambda *batch: done.append(1) or step(*batch))
    found = seconds_per_image(TINY, torch.device("cpu"), clock=lambda: next(times))
    assert found == pytest.approx(1.0 / (20 * steps))
    assert len(done) == 1 + 1 + steps


def test_two_small_steps_tell_what_a_large_one_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step of n images takes 0.4 + 0.01 n seconds."""
    timed: list[int] = []

    def fake(run: TrainingRun, device: torch.device, clock: Any) -> float:
        timed.append(run.recipe.batch_size)
        return 0.4 / run.recipe.batch_size + 0.01

    monkeypatch.setattr(timing, "seconds_per_image", fake)
    large = TrainingRun("l", 1, "small", {}, Recipe.from_mapping({**RECIPE, "batch_size": 100}))
    assert core_seconds_per_image(large, torch.device("cpu")) == pytest.approx(0.004 + 0.01)
    assert timed == [8, 32]
    small = TrainingRun("s", 1, "small", {}, Recipe.from_mapping({**RECIPE, "batch_size": 4}))
    assert core_seconds_per_image(small, torch.device("cpu")) == pytest.approx(0.11)


def test_the_stage_prints_the_seconds_of_each_run(capsys: pytest.CaptureFixture[str]) -> None:
    threads = torch.get_num_threads()
    row = {"network": "small", "options": TINY.options, "recipe": RECIPE}
    cost.run({"runs": {"one": row, "two": row}}, Namespace())
    torch.set_num_threads(threads)
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"one", "two"}
    assert all(0 < seconds < 1 for seconds in found.values())
