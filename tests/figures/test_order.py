"""The registry's order is the order everywhere, and schematics show what the modules are."""

import importlib.util
import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

from flexnet import config as settings
from flexnet.figures import fig2
from flexnet.figures.facts import Facts
from flexnet.figures.order import in_order, shown_series
from flexnet.files import canonical_json, ordered_json
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.networks.registry import build, expected_images
from flexnet.stages.command import main
from flexnet.study.facts import facts_from_config
from flexnet.study.labels import labels_of
from flexnet.study.published import config_of
from flexnet.tables.facts import facts_path, read_facts

ROOT = Path(__file__).parents[2]
BASE = settings.read_yaml(ROOT / "config/config.yaml")
FIGURES = settings.read_yaml(ROOT / "config/figures.yaml")
SCALES = {
    "paper": settings.resolve(BASE),
    **{
        name: settings.resolve(settings.lay_over(BASE, settings.read_yaml(path)))
        for name, path in settings.scale_files(ROOT / "config/scales")
    },
}
PROTOCOLS = list(SCALES["paper"]["protocols"])
PUBLISHED = sorted(ROOT.glob("published/*/results/rows/*/**/*.csv"))


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("draw", ROOT / "workflow/scripts/draw.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def series_of(figure, protocol):
    return settings.series_of(FIGURES[figure], protocol)


def test_an_order_that_means_something_is_kept_and_another_is_not():
    series = {"single": 1, "all": 2}
    assert list(json.loads(ordered_json({"series": series}))["series"]) == ["single", "all"]
    assert canonical_json({"b": 1, "a": 2}) == canonical_json({"a": 2, "b": 1})


def test_rows_are_put_into_the_order_given_and_others_follow_as_they_are():
    table = pd.DataFrame({"series": ["x", "all", "single", "x", "all", "a"], "row": range(6)})
    ordered = in_order(table, ["single", "all"])
    assert ordered["series"].tolist() == ["single", "all", "all", "x", "x", "a"]
    assert ordered["row"].tolist() == [2, 1, 4, 0, 3, 5]
    assert shown_series(table, ["b", "single"], ["c", "all"]) == ["b", "single", "x", "all", "a", "c"]


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: "-".join(path.parts[-2:]))
def test_captions_and_tables_of_published_rows_are_in_the_order_of_the_registry(path, script, tmp_path):
    protocol, figure = labels_of(path)
    series = list(series_of(figure, protocol))
    labels = {name: f"<{name}>" for name in series}
    words = {"scale": "laptop", "protocol": protocol, "series": series, "labels": labels}
    home = ROOT / Path(*path.relative_to(ROOT).parts[:2])
    config = config_of(home, protocol, figure, None)
    told = facts_path(path)  # rows of before have none
    known = (
        read_facts(told) if told.exists() else facts_from_config(figure, FIGURES[figure], protocol, config)
    )
    settings_of = {"figure": figure, "words": words, "caption": "{series}. {differences}"}
    settings_of["runs"] = known.document()
    files = {name: tmp_path / f"{path.stem}.{ending}" for name, ending in
             {"table": "csv", "figure": "pdf", "caption": "md"}.items()}  # fmt: skip
    script.draw(settings_of, {"rows": path, **files})
    shown = list(dict.fromkeys(pd.read_csv(files["table"])["series"]))
    assert shown == [name for name in series if name in shown]
    told = files["caption"].read_text().splitlines()[0].split(". ")[0].removesuffix(".")
    assert told == "; ".join(labels[name] for name in shown)


def described(scale, protocol, folder):
    """Rows of Figure 2 as the workflow has them made, and the models behind its series."""
    models = {name: SCALES[scale]["models"][row] for name, row in series_of("fig2", protocol).items()}
    series = {name: {"network": row["network"], "options": row["options"]} for name, row in models.items()}
    text = ordered_json({"family": "description", "figure": "fig2", "protocol": protocol, "series": series})
    output = folder / "rows.csv"
    assert main(["describe", "--settings", text, "--output", str(output)]) == 0
    return fig2.read(output), models


def modules(row):
    """Convolutions of a configured network with the shapes that enter and leave them, in order of passing."""
    channels, size, _ = expected_images(row["network"], row["options"])
    passed = []
    with torch.device("meta"):
        network = build(row["network"], **row["options"]).eval()
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
                layer.register_forward_hook(lambda layer, given, out: passed.append((layer, given[0], out)))
        network(torch.empty(1, channels, size, size))
    return passed


def panel(figure):
    """What the boxes of convolutions say, from top to bottom."""
    words = [text.get_text() for axes in figure.axes for text in axes.texts]
    return [word.split()[0] for word in words if word.endswith("3\u00d73") and word[0] in "cf"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("scale", SCALES)
def test_figure_2a_shows_the_flexible_convolution_of_the_modules(scale, protocol, tmp_path):
    rows, models = described(scale, protocol, tmp_path)
    facts = Facts(scale=scale, protocol=protocol, series=list(models), labels=FIGURES["fig2"]["labels"])
    convolutions = [layer for layer, _, _ in modules(models["single"]) if isinstance(layer, nn.Conv2d)]
    kinds = ["flexible" if isinstance(layer, FlexibleConv2d) else "conv" for layer in convolutions]
    assert [place for place, kind in enumerate(kinds, 1) if kind == "flexible"] == [2]  # as its caption says
    assert panel(fig2.draw(rows, facts)) == kinds
    alphabetical = rows.sort_values("series", kind="stable")
    assert panel(fig2.draw(in_order(alphabetical, facts.series), facts)) == kinds
    assert "second convolution flexible" in FIGURES["fig2"]["caption"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_figure_2_says_of_strides_and_padding_is_true(protocol):
    caption = FIGURES["fig2"]["caption"]
    assert "Strides are 1, pools' 2; convolutions whose map does not shrink are padded." in caption
    for model in series_of("fig2", protocol).values():
        for layer, given, out in modules(SCALES["paper"]["models"][model]):
            if isinstance(layer, nn.MaxPool2d):
                assert layer.stride == 2
            else:
                assert layer.stride == (1, 1)
                assert (given.shape[2:] == out.shape[2:]) == (layer.padding != (0, 0))


@pytest.mark.parametrize("protocol", ["paper", "release"])
def test_all_layers_are_flexible_where_figure_2_says_so(protocol):
    row = SCALES["paper"]["models"][series_of("fig2", protocol)["all"]]
    convolutions = [layer for layer, _, _ in modules(row) if isinstance(layer, nn.Conv2d)]
    assert len(convolutions) == 13
    assert all(isinstance(layer, FlexibleConv2d) for layer in convolutions)
    assert len({layer.threshold.shape for layer in convolutions}) > 1  # one threshold per unit


def test_figure_1_names_the_rule_of_its_network_under_each_protocol():
    rules = {
        protocol: SCALES["paper"]["models"][model]["options"]["layer"]["rule"]
        for protocol in PROTOCOLS
        for model in series_of("fig1", protocol).values()
    }
    assert rules == {"paper": "below", "release": "above", "corrected": "below"}
