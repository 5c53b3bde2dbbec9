"""Recipes: the paper's numbers, the schedule, and errors that name the key."""

import pytest

from flexnet.errors import ConfigError
from flexnet.training.recipe import Recipe


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


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epoch": 3}, "recipe: expected keys among .*; got 'epoch'"),
        ({"epochs": 0}, "recipe.epochs: expected a positive number; got 0"),
        ({"learning_rate": -0.1}, "recipe.learning_rate: expected a positive number; got -0.1"),
        ({"weight_decay": -1}, "recipe.weight_decay: expected 0 or more; got -1"),
        ({"flip": 1.5}, "recipe.flip: expected a probability in \\[0, 1\\]; got 1.5"),
        ({"precision": "fp8"}, "recipe.precision: expected one of .*; got 'fp8'"),
    ],
)
def test_wrong_recipes_are_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Recipe.from_mapping(values)
