import json

import pytest
from matplotlib.colors import same_color

from flexnet.figures import fig2, fig2b
from flexnet.figures.look import journal
from flexnet.figures.palette import ORANGE
from flexnet.stages.command import main

LAYER = {"scheme": "learned", "rule": "below"}
LABELS = {"single": "Single", "all": "All layers"}
PAGE_MM = 178.0


def described(folder, **options):
    settings = {
        "family": "description",
        "figure": "fig2",
        "protocol": "paper",
        "series": {
            "single": {"network": "vgg16", "options": {"flexible": "single", "layer": LAYER, **options}},
            "all": {"network": "vgg16", "options": {"flexible": "all", "layer": LAYER, **options}},
            "small": {"network": "small", "options": {"layer": LAYER}},
        },
    }
    path = folder / "rows.csv"
    assert main(["describe", "--settings", json.dumps(settings), "--output", str(path)]) == 0
    return fig2.summarise_rows(fig2.read(path))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return described(tmp_path_factory.mktemp("fig2"))


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_every_shape_and_every_count_of_thresholds_is_written(table, make_facts):
    written = texts(fig2.draw(table, make_facts(labels=LABELS)))
    assert {fig2.times(shape) for shape in table["out_shape"]} <= set(written)
    assert {f"{count:,}" for count in table["thresholds"] if count} <= set(written)
    assert written.count("2,360,832") == 5  # 2,359,808 of the convolution, 1,024 of its normalisation
    assert written.count("57,600") == 6  # single layer and its total; layers 2 and 5 to 7 of all


def test_totals_are_the_published_ones(table, make_facts):
    written = texts(fig2.draw(table, make_facts(labels=LABELS)))
    assert {"14,775,646", "615,424", "837,742"} <= set(written)


def test_the_order_of_vgg16(table, make_facts):
    boxes = [text for text in texts(fig2.draw(table, make_facts(labels=LABELS))) if "\u00d73" in text[-3:]]
    layers = [text for text in boxes if text.split()[0] in ("conv", "flexible")]
    assert layers == ["conv 3\u00d73", "flexible 3\u00d73", *["conv 3\u00d73"] * 11]


def test_layers_that_are_flexible_in_any_series_are_outlined(table, make_facts):
    patches = fig2.draw(table, make_facts(labels=LABELS)).axes[0].patches
    outlined = [patch for patch in patches if same_color(patch.get_edgecolor(), ORANGE)]
    assert len(outlined) == 13 + 1 + 2  # VGG16, the small network, the legend


@pytest.mark.parametrize("options", [{}, {"width": 0.25, "dropout": 0.25}, {"input_size": 224}])
def test_no_text_covers_another_or_leaves_the_page(options, tmp_path, make_facts, text_faults):
    figure = fig2.draw(described(tmp_path, **options), make_facts(scale="laptop", labels=LABELS))
    assert text_faults(figure) == []


def test_it_fits_two_columns(table, make_facts):
    figure = fig2.draw(table, make_facts(labels=LABELS))
    assert figure.get_figwidth() * 25.4 <= PAGE_MM


def test_one_series_has_one_column_of_thresholds(table, make_facts):
    written = texts(fig2.draw(table[table["series"] == "small"], make_facts(labels=LABELS)))
    assert written.count("thresholds") == 1
    assert "Single" not in written
    assert not {"A", "B"} & set(written)  # letters are of several networks


def test_the_legend_explains_every_look_that_is_drawn_and_no_other(table, make_facts):
    large = table[table["network"] == "vgg16"]
    written = texts(fig2.draw(large, make_facts(labels=LABELS)))
    assert {
        "Flexible Layer",
        "convolution, flexible in All layers",
        "pooling",
        "fully connected",
        "image, flattening",
        "width of the map",
        "BN: batch normalisation; drop: dropout and its rate",
    } <= set(written)
    assert "convolution" not in written  # each is flexible in one of both
    small = texts(fig2b.draw(table[table["network"] == "small"], make_facts(labels=LABELS)))
    assert {"Flexible Layer", "fully connected", "image, flattening"} <= set(small)
    assert not [text for text in small if "pooling" in text or "BN" in text or "drop" in text]


def test_one_network_fills_its_page_and_is_called_what_it_is(table, make_facts):
    large = table[table["network"] == "vgg16"]
    figure = fig2.draw(large, make_facts(labels=LABELS, network="VGG16 (with 0.125 of its width)"))
    assert "VGG16 (with 0.125 of its width)" in texts(figure)
    with journal():
        figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    page = figure.bbox
    assert min(box.y0 for box in boxes) < 0.05 * page.height
    assert max(box.x1 for box in boxes) > 0.95 * page.width
