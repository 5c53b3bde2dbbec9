import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from flexnet import config as settings
from flexnet.errors import ConfigError
from flexnet.figures.captions import band_sentence, caption
from flexnet.figures.facts import Facts

ROOT = Path(__file__).parents[2]


def table(*n, column="epoch"):
    count = len(n)
    return pd.DataFrame(
        {"series": ["baseline"] * count, column: range(count), "n": n, "n_images": [10000] * count}
    )


def test_a_caption_is_filled(make_facts):
    template = """{network} on {dataset} at {scale} scale, {protocol} protocol: {series};
        {train_images} and {n_images} images, n = {n}, {epochs} epochs, chance {chance}. {note}"""
    text = caption(template, table(5, 5), make_facts(training_images=50000, classes=8))
    assert text == (
        "VGG16 on shapes at demo scale, paper protocol: Baseline; 50,000 and 10,000 images, n = 5, 3 epochs, "
        "chance 12.5 %."
    )


@pytest.mark.parametrize(
    ("protocol", "n", "column", "expected"),
    [
        ("paper", (5, 5), "epoch", "Shading: ± the standard error of the mean over training seeds (n = 5)."),
        ("release", (3,), "epsilon", "Bars: ± the standard error of the mean over training seeds (n = 3)."),
        (
            "corrected",
            (3, 5),
            "epsilon",
            "Bars: the 95 % t interval of the mean over training seeds (n = 3 to 5).",
        ),
        ("release", (3,), "threshold", "Bars: ± the standard error of the mean over training seeds (n = 3)."),
        (
            "paper",
            (3,),
            "intervention",
            "Means ± the standard error of the mean over training seeds (n = 3).",
        ),
        ("corrected", (1, 1), "epoch", "One training seed per network (n = 1): no error can be given."),
        (
            "paper",
            (1, 4),
            "epoch",
            "Shading: ± the standard error of the mean over training seeds (n = 1 to 4); "
            "a network with one seed has none.",
        ),
        ("paper", (2, 2), "epoch", "Thin lines: both training seeds (n = 2)."),
        ("corrected", (2,), "epsilon", "Small dots: both training seeds (n = 2)."),
        ("corrected", (2,), "intervention", "In parentheses: both training seeds (n = 2)."),
        (
            "paper",
            (1, 2),
            "epsilon",
            "Small dots: both training seeds (n = 1 to 2); a network with one seed has none.",
        ),
        (
            "corrected",
            (2, 5),
            "epsilon",
            "Bars: the 95 % t interval of the mean over training seeds (n = 2 to 5); "
            "two seeds are small dots.",
        ),
    ],
)
def test_the_band_is_told_with_its_n(make_facts, protocol, n, column, expected):
    assert band_sentence(table(*n, column=column), make_facts(protocol=protocol)) == expected


def test_units_of_epsilon_follow_the_protocol(make_facts):
    assert "normalised units" in caption("{epsilon_units}", table(2), make_facts())
    assert "pixel units" in caption("{epsilon_units}", table(2), make_facts(protocol="corrected"))


def test_a_caption_speaks_of_a_papers_numbers_beside_evidence_only(make_facts):
    template = "Ours. {published} {crossing} {note}"
    rows, words = table(2, 2, column="epsilon"), {"published": "Diamonds: theirs.", "note": "End."}
    crossed = "Ours. Diamonds: theirs. Dotted line: where the paper's curves cross. End."
    assert caption(template, rows, make_facts(**words)) == crossed
    assert caption(template, rows, make_facts(**words, evidence=False)) == "Ours. End."


@pytest.mark.parametrize(
    ("precision", "told"),
    [("float32", "The papers' sizes."), ("bf16", "Trained with bf16 matrix products. The papers' sizes.")],
)
def test_the_precision_is_told_of_the_networks_that_are_shown(make_facts, precision, told):
    """At scale bf16 the push-pull paper's networks are trained in float32."""
    recipe = {"epochs": 3, "batch_size": 100, "precision": precision}
    note = settings.read_yaml(ROOT / "config/scales/bf16.yaml")["note"]
    assert caption("{note}", table(2), make_facts(recipe=recipe, note=note)) == told


def test_what_a_night_says_of_some_figures_is_so():
    base, night = (settings.read_yaml(ROOT / f"config/{name}.yaml") for name in ("config", "scales/night"))
    whole, short = settings.resolve(base), settings.resolve(settings.lay_over(base, night))
    assert "for Figures 4B and 4D, Table 3 and the audit of VGG16 a tenth of the paper's" in short["note"]
    figures = settings.read_yaml(ROOT / "config/figures.yaml")
    shown = {
        model for name in ("fig4b", "fig4d", "table3", "audit") for model in figures[name]["series"].values()
    }
    for recipe in {whole["models"][model]["recipe"] for model in shown} | {"surrogate"}:
        full, part = (config["recipes"][recipe] for config in (whole, short))
        assert full["epochs"] == 10 * part["epochs"]
        assert part["learning_rate"] == pytest.approx(10 * full["learning_rate"])


def test_the_attack_of_a_table_is_its_greatest_epsilon(make_facts):
    attacked = table(2, 2, column="epsilon").assign(epsilon=[0.0, 0.05])
    assert caption("{attack}", attacked, make_facts()) == "epsilon = 0.05 in normalised units"
    pixels = caption("{attack}", attacked, make_facts(protocol="corrected"))
    assert pixels == "epsilon = 0.05 in pixel units of the [0, 1] scale"


def test_a_table_without_images_can_have_a_caption_that_names_none(make_facts):
    assert caption("n = {n}", table(2).drop(columns="n_images"), make_facts()) == "n = 2"


def test_malformed_templates_are_refused(make_facts):
    with pytest.raises(ConfigError, match="unknown field 'seeds'; known are"):
        caption("{seeds}", table(2), make_facts())
    with pytest.raises(ConfigError, match="balance its braces"):
        caption("{n", table(2), make_facts())


def test_a_figure_without_runs_tells_none():
    schematic = Facts(
        scale="demo", protocol="mine", network="VGG16", labels={"a": "A", "b": "T = {threshold}"}
    )
    assert caption("{network}, {protocol} protocol", table(2), schematic) == "VGG16, mine protocol"
    assert (schematic.label("a"), schematic.label("b")) == ("A", "b")
    for field in ("epochs", "dataset", "chance", "band", "epsilon_units", "width"):
        with pytest.raises(ConfigError, match="expected the facts of the runs"):
            caption(f"{{{field}}}", table(3), schematic)


def test_bands_and_units_are_given_and_not_read_from_a_protocols_name(make_runs):
    runs = make_runs("baseline", protocol="corrected")
    facts = Facts("demo", "careful", runs=runs)
    assert "t interval" in caption("{band}", table(3), facts)
    assert "pixel units" in caption("{epsilon_units}", table(2), facts)
    attacked = table(2, 2, column="epsilon").assign(epsilon=[0.0, 0.05])
    assert caption("{attack}", attacked, facts) == "epsilon = 0.05 in pixel units of the [0, 1] scale"
    unattacked = Facts("demo", "careful", runs=replace(runs, space=None))
    with pytest.raises(ConfigError, match="says the unit of epsilon; got 'careful'"):
        caption("{attack}", attacked, unattacked)


def test_seeds_that_all_agree_have_no_error_and_it_is_told(make_facts):
    agreeing = table(3, 3).assign(sem=[0.1, math.nan])
    assert band_sentence(agreeing, make_facts()).endswith(
        "(n = 3); seeds that all have the same value have none."
    )
    assert band_sentence(table(3, 3).assign(sem=0.1), make_facts()).endswith("(n = 3).")


def test_a_series_without_label_keeps_its_name(make_facts):
    assert (make_facts().label("flexible"), make_facts().label("blend")) == ("Flexible, learned", "blend")
