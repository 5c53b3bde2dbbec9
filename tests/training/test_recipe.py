"""Recipes: the paper's numbers, the schedule, and errors that name the key."""

import json
import re
from dataclasses import fields, replace
from typing import Any

import pytest

from flexnet.errors import ConfigError
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun


def test_the_defaults_are_those_of_the_paper() -> None:
    recipe = Recipe()
    assert (recipe.epochs, recipe.batch_size, recipe.learning_rate) == (150, 100, 0.001)
    assert (recipe.momentum, recipe.weight_decay, recipe.threshold_weight_decay) == (0.9, 0.006, 0.0)
    assert (recipe.step_size, recipe.gamma, recipe.flip) == (20, 0.7, 0.5)


def test_the_rate_falls_by_gamma_after_each_step_of_epochs() -> None:
    recipe = Recipe(learning_rate=0.1, step_size=20, gamma=0.7)
    assert [recipe.rate(epoch) for epoch in (1, 20, 21, 40, 41)] == pytest.approx(
        [0.1, 0.1, 0.07, 0.07, 0.049]
    )


def test_the_last_epoch_is_always_evaluated() -> None:
    recipe = Recipe(epochs=7, evaluate_every=3)
    assert [epoch for epoch in range(1, 8) if recipe.evaluates(epoch)] == [3, 6, 7]


NAN, INF = float("nan"), float("inf")
# For each key what is no value of it, and what the message says.
WRONG: dict[str, tuple[list[Any], str]] = {
    "epochs": ([0, -1, 1.5, 10.0, "10", True, NAN, INF, None, [10]], "expected a whole number of at least 1"),
    "batch_size": ([1, 0, 20.0, "20", True, NAN, None], "expected a whole number of at least 2"),
    "learning_rate": ([0, -0.1, "0.1", True, NAN, INF, None, [0.1]], "expected a positive number"),
    "momentum": ([-0.1, "0.9", False, NAN, INF, None], "expected a number of 0 or more"),
    "nesterov": ([0, 1, "yes", None], "expected true or false"),
    "weight_decay": ([-1, "0", True, NAN, None], "expected a number of 0 or more"),
    "threshold_weight_decay": ([-1, "0", True, NAN, None], "expected a number of 0 or more"),
    "step_size": ([0, 1.5, 20.0, "20", True, NAN], "expected a whole number of at least 1"),
    "gamma": ([0, -1, "0,5", True, NAN, INF], "expected a positive number"),
    "flip": ([-0.1, 1.5, "0.5", True, NAN], "expected a probability in [0, 1]"),
    "evaluate_every": ([0, 1.5, "1", True, None], "expected a whole number of at least 1"),
    "score_training": ([0, "yes", None], "expected true or false"),
    "precision": (["fp8", 32, None, ["bf16"]], "expected one of ['float32', 'tf32', 'bf16']"),
    "compile": ([0, "no", None], "expected true or false"),
    "schedule": ([7, "steps", []], "expected a schedule by its kind"),
    "augment": ([7, "flip", {}], "expected a list of augmentations"),
    "adversarial": (["pgd", 0.1, {"epsilon": 0.1}], "expected an adversary by its kind"),
}


def test_every_key_is_checked() -> None:
    assert set(WRONG) == {entry.name for entry in fields(Recipe)}


@pytest.mark.parametrize("key", WRONG)
def test_a_value_that_is_none_of_its_key_is_named_however_it_came(key: str) -> None:
    values, expected = WRONG[key]
    for value in values:
        for make in (lambda it: Recipe(**it), Recipe.from_mapping, lambda it: replace(Recipe(), **it)):
            with pytest.raises(ConfigError) as caught:
                make({key: value})
            message = str(caught.value)
            assert message.startswith(f"recipe.{key}: {expected}"), message
            assert f"got {value!r}" in message


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epoch": 3}, "recipe: unknown key 'epoch'; expected keys among ["),
        ({"epoch": 3}, "did you mean 'epochs'?"),
        ({"epochs": "1e3"}, "got '1e3', which is text; write 1000"),
        ({"precision": "bf61"}, "got 'bf61'; did you mean 'bf16'?"),
        (
            {"nesterov": True, "momentum": 0},
            "recipe: momentum: expected a number above 0 with nesterov; got 0",
        ),
        (["epochs"], "recipe: expected options with their values; got ['epochs']"),
        (None, "recipe: expected options with their values; got None"),
    ],
)
def test_wrong_recipes_are_named(values: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Recipe.from_mapping(values)
    assert message in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Recipe.from_mapping({"epochs": 0, "gamma": 0, "augment": [{"kind": "flip", "probability": 2}]})
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "recipe.epochs",
        "recipe.gamma",
        "recipe.augment.0.probability",
    ]


# --- what is told of a recipe: the identity of a run -----------------------------------------------

OLD = (
    '{"batch_size":100,"compile":false,"epochs":150,"evaluate_every":1,"flip":0.5,"gamma":0.7,'
    '"learning_rate":0.001,"momentum":0.9,"precision":"float32","step_size":20,"threshold_weight_decay":0.0,'
    '"weight_decay":0.006}'
)
OLD_SMALL = (
    '{"batch_size":50,"compile":false,"epochs":8,"evaluate_every":8,"flip":0,"gamma":0.7,"learning_rate":0.02,'
    '"momentum":0.9,"precision":"bf16","step_size":2,"threshold_weight_decay":0.006,"weight_decay":0}'
)


def told(recipe: Recipe) -> str:
    """What weights files and checkpoints hold of a recipe."""
    return TrainingRun("m", 1, "small", {}, recipe).metadata()["recipe"]


def test_a_recipe_without_later_keys_is_told_as_it_always_was() -> None:
    small = {
        **{
            "epochs": 8,
            "batch_size": 50,
            "learning_rate": 0.02,
            "weight_decay": 0,
            "step_size": 2,
            "flip": 0,
        },
        **{"threshold_weight_decay": 0.006, "evaluate_every": 8, "precision": "bf16"},
    }
    assert told(Recipe()) == told(Recipe.from_mapping({})) == OLD
    assert told(Recipe(nesterov=False, schedule=None, augment=None, adversarial=None)) == OLD
    assert told(Recipe.from_mapping(small)) == OLD_SMALL


@pytest.mark.parametrize(
    ("values", "left_out"),
    [
        ({"nesterov": True}, set()),
        ({"score_training": True}, set()),
        ({"schedule": {"kind": "cosine"}}, {"step_size", "gamma"}),
        ({"schedule": {"kind": "milestones", "epochs": [80, 120]}}, {"step_size", "gamma"}),
        ({"augment": [{"kind": "crop", "padding": 4}, {"kind": "flip"}]}, {"flip"}),
        ({"augment": []}, {"flip"}),
    ],
)
def test_what_is_told_is_in_force_and_comes_back(values: dict[str, Any], left_out: set[str]) -> None:
    recipe = Recipe(**values)
    expected = {key: value for key, value in json.loads(OLD).items() if key not in left_out} | values
    assert json.loads(told(recipe)) == expected
    assert Recipe.from_mapping(json.loads(told(recipe))) == recipe


def test_flip_alone_is_the_short_form_of_a_list() -> None:
    crop = [{"kind": "crop", "padding": 1}]
    assert Recipe(flip=0.25).augmentations() == [{"kind": "flip", "probability": 0.25}]
    assert Recipe().augmentations() == [{"kind": "flip", "probability": 0.5}]
    assert Recipe(flip=0).augmentations() == Recipe(augment=[]).augmentations() == []
    assert Recipe(augment=crop).augmentations() == crop


def test_flip_beside_a_list_is_refused_and_can_be_taken_back() -> None:
    crop = [{"kind": "crop", "padding": 4}]
    with pytest.raises(ConfigError, match=r"recipe: flip has no effect beside augment.*flip: null\)"):
        Recipe(augment=crop, flip=0.5)
    assert Recipe.from_mapping({"augment": crop, "flip": None}).augmentations() == crop


def test_what_does_not_fit_the_images_is_named() -> None:
    recipe = Recipe(augment=[{"kind": "flip"}, {"kind": "crop", "padding": 32}])
    (problem,) = recipe.unfit(32, 32)
    assert str(problem).startswith("augment.1.padding: expected less than 32, the side of the images")
    assert list(recipe.unfit(33, 33)) == []


def test_what_attacks_training_images_is_told_and_checked() -> None:
    attacked = Recipe(adversarial={"kind": "pgd", "epsilon": 0.1})
    assert json.loads(told(attacked)) == {
        **json.loads(OLD),
        "adversarial": {"kind": "pgd", "epsilon": 0.1},
    }
    for wrong, words in (
        ({"kind": "pdg", "epsilon": 0.1}, "recipe.adversarial.kind: expected one of ['pgd']"),
        ({"kind": "pgd"}, "recipe.adversarial: expected the key 'epsilon' as well"),
        ({"kind": "pgd", "epsilon": 8}, "recipe.adversarial.epsilon: expected at most 1"),
        ({"kind": "pgd", "epsilon": 0.1, "step": 0}, "recipe.adversarial.step: expected a positive number"),
    ):
        with pytest.raises(ConfigError, match=re.escape(words)):
            Recipe(adversarial=wrong)
