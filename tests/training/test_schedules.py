"""Schedules: each rate is that of torch's scheduler of the same kind, and idle settings are refused."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from flexnet.errors import ConfigError
from flexnet.options.rules import made
from flexnet.training.recipe import Recipe
from flexnet.training.schedules import SCHEDULES

PUSH_PULL = {"kind": "milestones", "epochs": [80, 120, 160], "factor": 0.1}
# Each schedule, as torch has it.
SAME: dict[str, tuple[dict[str, Any], int, Callable[[Any], Any]]] = {
    "step": (
        {"kind": "step", "step_size": 7, "gamma": 0.5},
        30,
        lambda it: lr_scheduler.StepLR(it, 7, 0.5),
    ),
    "milestones": (PUSH_PULL, 200, lambda it: lr_scheduler.MultiStepLR(it, [80, 120, 160], 0.1)),
    "cosine": ({"kind": "cosine"}, 30, lambda it: lr_scheduler.CosineAnnealingLR(it, 30)),
    "constant": ({"kind": "constant"}, 30, lambda it: lr_scheduler.ConstantLR(it, 1.0, 0)),
}


def test_every_schedule_is_compared() -> None:
    assert set(SAME) == set(SCHEDULES)


@pytest.mark.oracle
@pytest.mark.parametrize("kind", SAME)
@pytest.mark.filterwarnings("ignore:Detected call of")
def test_each_epoch_has_the_rate_that_torch_gives_it(kind: str) -> None:
    schedule, epochs, make = SAME[kind]
    recipe = Recipe(epochs=epochs, learning_rate=0.1, schedule=schedule)
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    theirs, expected = make(optimiser), []
    for _ in range(epochs):
        expected.append(optimiser.param_groups[0]["lr"])
        theirs.step()
    assert [recipe.rate(epoch) for epoch in range(1, epochs + 1)] == pytest.approx(expected, rel=1e-9)


def test_the_rate_falls_after_a_milestone_and_not_at_it() -> None:
    recipe = Recipe(epochs=200, learning_rate=0.1, schedule=PUSH_PULL)
    rates = [recipe.rate(epoch) for epoch in (1, 80, 81, 120, 121, 160, 161, 200)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001, 0.0001, 0.0001])


def test_a_cosine_starts_at_the_rate_and_is_never_nothing() -> None:
    recipe = Recipe(epochs=4, learning_rate=2.0, schedule={"kind": "cosine"})
    half = math.sqrt(0.5)
    assert [recipe.rate(epoch) for epoch in (1, 2, 3, 4)] == pytest.approx([2, 1 + half, 1, 1 - half])


def test_the_old_keys_and_the_kind_step_are_the_same_to_the_bit() -> None:
    old = Recipe(epochs=150, learning_rate=0.001, step_size=20, gamma=0.7)
    steps = {"kind": "step", "step_size": 20, "gamma": 0.7}
    new = replace(old, schedule=steps, step_size=None, gamma=None)
    rates = [0.001 * 0.7 ** ((epoch - 1) // 20) for epoch in range(1, 151)]
    for recipe in (old, new, Recipe(schedule={"kind": "step"})):
        assert [recipe.rate(epoch) for epoch in range(1, 151)] == rates


@pytest.mark.parametrize("kind", SCHEDULES)
def test_a_rate_depends_on_the_epoch_alone(kind: str) -> None:
    schedule = made(SCHEDULES, SAME[kind][0])
    shares = [schedule.share(epoch, 30) for epoch in range(1, 31)]
    assert [schedule.share(epoch, 30) for epoch in range(30, 0, -1)] == shares[::-1]
    assert shares[0] == 1.0
    assert all(0 < share <= 1 for share in shares)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("cosine", "recipe.schedule: expected a schedule by its kind, such as {kind: cosine}; got 'cosine'"),
        ({"epochs": [3]}, "recipe.schedule: expected a schedule by its kind, such as {kind: constant}; got"),
        ([], "recipe.schedule: expected a schedule by its kind"),
        ({"kind": "milestone"}, "got 'milestone'; did you mean 'milestones'?"),
        ({"kind": ["step"]}, "recipe.schedule.kind: expected one of ['constant', 'cosine', "),
        ({"kind": "cosine", "gamma": 1}, "recipe.schedule: unknown key 'gamma'; expected keys among []"),
        ({"kind": "step", "stepsize": 3}, "'step_size']; did you mean 'step_size'?"),
        ({"kind": "step", "gamma": 0}, "recipe.schedule.gamma: expected a number above 0; got 0"),
        ({"kind": "milestones"}, "recipe.schedule: expected the key 'epochs' as well"),
        ({"kind": "milestones", "epochs": 80}, "recipe.schedule.epochs: expected a list of epochs"),
        ({"kind": "milestones", "epochs": []}, "recipe.schedule.epochs: expected a list of epochs"),
        ({"kind": "milestones", "epochs": [0]}, "recipe.schedule.epochs.0: expected a whole number of at"),
        ({"kind": "milestones", "epochs": [1.5]}, "recipe.schedule.epochs.0: expected a whole number of at"),
        (
            {"kind": "milestones", "epochs": [5, 5]},
            "recipe.schedule.epochs: expected epochs after which the rate changes, none of them",
        ),
        ({"kind": "milestones", "epochs": [80, 12]}, "recipe.schedule.epochs: expected epochs in ascending"),
        (
            {"kind": "milestones", "epochs": [80, 150]},
            "recipe: schedule.epochs.1: expected less than the 150 epochs of the recipe, or else",
        ),
        (
            {"kind": "milestones", "epochs": [3], "factor": True},
            "recipe.schedule.factor: expected a number above 0; got True",
        ),
    ],
)
def test_wrong_schedules_are_named(schedule: Any, message: str) -> None:
    for make in (lambda: Recipe(schedule=schedule), lambda: Recipe.from_mapping({"schedule": schedule})):
        with pytest.raises(ConfigError) as caught:
            make()
        assert message in str(caught.value)


@pytest.mark.parametrize("key", ["step_size", "gamma"])
def test_the_old_keys_beside_a_schedule_are_refused_and_can_be_taken_back(key: str) -> None:
    with pytest.raises(ConfigError, match=rf"recipe: {key} has no effect beside schedule.*{key}: null\)"):
        Recipe(schedule={"kind": "cosine"}, **{key: 3})
    recipe = Recipe.from_mapping({"schedule": {"kind": "cosine"}, key: None})
    assert (recipe.step_size, recipe.gamma) == (None, None)
