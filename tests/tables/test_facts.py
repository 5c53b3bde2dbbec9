"""The file of facts: what is written is read again, and whatever is not what it claims to be stops."""

import json

import pytest

from flexnet.errors import DataError
from flexnet.files import canonical_json
from flexnet.tables.facts import (
    FigureFacts,
    facts_from_runs,
    facts_path,
    read_facts,
    worst_content,
    write_facts,
)

RECIPE = {"epochs": 15, "batch_size": 100, "learning_rate": 0.01, "flip": 0.5, "precision": "bf16"}
LAYER = {"layer": {"scheme": "uniform", "value": 0.1}}


def run(model="small-low", seed=1, recipe=RECIPE, options=LAYER, **changes):
    """What one seed says of itself; metadata are texts, as weights files hold them."""
    metadata = {
        "model": model,
        "seed": str(seed),
        "epoch": "15",
        "network": "small",
        "options": canonical_json(options),
        "recipe": canonical_json(recipe),
        "run_seed": "0",
        "code": "abc",
        "version": "1",
    }
    known = {
        "metadata": metadata,
        "subset": {"training": list(range(6000)), "scored": list(range(1000)), "split": "test"},
        "title": "Fashion-MNIST",
        "content": ["official", "official"],
        "classes": 10,
    }
    return {**known, **changes}


def made(series=None, band="sem", space="normalised"):
    return facts_from_runs("fig3", "paper", band, space, series or {"low": [run(seed=2), run(seed=1)]})


def test_facts_are_those_of_the_runs():
    facts = made({"high": [run("small-high", options={"width": 0.5})], "low": [run(seed=2), run(seed=1)]})
    assert [found.name for found in facts.series] == ["high", "low"]
    low = facts.of("low")
    assert (low.model, low.network, low.options, low.recipe) == ("small-low", "small", LAYER, RECIPE)
    assert (low.training_images, low.scored_images, low.classes, low.seeds) == (6000, 1000, 10, (1, 2))
    assert (low.title, low.content, low.threshold) == ("Fashion-MNIST", "official", 0.1)
    assert (facts.of("high").threshold, facts.of("high").factor("width"), low.factor("width")) == (
        None,
        0.5,
        1.0,
    )
    assert facts.of("mine") is None


def test_what_is_written_is_read_again_in_the_same_order(tmp_path):
    path = facts_path(tmp_path / "results/rows/paper/fig3.csv")
    assert path.name == "fig3.facts.json"
    facts = made({"z": [run()], "a": [run("other")]})
    write_facts(path, facts)
    assert read_facts(path) == facts
    assert [entry["name"] for entry in json.loads(path.read_text())["series"]] == ["z", "a"]
    first = path.read_bytes()
    write_facts(path, read_facts(path))
    assert path.read_bytes() == first


def test_weights_from_elsewhere_have_no_recipe():
    metadata = {key: value for key, value in run()["metadata"].items() if key != "recipe"}
    low = made({"low": [run(metadata=metadata)]}).of("low")
    assert (low.recipe, low.training_images, low.scored_images) == (None, None, 1000)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recipe": {**RECIPE, "epochs": 16}}, "recipe is .*15.* of seed 1 and .*16.* of seed 2"),
        ({"options": {}}, "options is"),
        ({"classes": 12}, "classes is 10 of seed 1 and 12 of seed 2"),
        ({"title": "CIFAR-10"}, "title is"),
        ({"content": ["official", "other"]}, "content is 'official' of seed 1 and 'other' of seed 2"),
        (
            {"subset": {"training": [1, 2], "scored": 1000}},
            "training_images is 6000 of seed 1 and 2 of seed 2",
        ),
        ({"model": "small-high"}, "model is"),
    ],
)
def test_seeds_that_were_made_differently_are_no_series(change, message):
    with pytest.raises(DataError, match=f"series low: expected seeds that differ in nothing else; {message}"):
        made({"low": [run(), run(seed=2, **change)]})


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ({}, "series: expected a list of series, at least one"),
        ({"low": []}, "series low: expected a run for each seed; got none"),
        ({"low": [run(), run()]}, "seeds: expected training seeds, none of them twice"),
        (
            {"low": [run(metadata={"model": "a"})]},
            r"expected a run that says its model.*KeyError\('network'\)",
        ),
        ({"low": [run(recipe={"epochs": 3})]}, "recipe: expected the key 'batch_size' as well"),
        (
            {"low": [run(recipe={**RECIPE, "epochs": 0})]},
            "recipe.epochs: expected a whole number of at least 1",
        ),
        ({"low": [run(content=["best"])]}, r"expected contents among .*; got \['best'\]"),
        ({"low": [run(content=[])]}, "expected contents among .*; got none"),
    ],
)
def test_runs_that_do_not_say_what_they_are_are_refused(series, message):
    with pytest.raises(DataError, match=message):
        facts_from_runs("fig3", "paper", "sem", "normalised", series)


def test_several_splits_are_known_as_little_as_the_least_known():
    assert worst_content(["official", "official"]) == "official"
    assert worst_content(["other", "official"]) == "other"
    assert worst_content(["official", "unknown"]) == "unknown"
    assert worst_content(["generated"]) == "generated"


def changed(document, path, value):
    """The document with another value at a path; without the key if the value is "gone"."""
    copy = json.loads(json.dumps(document))
    place = copy
    for key in path[:-1]:
        place = place[key]
    if value == "gone":
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["band"], "sd", r"band: expected one of \['sem', 'interval'\]; got 'sd'"),
        (["space"], "pixels", "space: .*did you mean 'pixel'"),
        (["series"], {}, "series: expected a list of series"),
        (["series"], [3], r"series.0: expected facts with their values; got 3"),
        (["colour"], "red", "unknown key 'colour'"),
        (["figure"], "gone", "expected the key 'figure' as well"),
        (["series", 0, "seeds"], "gone", "series.0: expected the key 'seeds' as well"),
        (["series", 0, "seeds"], [1, 1], "series.0.seeds: expected training seeds, none of them twice"),
        (["series", 0, "seeds"], [True], "series.0.seeds.0: expected a whole number"),
        (["series", 0, "training_images"], 6000.5, "series.0.training_images: expected a whole number"),
        (
            ["series", 0, "training_images"],
            None,
            "training_images: expected a number of images, as",
        ),
        (["series", 0, "classes"], 1, "series.0.classes: expected a whole number of at least 2; got 1"),
        (["series", 0, "content"], "good", "series.0.content: expected one of"),
        (["series", 0, "title"], "", "series.0.title: expected a text"),
        (["series", 0, "recipe", "epochs"], "15", "series.0.recipe.epochs: expected a whole number"),
        (["series", 0, "epochs"], 15, "series.0: unknown key 'epochs'"),
    ],
)
def test_a_file_that_is_changed_by_hand_stops(path, value, message, tmp_path):
    target = tmp_path / "fig3.facts.json"
    target.write_text(json.dumps(changed(made().document(), path, value)))
    with pytest.raises(DataError, match=message) as refusal:
        read_facts(target)
    assert str(target) in str(refusal.value)


def test_a_series_twice_is_refused():
    document = made().document()
    document["series"] *= 2
    with pytest.raises(DataError, match="expected every series once; got 'low' twice"):
        FigureFacts.from_document(document, "here")


@pytest.mark.parametrize("content", [None, "", "[", "[]", "3"])
def test_no_file_and_no_facts_are_told(content, tmp_path):
    path = tmp_path / "fig3.facts.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(
        DataError, match=r"fig3.facts.json: expected .*facts.*collect the figure's rows again"
    ):
        read_facts(path)
