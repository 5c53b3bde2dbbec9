"""The tables of the networks, against the published layer lists."""

import pytest
import torch
from torch import nn

from flexnet.errors import ConfigError
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.networks import describe as module
from flexnet.networks.describe import describe, kind_of

LEARNED = {"scheme": "learned"}
# Convolution by convolution: output, weights with bias, those of batch normalisation, thresholds if flexible.
VGG16 = [
    ("64x32x32", 1_792, 128, 65_536),
    ("64x30x30", 36_928, 128, 57_600),
    ("128x30x30", 73_856, 256, 115_200),
    ("128x30x30", 147_584, 256, 115_200),
    ("256x15x15", 295_168, 512, 57_600),
    ("256x15x15", 590_080, 512, 57_600),
    ("256x15x15", 590_080, 512, 57_600),
    ("512x7x7", 1_180_160, 1_024, 25_088),
    ("512x7x7", 2_359_808, 1_024, 25_088),
    ("512x7x7", 2_359_808, 1_024, 25_088),
    ("512x3x3", 2_359_808, 1_024, 4_608),
    ("512x3x3", 2_359_808, 1_024, 4_608),
    ("512x3x3", 2_359_808, 1_024, 4_608),
]


def total(rows, column):
    return sum(row[column] for row in rows)


def only(rows, *kinds):
    return [row for row in rows if row["kind"] in kinds]


def test_every_convolution_of_vgg16_is_the_published_one():
    rows = describe("vgg16", {"flexible": "all", "layer": LEARNED})
    convolutions, norms = only(rows, "flexible"), only(rows, "batchnorm")[:13]
    found = [
        (conv["out_shape"], conv["weights"], norm["weights"], conv["thresholds"])
        for conv, norm in zip(convolutions, norms, strict=True)
    ]
    assert found == VGG16
    assert [row["out_shape"] for row in only(rows, "maxpool")] == [
        "128x15x15",
        "256x7x7",
        "512x3x3",
        "512x1x1",
    ]
    assert [row["rate"] for row in only(rows, "dropout")] == [0.3, 0.4, 0.4, 0.4, 0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("network", "options", "weights", "thresholds"),
    [
        ("vgg16", {}, 14_775_646, 0),
        ("vgg16", {"flexible": "single", "layer": LEARNED}, 14_775_646, 57_600),
        ("vgg16", {"flexible": "all", "layer": LEARNED}, 14_775_646, 615_424),
        ("vgg16", {"flexible": "all", "layer": LEARNED, "input_size": 224}, 14_775_646, 34_210_816),
        ("vgg16", {"flexible": "single", "layer": {"scheme": "frozen"}}, 14_775_646, 57_600),
        ("small", {"layer": LEARNED}, 844_654 - 6_912, 6_912),
        ("small", {}, 844_654 - 6_912, 0),
        ("surrogate", {}, 2_360_138, 0),
    ],
)
def test_weights_and_thresholds_add_up(network, options, weights, thresholds):
    rows = describe(network, options)
    assert (total(rows, "weights"), total(rows, "thresholds")) == (weights, thresholds)


def test_shapes_follow_each_other():
    rows = describe("vgg16", {"flexible": "single", "layer": LEARNED})
    assert rows[0]["in_shape"] == "3x32x32"
    assert [row["in_shape"] for row in rows[1:]] == [row["out_shape"] for row in rows[:-1]]
    assert [row["step"] for row in rows] == list(range(len(rows)))
    assert rows[-1]["out_shape"] == "10"


def test_the_flexible_layer_is_the_second_convolution_without_padding():
    rows = only(describe("vgg16", {"flexible": "single", "layer": LEARNED}), "conv", "flexible")
    assert [row["kind"] for row in rows] == ["conv", "flexible", *["conv"] * 11]
    assert {name: rows[1][name] for name in ("kernel", "stride", "padding")} == {
        "kernel": 3,
        "stride": 1,
        "padding": 0,
    }


def test_describing_leaves_random_state_alone():
    before = torch.get_rng_state()
    describe("small", {"layer": LEARNED})
    assert torch.equal(torch.get_rng_state(), before)


def test_a_layer_of_ones_own_may_look_at_its_weights(tmp_path, monkeypatch):
    """Which lie nowhere where a network is built without memory for them."""
    (tmp_path / "scaled_own.py").write_text(
        "from torch import nn\n\n\nclass Scaled(nn.Conv2d):\n"
        "    def __init__(self, *args, **kwargs):\n        super().__init__(*args, **kwargs)\n"
        "        self.scale = float(self.weight.detach().std())\n"
    )
    monkeypatch.chdir(tmp_path)
    before = torch.get_rng_state()
    rows = describe("small", {"layer": {"kind": "scaled_own.Scaled"}})
    assert next(row["kind"] for row in rows if row["module"].startswith("features")) == "Scaled"
    assert torch.equal(torch.get_rng_state(), before)


def test_kinds_of_layers():
    assert kind_of(FlexibleConv2d(1, 1, 3, scheme="conv")) == "conv"
    assert kind_of(FlexibleConv2d(1, 1, 3, scheme="random")) == "flexible"
    assert kind_of(nn.Softmax(1)) == "Softmax"


def test_a_layer_passed_twice_is_refused(monkeypatch):
    shared = nn.Linear(4, 4)
    monkeypatch.setattr(module, "expected_images", lambda *_: (1, 2, 4))
    monkeypatch.setattr(module, "build", lambda *_: Twice(shared.to("meta")))
    with pytest.raises(ConfigError, match="passed once; rows hold 40 of its 20 weights"):
        describe("small", {})


class Twice(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, images):
        return self.layer(self.layer(images.flatten(1)))


@pytest.fixture
def rows_of(monkeypatch):
    """Describes a network for images (1, 4, 4)."""

    def rows(network):
        monkeypatch.setattr(module, "expected_images", lambda *_: (1, 4, 4))
        monkeypatch.setattr(module, "build", lambda *_: network.to("meta"))
        return describe("small", {})

    return rows


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel_size": (1, 3)}, r"square window, .*; got kernel_size \(1, 3\)"),
        ({"kernel_size": 2, "padding": "same"}, r"padded alike on all sides; got padding \(0, 1, 0, 1\)"),
    ],
)
def test_a_window_that_is_not_square_is_refused(rows_of, options, message):
    with pytest.raises(ConfigError, match=message):
        rows_of(nn.Sequential(nn.Conv2d(1, 1, **options)))


@pytest.mark.parametrize(
    ("options", "padding"),
    [({"padding": "same"}, 1), ({"padding": "same", "dilation": 2}, 2), ({"padding": "valid"}, 0)],
)
def test_padding_given_in_words_is_told_in_pixels(rows_of, options, padding):
    (row,) = rows_of(nn.Sequential(nn.Conv2d(1, 1, 3, **options)))
    assert row["padding"] == padding


class ByName(nn.Module):
    """Calls its layers by keyword, the second by a name of its own."""

    def __init__(self):
        super().__init__()
        self.conv, self.scale = nn.Conv2d(1, 2, 3), Scale()

    def forward(self, images):
        return self.scale(maps=self.conv(input=images))


class Scale(nn.Module):
    def forward(self, maps):
        return 2 * maps


def test_layers_may_be_called_by_keyword(rows_of):
    rows = rows_of(ByName())
    assert [(row["in_shape"], row["out_shape"]) for row in rows] == [("1x4x4", "2x2x2"), ("2x2x2", "2x2x2")]


def test_a_network_that_branches_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"'features.0', a SplitMaps, maps Tensor to list; describe a net"):
        describe("hmax", {"prototypes": 2})
