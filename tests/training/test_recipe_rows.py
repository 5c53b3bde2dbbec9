"""Rows of `recipes`: the rules are the recipe's own, and rows that say nothing new make the same jobs."""

import copy
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from flexnet import config as settings
from flexnet.errors import ConfigError
from flexnet.study.configuration import Given, load_scales
from flexnet.study.jobs import train_settings, training_code
from flexnet.study.places import Places
from flexnet.study.schema import schema_problems
from flexnet.study.study import Study
from flexnet.study.typed import read_typed
from flexnet.training.recipe import Recipe

ROOT = Path(__file__).parents[2]
SCHEMA = settings.read_yaml(ROOT / "workflow/schemas/config.schema.yaml")
BASE = settings.read_yaml(ROOT / "config/config.yaml")
ROW = SCHEMA["properties"]["recipes"]["additionalProperties"]
CROP = {"kind": "crop", "padding": 4}
PUSH_PULL = {
    "schedule": {"kind": "milestones", "epochs": [80, 120]},
    "nesterov": True,
    "augment": [CROP, {"kind": "flip"}],
}
TAKEN_BACK = {"step_size": None, "gamma": None, "flip": None}


def loaded(layer: dict[str, Any]) -> settings.Config:
    config = settings.lay_over(BASE, layer)
    settings.check(config, SCHEMA, "scale.yaml")
    return settings.resolve(config, "scale.yaml")


def refused(recipes: dict[str, Any], models: dict[str, Any] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded({"recipes": recipes, "models": models or {}})
    return str(caught.value)


# --- one set of rules ------------------------------------------------------------------------------


def test_the_schema_has_the_keys_of_a_recipe() -> None:
    assert set(ROW["properties"]) == {entry.name for entry in fields(Recipe)} | {"like"}


VALUES = (
    0,
    1,
    -1,
    2,
    0.5,
    1.5,
    True,
    None,
    "10",
    "bf16",
    [],
    {},
    [1],
    [CROP],
    {"kind": "cosine"},
    float("nan"),
)


@pytest.mark.parametrize("key", sorted(set(ROW["properties"]) - {"like"}))
def test_the_schema_refuses_nothing_that_a_recipe_takes(key: str) -> None:
    jsonschema.Draft202012Validator.check_schema(ROW)
    taken = [value for value in VALUES if not list(Recipe.problems({key: value}))]
    assert taken
    for value in taken:
        assert schema_problems({key: value}, ROW) == [], value


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"epochs": 0}, "epochs: expected a whole number of at least 1; got 0"),
        ({"epochs": "many"}, "epochs: expected a whole number; got 'many'"),
        ({"batch_size": 1}, "batch_size: expected a whole number of at least 2; got 1"),
        ({"learning_rate": 0}, "learning_rate: expected a positive number; got 0"),
        ({"gamma": 0}, "gamma: expected a positive number; got 0"),
        ({"flip": 1.5}, "flip: expected a probability in [0, 1]; got 1.5"),
        (
            {"precision": "bf61"},
            "precision: expected one of ['float32', 'tf32', 'bf16']; got 'bf61'; did you",
        ),
        ({"schedule": "cosine"}, "schedule: expected keys with values or null; got 'cosine'"),
        ({"schedule": {"kind": "cosin"}}, "got 'cosin'; did you mean 'cosine'?"),
        ({"augment": CROP}, "augment: expected a list or null; got {'kind': 'crop'"),
        (
            {"augment": [{**CROP, "pading": 3}], "flip": None},
            "augment.0: unknown key 'pading'; expected keys",
        ),
        ({"augment": [CROP]}, "flip has no effect beside augment, which says all; remove one of them"),
        (
            {"schedule": {"kind": "cosine"}},
            "gamma has no effect beside schedule, which says all; remove one",
        ),
    ],
)
def test_a_wrong_row_is_named_before_any_job(row: dict[str, Any], message: str) -> None:
    told = refused({"vgg": row})
    assert told.startswith("scale.yaml: recipes.vgg")
    assert message in told


def test_milestones_beyond_the_epochs_of_a_shorter_scale_are_named() -> None:
    recipes = {"new": {"like": "vgg", **TAKEN_BACK, **PUSH_PULL}, "short": {"like": "new", "epochs": 100}}
    told = refused(recipes)
    assert "recipes.short: schedule.epochs.1: expected less than the 100 epochs of the recipe" in told
    assert "recipes.new" not in told


def test_augmentations_that_do_not_fit_the_images_of_a_model_are_named() -> None:
    recipes = {"wide": {"like": "vgg", "flip": None, "augment": [{**CROP, "padding": 30}]}}
    models = {"ours": {"like": "vgg16-baseline", "recipe": "wide"}}
    assert "wide" in loaded({"recipes": recipes, "models": models})["recipes"]  # 32 pixels can be mirrored
    models |= {"grey": {"like": "small-low", "recipe": "wide"}}
    assert (
        "models.grey.recipe: 'wide' does not fit dataset 'fashion-mnist': augment.0.padding: expected less"
        " than 28, the side of the images that are mirrored; got 30"
    ) in refused(recipes, models)


# --- inheritance -----------------------------------------------------------------------------------


def test_null_takes_back_the_keys_that_another_row_brought() -> None:
    recipes = loaded({"recipes": {"new": {"like": "vgg", **TAKEN_BACK, **PUSH_PULL}}})["recipes"]
    kept = {key: value for key, value in BASE["recipes"]["vgg"].items() if key not in TAKEN_BACK}
    assert recipes["new"] == kept | PUSH_PULL
    again = {"like": "new", "schedule": None, "augment": None, "flip": 0.25}
    layer = {"recipes": {"new": {"like": "vgg", **TAKEN_BACK, **PUSH_PULL}, "old": again}}
    assert loaded(layer)["recipes"]["old"] == kept | {"nesterov": True, "flip": 0.25}


def test_a_schedule_of_another_kind_takes_nothing_over_and_one_of_the_same_kind_does() -> None:
    first = {"like": "vgg", **TAKEN_BACK, **PUSH_PULL}
    others = {
        "cosine": {"like": "first", "schedule": {"kind": "cosine"}},
        "slower": {"like": "first", "schedule": {"factor": 0.5}},
        "same": {"like": "first", "schedule": {"kind": "milestones", "factor": 0.5}},
    }
    recipes = loaded({"recipes": {"first": first, **others}})["recipes"]
    slower = {"kind": "milestones", "epochs": [80, 120], "factor": 0.5}
    assert recipes["cosine"]["schedule"] == {"kind": "cosine"}
    assert recipes["slower"]["schedule"] == recipes["same"]["schedule"] == slower


def test_a_list_is_replaced_and_never_merged() -> None:
    first = {"like": "vgg", "flip": None, "augment": [CROP, {"kind": "flip"}]}
    recipes = {"first": first, "second": {"like": "first", "augment": [{"kind": "flip"}]}}
    assert loaded({"recipes": recipes})["recipes"]["second"]["augment"] == [{"kind": "flip"}]


def test_a_schedule_and_augmentations_can_be_typed() -> None:
    typed = read_typed(
        [
            "recipes={new: {schedule: {kind: milestones, epochs: [8, 12], factor: 1e-1}, nesterov: yes,"
            " augment: [{kind: crop, padding: 4}], step_size: null, flip: null, learning_rate: 1e-1}}"
        ],
        SCHEMA,
    )
    assert typed["recipes"]["new"] == {
        "schedule": {"kind": "milestones", "epochs": [8, 12], "factor": 0.1},
        "nesterov": True,
        "augment": [CROP],
        "step_size": None,
        "flip": None,
        "learning_rate": 0.1,
    }


# --- the same jobs as before -----------------------------------------------------------------------

OLD = {
    ("", "vgg16-baseline"): (
        '{"model":"vgg16-baseline","network":"vgg16","options":{"flexible":"none"},"recipe":{"batch_size":100,'
        '"epochs":150,"flip":0.5,"gamma":0.7,"learning_rate":0.001,"momentum":0.9,"step_size":20,'
        '"threshold_weight_decay":0.0,"weight_decay":0.006},"run_seed":0,"seed":1}'
    ),
    ("", "small-low-release"): (
        '{"model":"small-low-release","network":"small","options":{"layer":{"scheme":"uniform","value":0.1},'
        '"normalise":"none"},"recipe":{"batch_size":100,"epochs":15,"evaluate_every":10,"flip":0,"gamma":0.7,'
        '"learning_rate":0.001,"momentum":0.9,"step_size":15,"threshold_weight_decay":0.0,"weight_decay":0},'
        '"run_seed":0,"seed":1}'
    ),
}


@pytest.mark.parametrize(("scale", "model"), OLD)
def test_the_settings_of_a_job_that_uses_nothing_new_are_the_old_text(scale: str, model: str) -> None:
    """But for the digest of the code, which is no setting."""
    study = Study(load_scales(Places(ROOT, ROOT), SCHEMA, Given()), {}, {}, ROOT)
    told = json.loads(train_settings(study, scale, model, "1"))
    code = json.dumps(told.pop("code"))
    text = train_settings(study, scale, model, "1")
    assert text == OLD[scale, model].replace('{"model"', f'{{"code":{code},"model"', 1)


def test_code_depends_on_the_kinds_that_a_recipe_names() -> None:
    rows = [{}, {"nesterov": True}, {"schedule": {"kind": "cosine"}}, {"augment": [CROP]}]
    before = copy.deepcopy(rows)
    codes = [training_code("small", {}, row) for row in rows]
    assert codes[0] == codes[1]  # the same code; the settings differ
    assert len(set(codes[1:])) == 3
    assert rows == before
