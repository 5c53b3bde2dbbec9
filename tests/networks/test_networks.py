"""Parameter counts, map sizes and cost of the networks, against the published layer lists."""

import pytest
import torch
from torch import nn

from flexnet.errors import ConfigError
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.networks.classifier import Classifier
from flexnet.networks.registry import build, networks
from flexnet.networks.small import FlattenUnits

LEARNED = {"scheme": "learned"}


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def on_meta(name: str, **options: object) -> Classifier:
    with torch.device("meta"):
        return build(name, **options)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 14_775_646),
        ({"flexible": "single", "layer": LEARNED}, 14_833_246),
        ({"flexible": "all", "layer": LEARNED}, 15_391_070),
        ({"pooling": "pooled_max"}, 14_775_646),
        ({"pooling": "pooled_avg"}, 14_775_646),
        ({"input_size": 224}, 14_775_646),
        ({"input_size": 224, "flexible": "single", "layer": LEARNED}, 17_929_822),
        ({"input_size": 224, "flexible": "all", "layer": LEARNED}, 48_986_462),
        ({"input_size": 224, "head": "flatten"}, 23_377_246),
        ({"input_size": 224, "head": "flatten", "flexible": "single", "layer": LEARNED}, 26_531_422),
        ({"input_size": 224, "head": "flatten", "flexible": "all", "layer": LEARNED}, 57_588_062),
        ({"input_size": 224, "channels": 1, "normalise": "half"}, 14_774_494),
        (
            {"input_size": 224, "channels": 1, "normalise": "half", "flexible": "all", "layer": LEARNED},
            48_985_310,
        ),
    ],
)
def test_vgg16_has_the_published_number_of_parameters(options: dict[str, object], count: int) -> None:
    assert parameters(on_meta("vgg16", **options)) == count


def test_small_and_surrogate_have_the_published_number_of_parameters() -> None:
    assert parameters(on_meta("small", layer=LEARNED)) == 844_654
    assert parameters(on_meta("surrogate")) == 2_360_138


def test_thresholds_of_all_layers_add_up_to_the_published_number() -> None:
    network = on_meta("vgg16", flexible="all", layer=LEARNED)
    layers = [module for module in network.modules() if isinstance(module, FlexibleConv2d)]
    assert len(layers) == 13
    assert sum(layer.threshold.numel() for layer in layers) == 615_424


def maps(network: Classifier, size: int) -> list[tuple[int, ...]]:
    """Shapes of the maps that leave each block (after its dropout)."""
    shapes = []
    image = torch.zeros(2, 3, size, size, device="meta")
    for layer in network.features:
        image = layer(image)
        if isinstance(layer, nn.Dropout2d):
            shapes.append(tuple(image.shape[1:]))
    return shapes


def test_map_sizes_at_32_are_those_of_the_list() -> None:
    sizes = [(64, 30, 30), (128, 15, 15), (256, 7, 7), (512, 3, 3), (512, 1, 1)]
    assert maps(on_meta("vgg16"), 32) == sizes


def test_map_sizes_at_224_leave_a_map_of_13() -> None:
    assert maps(on_meta("vgg16", input_size=224), 224)[-1] == (512, 13, 13)


def test_pooled_controls_reach_one_pixel_after_block_four() -> None:
    for pooling in ("pooled_max", "pooled_avg"):
        shapes = maps(on_meta("vgg16", pooling=pooling), 32)
        assert shapes == [(64, 15, 15), (128, 7, 7), (256, 3, 3), (512, 1, 1), (512, 1, 1)]


def test_single_baseline_twins_share_their_weights() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        baseline = build("vgg16", width=0.125)
        torch.manual_seed(3)
        pinned = build("vgg16", width=0.125, flexible="single", layer={"scheme": "conv"})
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(baseline.eval()(images), pinned.eval()(images))


def test_normalisation_is_the_first_layer_and_has_the_published_constants() -> None:
    network = build("vgg16", width=0.125)
    assert next(iter(network.children())) is network.normalise
    image = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1) + 0.229
    expected = torch.tensor([1.0, 0.229 / 0.224, 0.229 / 0.225])
    torch.testing.assert_close(network.normalise(image).flatten(), expected)


@pytest.mark.parametrize("name", networks())
def test_every_network_maps_images_to_logits_and_trains(name: str) -> None:
    reduced = {"prototypes": 8} if name == "hmax" else {"width": 0.125}
    network = build(name, **reduced, classes=7, channels=1, input_size=32, normalise="half")
    logits = network(torch.rand(3, 1, 32, 32))
    assert logits.shape == (3, 7)
    logits.square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("vgg61", {}, "network: expected a network; got 'vgg61'; did you mean 'vgg16'"),
        ("vgg16", {"depth": 3}, "network 'vgg16': unknown key 'depth'; expected keys among .*'width'"),
        ("vgg16", {"widht": 0.125}, "unknown key 'widht'; .*; did you mean 'width'"),
        ("vgg16", {"width": "0.25"}, "width: expected a positive number; got '0.25'"),
        ("vgg16", {"width": float("nan")}, "width: expected a positive number; got nan"),
        ("vgg16", {"width": True}, "width: expected a positive number; got True"),
        ("vgg16", {"classes": 10.0}, "classes: expected a whole number of at least 1; got 10.0"),
        ("vgg16", {"layer": "learned", "flexible": "single"}, "layer: expected options .*; got 'learned'"),
        ("vgg16", {"layer": {"shceme": "learned"}}, "layer: unknown key 'shceme'; .* did you mean 'scheme'"),
        ("vgg16", {"flexible": 2}, "flexible: expected one of .* or a list of layer numbers .*; got 2"),
        (
            "vgg16",
            {"flexible": [2, 2]},
            r"flexible: expected layer numbers .* none of them twice; got \[2, 2\]",
        ),
        ("vgg16", {"flexible": []}, r"a list of layer numbers from 1 to 13, at least one; got \[\]"),
        ("vgg16", {"flexible": [99]}, r"flexible.0: expected a whole number from 1 to 13; got 99"),
        (
            "small",
            {"layer": {"scheme": "uniform"}},
            "layer.scheme: expected a value with the scheme 'uniform'",
        ),
        ("small", {"layer": {"value": 0.1}}, "layer.value: the scheme 'uniform' and no other takes a value"),
        ("vgg16", {"flexible": "some"}, "flexible: expected one of .*; got 'some'"),
        ("vgg16", {"flexible": [0]}, "flexible.0: expected a whole number from 1 to 13; got 0"),
        ("vgg16", {"pooling": "none"}, "pooling: expected one of .*; got 'none'"),
        ("vgg16", {"head": "wide"}, r"head: expected one of \['global', 'flatten'\]; got 'wide'"),
        ("vgg16", {"width": -1}, "width: expected a positive number; got -1"),
        ("vgg16", {"input_size": 17}, "input_size: expected a whole number of at least 18; got 17"),
        ("vgg16", {"channels": 1}, "statistics for 3 channels, but the images have 1"),
        ("vgg16", {"normalise": "cifar"}, "normalise: expected one of .*; got 'cifar'"),
        ("small", {"input_size": 4}, "input_size: expected a whole number of at least 5; got 4"),
    ],
)
def test_wrong_options_are_named(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(name, **options)


def test_units_are_flattened_by_position_whatever_their_order_in_memory() -> None:
    maps = torch.arange(2 * 3 * 2 * 2.0).view(2, 3, 2, 2)
    by_position = [
        [float(maps[n, c, h, w]) for h in (0, 1) for w in (0, 1) for c in range(3)] for n in (0, 1)
    ]
    last = maps.to(memory_format=torch.channels_last)
    assert FlattenUnits()(maps).tolist() == FlattenUnits()(last).tolist() == by_position
    assert FlattenUnits()(last).data_ptr() == last.data_ptr()  # no copy
