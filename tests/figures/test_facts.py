"""Legends and captions tell what was run, also where series were not run alike."""

import importlib.util
import json
from pathlib import Path

import pandas as pd
import pytest

from flexnet import config as settings
from flexnet.errors import ConfigError, DataError
from flexnet.figures import fig4d
from flexnet.figures.captions import caption
from flexnet.figures.differences import difference_sentence
from flexnet.figures.facts import LABEL_FIELDS, Facts
from flexnet.study.facts import facts_from_config
from flexnet.study.published import config_of

ROOT = Path(__file__).parents[2]
FIGURES = settings.read_yaml(ROOT / "config/figures.yaml")
RECIPE = {"epochs": 3, "batch_size": 100, "learning_rate": 0.01, "precision": "float32"}
SERIES = ["baseline", "flexible", "random"]
TABLE = pd.DataFrame({"series": SERIES, "n": 2, "n_images": 500})


def differing(make_facts, **each):
    return make_facts(each={name: {"recipe": {**RECIPE, **changes}} for name, changes in each.items()})


@pytest.mark.parametrize(
    ("each", "sentence"),
    [
        ({}, ""),
        (
            {"flexible": {"recipe": {**RECIPE, "epochs": 30}}},
            "Series differ in epochs (30 for Flexible, learned; 3 for the others).",
        ),
        (
            {"baseline": {"training_images": 50_000}},
            "Series differ in training images (50,000 for Baseline; 1,000 for the others).",
        ),
        (
            {"baseline": {"title": "CIFAR-10"}, "random": {"options": {"width": 0.5}}},
            "Series differ in dataset (CIFAR-10 for Baseline; shapes for the others) and in width (0.5 for "
            "Flexible, random; 1 for the others).",
        ),
        (
            {"random": {"recipe": {**RECIPE, "learning_rate": 0.1, "nesterov": True}, "scored_images": 10}},
            "Series differ in test images (10 for Flexible, random; 500 for the others), in learning rate "
            "(0.1 for Flexible, random; 0.01 for the others) and in nesterov (yes for Flexible, random; none "
            "for the others).",
        ),
        (
            {"flexible": {"content": "other"}},
            "Series differ in dataset (shapes (content not the official one, or not known to be) for "
            "Flexible, learned; shapes for the others).",
        ),
        (
            {
                "flexible": {
                    "recipe": {**RECIPE, "adversarial": {"kind": "pgd", "epsilon": 0.1, "steps": 7}}
                },
                "random": {"recipe": {**RECIPE, "milestones": [10, 15]}},
            },
            "Series differ in attack on training images (pgd, epsilon 0.1, steps 7 for Flexible, learned; "
            "none for the others) and in milestones (10, 15 for Flexible, random; none for the others).",
        ),
        ({"flexible": {"recipe": {**RECIPE, "evaluate_every": 5, "compile": True}}}, ""),
        ({"flexible": {"options": {"width": 1.0, "layer": {"scheme": "random"}}}}, ""),
        ({"flexible": {"seeds": [1]}}, ""),  # the n of the table tells
    ],
)
def test_series_that_were_made_differently_are_told_in_a_sentence(each, sentence, make_facts):
    facts = make_facts(each=each)
    assert difference_sentence(facts) == sentence
    assert caption("Ours.", TABLE, facts) == f"Ours. {sentence}".strip()
    assert caption("{differences} Ours.", TABLE, facts) == f"{sentence} Ours.".strip()


def test_all_values_are_told_where_they_differ_whatever_the_first_series_has(make_facts):
    for name in ("baseline", "flexible"):
        words = caption(
            "{epochs} epochs, {batch} images.", TABLE, differing(make_facts, **{name: {"epochs": 30}})
        )
        assert words.startswith(("3 or 30 epochs, 100 images.", "30 or 3 epochs, 100 images."))
        assert f"(30 for {make_facts().label(name)}; 3 for the others)" in words
    both = make_facts(each={"random": {"title": "CIFAR-10", "classes": 20}})
    assert caption("{dataset}: {classes} classes, {chance}", TABLE, both).startswith(
        "shapes and CIFAR-10: 10 to 20 classes, 5 % to 10 %"
    )


def test_a_smaller_network_is_said_to_be_one_if_all_series_are(make_facts):
    small = make_facts(options={"width": 0.25, "dropout": 0.5})
    words = caption("{network}; {width}; {dropout}", TABLE, small)
    assert words == "VGG16 (with 0.25 of its width and 0.5 of its dropout rates); 0.25; 0.5"
    one = make_facts(each={"random": {"options": {"width": 0.25}}})
    assert caption("{network}.", TABLE, one) == (
        "VGG16. Series differ in width (0.25 for Flexible, random; 1 for the others)."
    )


@pytest.mark.parametrize(
    ("precision", "words"),
    [("float32", "float32"), ("bf16", "bf16 matrix products"), ("tf32", "TF32 matrix products")],
)
def test_precision_is_told_in_words(precision, words, make_facts):
    facts = make_facts(recipe={**RECIPE, "precision": precision})
    assert caption("{precision}", TABLE, facts) == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "End."),
        ({"recipe": {**RECIPE, "precision": "bf16"}}, "Trained with bf16 matrix products. End."),
        # Where networks differ another sentence says which is which.
        ({"each": {"random": {"recipe": {**RECIPE, "precision": "bf16"}}}}, "End."),
        ({"recipe": None}, "End."),  # weights from elsewhere: nothing was trained here
        ({"runs": None}, "End."),
    ],
)
def test_a_note_tells_the_precision_of_the_runs_and_no_other(changes, words, make_facts):
    assert caption("{note}", TABLE, make_facts(note="End.", **changes)).startswith(words)


def test_what_the_note_of_earlier_rows_says_is_not_said_twice(make_facts):
    facts = make_facts(note="Matrix products are bf16.", recipe={**RECIPE, "precision": "bf16"})
    assert caption("{note}", TABLE, facts) == "Matrix products are bf16."


def test_labels_tell_facts_of_their_own_series(make_facts):
    layer = {"options": {"layer": {"scheme": "uniform", "value": -0.9}}}
    labels = {"baseline": "{epochs} epochs", "flexible": "T = {threshold}", "random": "{model}"}
    facts = make_facts(labels=labels, each={"flexible": layer})
    assert [facts.label(name) for name in labels] == ["3 epochs", "T = −0.9", "random"]
    assert (facts.threshold("flexible"), facts.threshold("baseline")) == (-0.9, None)
    assert facts.label("mine") == "mine"
    absent = make_facts(labels=labels, runs=None)
    assert absent.label("flexible") == "flexible"
    with pytest.raises(ConfigError, match="label of flexible: field 'threshold': flexible has none"):
        make_facts(labels=labels).label("flexible")
    with pytest.raises(ConfigError, match="label of baseline: unknown field 'depth'; known are"):
        make_facts(labels={"baseline": "{depth}"}).label("baseline")


def test_every_field_of_a_label_has_words(make_facts):
    layer = {"options": {"layer": {"scheme": "uniform", "value": 0.1}}}
    facts = make_facts(
        labels={"flexible": " ".join(f"{{{name}}}" for name in LABEL_FIELDS)}, each={"flexible": layer}
    )
    assert facts.label("flexible") == "100 shapes 1 3 flexible float32 each epoch 500 0.1 1,000 1"


def test_captions_tell_how_often_networks_were_scored(make_facts):
    facts = differing(make_facts, flexible={"evaluate_every": 10}, random={"evaluate_every": 10})
    facts_of_one = make_facts(each={name: {"recipe": {**RECIPE, "evaluate_every": 10}} for name in SERIES})
    assert caption("Scored {scored}.", TABLE, facts).startswith("Scored each epoch or every 10 epochs.")
    assert caption("Scored {scored}.", TABLE, facts_of_one) == "Scored every 10 epochs."


def test_weights_from_elsewhere_have_no_schedule(make_facts):
    elsewhere = {"recipe": None, "training_images": None}
    with pytest.raises(ConfigError, match="field 'epochs': no run of the figure has one"):
        caption("{epochs}", TABLE, make_facts(**elsewhere))
    one = make_facts(each={"random": elsewhere})
    words = caption("{epochs} epochs.", TABLE, one)
    assert words.startswith(
        "3 epochs. Series differ in training images (none for Flexible, random; 1,000 for"
    )


def test_each_number_of_classes_has_its_level_of_chance(fgsm_rows, make_facts):
    facts = make_facts(each={"random": {"classes": 100}})
    figure = fig4d.draw(fig4d.summarise_rows(fgsm_rows), facts)
    levels = [line.get_ydata()[0] for line in figure.axes[0].get_lines() if line.get_gid() == "chance"]
    assert levels == [10.0, 1.0]


@pytest.fixture
def drawn(tmp_path):
    """Draws published or other rows with some configuration of today; the caption and the legend's labels."""
    spec = importlib.util.spec_from_file_location("draw", ROOT / "workflow/scripts/draw.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    names = {"table": "csv", "figure": "pdf", "caption": "md"}
    files = {name: str(tmp_path / f"figure.{ending}") for name, ending in names.items()}

    def draw(figure, document, protocol="paper", rows=None, **row):
        path = tmp_path / "facts.json"
        path.write_text(json.dumps(document))
        rows = str(rows or ROOT / f"published/laptop/results/rows/{protocol}/{figure}.csv")
        described = {**FIGURES[figure], **row}
        words = {"scale": "laptop", "protocol": protocol, "series": list(described["series"])}
        words |= {key: described[key] for key in ("labels", "network")}
        told = {"figure": figure, "caption": described["caption"], "words": words}
        script.draw(told, {"rows": rows, "facts": str(path), **files})
        return Path(files["caption"]).read_text()

    draw.files = [Path(name) for name in files.values()]
    return draw


def published(figure, protocol="paper"):
    config = config_of(ROOT / "published/laptop", protocol, figure, None)
    return facts_from_config(figure, FIGURES[figure], protocol, config).document()


def test_a_caption_follows_the_runs_and_nothing_else(drawn):
    document = published("fig3")
    assert "5 epochs) with other" in (before := drawn("fig3", document))
    assert "Trained at T = 0.1; Trained at T = 0.6" in before
    for series in document["series"]:
        series["recipe"]["epochs"] = 7
    document["series"][1]["options"]["layer"]["value"] = 0.7
    after = drawn("fig3", document)
    assert after == before.replace("5 epochs)", "7 epochs)").replace("T = 0.6", "T = 0.7")


def test_facts_of_other_rows_leave_no_file(drawn):
    with pytest.raises(DataError, match="expected the facts of fig3 under paper; got those of fig4b"):
        drawn("fig3", published("fig4b"))
    with pytest.raises(ConfigError, match="unknown field 'colour'"):
        drawn("fig3", published("fig3"), caption="{colour}")
    assert not [path for path in drawn.files if path.exists()]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("fig4d,paper", r"expected rows whose figure is 'fig3', as the path says; got \['fig4d'\]"),
        ("fig3,release", r"expected rows whose protocol is 'paper', as the path says; got \['release'\]"),
    ],
)
def test_rows_of_another_figure_or_protocol_leave_no_file(labels, message, drawn, tmp_path):
    """Though they could be drawn: but for what they say of themselves they are those of the figure."""
    ours = (ROOT / "published/laptop/results/rows/paper/fig3.csv").read_text()
    rows = tmp_path / "rows.csv"
    rows.write_text(ours.replace("\nfig3,paper,", f"\n{labels},"))
    with pytest.raises(DataError, match=message):
        drawn("fig3", published("fig3"), rows=rows)
    assert not [path for path in drawn.files if path.exists()]


def test_facts_hold_no_text_of_the_configuration():
    with pytest.raises(TypeError, match="epochs"):
        Facts(scale="demo", protocol="paper", epochs=3)
