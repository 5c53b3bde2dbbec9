"""Facts of rows that were published before runs told theirs agree with what such runs would have told."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flexnet import config as settings
from flexnet.errors import DataError
from flexnet.families.drawings import OWN
from flexnet.stages.subset import choose
from flexnet.study.facts import facts_from_config
from flexnet.study.figures import figure_problems
from flexnet.study.labels import require_runs
from flexnet.study.published import config_of
from flexnet.tables.facts import FigureFacts, facts_from_runs
from flexnet.tables.frames import read_rows
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun

ROOT = Path(__file__).parents[2]
FIGURES = settings.read_yaml(ROOT / "config/figures.yaml")
FOLDER = ROOT / "published/laptop"
ROWS = sorted(FOLDER.glob("results/rows/*/*.csv"))
LABELS = {"cifar10": (5000, 1000), "fashion_mnist": (6000, 1000)}  # of each class, to train and to test


def of_published(protocol, figure):
    config = config_of(FOLDER, protocol, figure, None)
    return facts_from_config(figure, FIGURES[figure], protocol, config), config


def as_run(config, model, seed):
    """What one seed would say of itself: metadata by the training room, images by the subset stage."""
    row = config["models"][model]
    recipe = Recipe.from_mapping(config["recipes"][row["recipe"]])
    metadata = TrainingRun(model, seed, row["network"], row.get("options", {}), recipe).metadata()
    dataset = config["datasets"][row["dataset"]]
    source = config["sources"][dataset["source"]]
    train, test = (np.repeat(np.arange(10), number) for number in LABELS[source["dataset"]])
    subset = choose({"dataset": row["dataset"], "row": dataset, "seed": seed, "run_seed": 0}, train, test)
    told = {"title": source["title"], "content": ["official", "official"], "classes": 10}
    return {"metadata": metadata, "subset": subset, **told}


def of_runs(facts, config):
    runs = {
        series.name: [as_run(config, series.model, seed) for seed in series.seeds] for series in facts.series
    }
    return facts_from_runs(facts.figure, facts.protocol, facts.band, facts.space, runs)


@pytest.mark.parametrize(
    ("protocol", "figure"), [("paper", "fig4b"), ("corrected", "fig4a"), ("release", "table2")]
)
def test_configuration_and_runs_tell_the_same(protocol, figure):
    facts, config = of_published(protocol, figure)
    assert of_runs(facts, config) == facts


@pytest.mark.parametrize(
    "changes", [{"holdout_per_class": 50}, {"holdout_per_class": 50, "score": "holdout"}]
)
def test_images_that_are_held_out_are_counted_as_they_are_chosen(changes):
    _, config = of_published("paper", "fig4b")
    config["datasets"]["cifar10"] = {"source": "cifar10", **changes}
    facts = facts_from_config("fig4b", FIGURES["fig4b"], "paper", config)
    assert facts.series[0].training_images == 49_500
    assert of_runs(facts, config) == facts


@pytest.mark.parametrize("path", ROWS, ids=lambda path: "-".join(path.parts[-2:]))
def test_published_rows_are_those_of_their_facts(path):
    facts, config = of_published(path.parent.name, path.stem)
    rows = read_rows(path)
    sections = config["protocols"][path.parent.name]
    require_runs(rows, facts, path.stem, path.parent.name, "here")
    assert (facts.band, facts.space) == {
        "paper": ("sem", "normalised"),
        "release": ("sem", "normalised"),
        "corrected": ("interval", "pixel"),
    }[path.parent.name]
    tested = rows[rows["split"] == "test"] if "split" in rows.columns else rows
    if "images" in rows.columns:  # drawings have numbers of their own
        tested = tested[tested["images"] == OWN]
    families = tested["family"] if "family" in tested.columns else FIGURES[path.stem]["family"]
    for (series, family), part in tested.assign(family=families).groupby(["series", "family"]):
        scored = facts.of(series).scored_images
        assert set(part["n"]) == {min(scored, (sections.get(family) or {}).get("images") or scored)}
        if "epoch" in part.columns:
            assert part["epoch"].max() == facts.of(series).recipe["epochs"]


def test_a_protocol_that_says_its_band_is_shown_so():
    _, config = of_published("paper", "fig4b")
    config["protocols"]["paper"]["band"] = "interval"
    assert facts_from_config("fig4b", FIGURES["fig4b"], "paper", config).band == "interval"
    assert facts_from_config("fig4b", FIGURES["fig4b"], "mine", config).space is None


def test_series_of_which_nothing_was_run_are_left_out():
    facts, config = of_published("paper", "fig4b")
    figure = {**FIGURES["fig4b"], "series": {**FIGURES["fig4b"]["series"], "later": "vgg16-later"}}
    assert facts_from_config("fig4b", figure, "paper", config) == facts


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda known: known.update(figure="fig4c"),
            "expected the facts of fig4b under paper; got those of fig4c",
        ),
        (lambda known: known.update(protocol="release"), "got those of fig4b under release"),
        (lambda known: known["series"].pop(1), "facts of every series that has rows, such as 'flexible'"),
        (
            lambda known: known["series"][0].update(model="other"),
            r"of model \['vgg16-baseline'\].*got \['other'\]",
        ),
        (lambda known: known["series"][0].update(seeds=[1, 2]), r"of seed \[1, 2, 3\].*got \[1, 2\]"),
    ],
)
def test_facts_of_other_runs_than_the_rows_are_refused(change, message):
    facts, _ = of_published("paper", "fig4b")
    document = facts.document()
    change(document)
    other = FigureFacts.from_document(document, "here")
    rows = read_rows(FOLDER / "results/rows/paper/fig4b.csv")
    with pytest.raises(DataError, match=message):
        require_runs(rows, other, "fig4b", "paper", "here")


def test_importing_it_needs_no_torch():
    import subprocess
    import sys

    code = "import sys, flexnet.study.facts, flexnet.tables.facts; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (
            "T = {treshold}",
            "labels.low: expected a field of labels; got 'treshold'; did you mean 'threshold'?",
        ),
        ("T = {threshold", "labels.low: expected a template; .*balance its braces"),
    ],
)
def test_a_label_with_a_field_that_does_not_exist_is_told_before_any_job(label, message):
    config = settings.resolve(settings.read_yaml(ROOT / "config/config.yaml"))
    rows = config["models"], config["protocols"]
    figure = FIGURES["fig3"]
    assert not list(figure_problems("fig3", figure, *rows))
    wrong = {**figure, "labels": {**figure["labels"], "low": label}}
    (problem,) = map(str, figure_problems("fig3", wrong, *rows))
    assert pd.Series([problem]).str.contains(message).all()
