"""HMAX: its published counts and map sizes, each stage against an independent computation, and its stem."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers.diagnostics import flexible_layers, gate_statistics, thresholds
from flexnet.layers.gabor import GaborS1
from flexnet.layers.randomness import redraw_layers
from flexnet.networks.classifier import Classifier
from flexnet.networks.hmax import MaxC1, SplitMaps, sides
from flexnet.networks.registry import build
from flexnet.training.checkpoint import load_model, save_tensors
from flexnet.training.optimiser import make_optimiser
from flexnet.training.recipe import Recipe

LEARNED = {"scheme": "learned"}
MODELS: dict[str, dict[str, Any]] = {
    "hmax": {},
    "hmax_flex": {"c1": "flexible", "s2": "flexible", "layer": LEARNED},
    "hmax_flex_c1": {"c1": "flexible", "layer": LEARNED},
    "hmax_conv": {"c1": "conv", "s2": "conv"},
}
SIZES = range(2, 17, 2)


def tiny(name: str = "hmax", **options: Any) -> Classifier:
    """One of the models with five prototypes of each size."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build("hmax", **{**MODELS[name], "prototypes": 5, **options})


def images(n: int = 3, channels: int = 1, size: int = 28) -> Tensor:
    x = torch.rand(n, channels, size, size, generator=torch.Generator().manual_seed(1))
    x[..., :5] = 0
    return x


def on_meta(name: str, **options: Any) -> Classifier:
    with torch.device("meta"):
        return build("hmax", **{**MODELS[name], **options})


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


# Prototypes 1,305,600, head 32,010, C1 convolutions 16 * sum of k^2 and 8 * 4 biases, thresholds 909,600.
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("hmax", 1_305_600 + 32_010),
        ("hmax_conv", 1_305_600 + 32_010 + 16 * 1_968 + 32),
        ("hmax_flex_c1", 1_305_600 + 32_010 + 16 * 1_968 + 32 + 800),
        ("hmax_flex", 1_305_600 + 32_010 + 16 * 1_968 + 32 + 800 + 908_800),
    ],
)
def test_models_have_the_specified_number_of_parameters(name: str, parameters: int) -> None:
    network = on_meta(name)
    assert count(network) == parameters
    assert count(network.head) == 32_010
    assert count(network.stem) == 0


def test_thresholds_are_one_for_each_band_and_each_band_and_size() -> None:
    network = on_meta("hmax_flex")
    shapes = [tuple(threshold.shape[1:]) for _, threshold in thresholds(network)]
    maps = (8, 6, 5, 5, 4, 4, 3, 3)
    assert sides(28) == maps
    assert shapes == [(4, d, d) for d in maps] + [(400, d + 1, d + 1) for _ in SIZES for d in maps]
    weights, gates = make_optimiser(network, Recipe()).param_groups
    assert len(gates["params"]) == 8 + 64
    assert len(weights["params"]) == 8 + 2 * 8 + 2
    assert sum(p.numel() for p in gates["params"]) == 908_800 + 800


@pytest.mark.parametrize(("size", "maps"), [(11, (3, 3, 2, 2, 2, 2, 2, 2)), (32, (9, 7, 6, 5, 5, 4, 4, 3))])
def test_map_sizes_are_those_of_a_pool(size: int, maps: tuple[int, ...]) -> None:
    assert sides(size) == maps
    shapes = [F.max_pool2d(torch.zeros(1, size, size), k, k // 2, k // 2).shape[1] for k in range(8, 23, 2)]
    assert tuple(shapes) == maps


@pytest.mark.parametrize("size", [28, 11])
def test_fixed_c1_is_the_maximum_filter_of_scipy(size: int) -> None:
    bands = GaborS1()(images(size=size))
    maps = SplitMaps(sides(size))(MaxC1()(bands))
    for band, window, found in zip(bands.unbind(1), range(8, 23, 2), maps, strict=True):
        border = ((0, 0), (0, 0), (0, window), (0, window))
        padded = np.pad(band.numpy(), border, constant_values=-np.inf)
        pooled = ndimage.maximum_filter(padded, (1, 1, window, window), mode="constant", cval=-np.inf)
        step, side = window // 2, found.shape[-1]
        centres = slice(0, side * step, step)
        np.testing.assert_array_equal(found.numpy(), pooled[:, :, centres, centres])


@pytest.mark.parametrize("name", ["hmax", "hmax_conv"])
def test_c2_is_the_greatest_response_over_positions_and_bands(name: str) -> None:
    network = tiny(name)
    fixed = network.fixed(images())
    maps = network.features[0](fixed)
    if name == "hmax_conv":
        bands = fixed.unflatten(1, (8, 4)).unbind(1)
        layers = network.features[0].bands
        maps = [
            F.conv2d(band, layer.weight, layer.bias, k // 2, k // 2)
            for band, layer, k in zip(bands, layers, range(8, 23, 2), strict=True)
        ]
    expected = []
    for size, layer in zip(SIZES, network.features[1].templates, strict=True):
        windows = torch.cat([F.unfold(band, size, padding=size // 2) for band in maps], 2).transpose(1, 2)
        patches = layer.weight.flatten(1)
        similar = windows @ patches.T if name == "hmax_conv" else -torch.cdist(windows, patches)
        expected.append(similar.amax(1))
    found = network.features(fixed)
    torch.testing.assert_close(found, torch.cat(expected, 1), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(network(images()), network.head(found))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("hmax", (800,)),
        ("hmax_flex", (32, 28, 28)),
        ("hmax_flex_c1", (32, 28, 28)),
        ("hmax_conv", (32, 28, 28)),
    ],
)
def test_what_the_stem_gives_may_be_kept(name: str, shape: tuple[int, ...]) -> None:
    network = tiny(name)
    with torch.no_grad():
        kept = network.fixed(images())
    assert kept.shape == (3, *shape) and kept.dtype == torch.float32
    assert torch.equal(network.rest(kept), network(images()))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(network.fixed(images()), kept)


def test_variants_start_from_the_same_templates_and_head() -> None:
    start = tiny().state_dict()
    for name in ("hmax_flex", "hmax_flex_c1", "hmax_conv"):
        other = tiny(name).state_dict()
        assert all(torch.equal(tensor, other[key]) for key, tensor in start.items())


@pytest.mark.parametrize("value", [-1e6, 1e6])
def test_extreme_thresholds_are_the_other_models(value: float) -> None:
    uniform = {"scheme": "uniform", "value": value}
    network = tiny("hmax_flex", layer=uniform)
    found = network.features(network.fixed(images()))
    if value < 0:  # all convolve: C1 of hmax_conv, S2 of hmax
        twin = tiny("hmax_conv", s2="template")
        twin.load_state_dict(network.state_dict(), strict=False)
        torch.testing.assert_close(found, twin.features(twin.fixed(images())))
    else:  # all pool: the maximum of an orientation over everything
        maps = tiny().features[0](tiny().fixed(images()))
        peaks = torch.stack([band.amax((2, 3)) for band in maps]).amax(0)
        assert torch.equal(found, peaks[:, [0, 1, 2, 3, 0]].repeat(1, 8))


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_saved_model_comes_back(name: str, tmp_path: Path) -> None:
    network = tiny(name)
    options = json.dumps({**MODELS[name], "prototypes": 5})
    save_tensors(tmp_path / "w", network.state_dict(), {"network": "hmax", "options": options})
    loaded, _ = load_model(tmp_path / "w")
    assert torch.equal(loaded(images()), network(images()))
    assert not any(tensor.is_meta for tensor in (*loaded.parameters(), *loaded.buffers()))
    assert len(list(loaded.parameters())) == len(list(network.parameters()))


def test_training_moves_everything_and_thresholds_where_gates_are_soft() -> None:
    network = tiny("hmax_flex", prototypes=40)
    F.cross_entropy(network(images(8)), torch.arange(8)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    moved = [
        threshold.grad.any().item() for _, threshold in thresholds(network) if threshold.grad is not None
    ]
    assert sum(moved[:8]) > 0 and sum(moved[8:]) > 0
    assert all(
        p.grad.any() for p in (*network.features[1].templates.parameters(), *network.head.parameters())
    )


def test_gates_are_measured_and_redrawn_like_those_of_any_network() -> None:
    network = tiny("hmax_flex", layer={"scheme": "redrawn"})
    records = gate_statistics(network, [images()])
    assert len(records) == 72 and all(0 < record.max_share < 1 for record in records)
    before = {name: layer.threshold.clone() for name, layer in flexible_layers(network)}
    redraw_layers(network, torch.Generator().manual_seed(3))
    assert not any(torch.equal(layer.threshold, before[name]) for name, layer in flexible_layers(network))


@pytest.mark.parametrize("name", sorted(MODELS))
def test_blank_images_have_finite_logits_and_gradients(name: str) -> None:
    network, blank = tiny(name), torch.zeros(2, 1, 28, 28, requires_grad=True)
    assert not network.fixed(blank).any()
    network(blank).sum().backward()
    gradients = [blank.grad, *(parameter.grad for parameter in network.parameters())]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("name", sorted(MODELS))
@pytest.mark.parametrize("size", [11, 32, 64])
def test_other_sizes_work(name: str, size: int) -> None:
    logits = tiny(name, input_size=size, classes=3)(images(size=size))
    assert logits.shape == (3, 3) and logits.isfinite().all() and (logits[0] != logits[1]).all()


def test_rgb_images_are_seen_by_their_luminance() -> None:
    colour = images(channels=3)
    grey = (colour * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    torch.testing.assert_close(tiny(channels=3)(colour), tiny()(grey), atol=1e-4, rtol=1e-4)


def test_width_scales_the_number_of_templates() -> None:
    assert count(on_meta("hmax", width=0.1)) == 130_560 + 3_210
    assert on_meta("hmax_flex", width=0.1)(torch.zeros(2, 1, 28, 28, device="meta")).shape == (2, 10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"c1": "mean"}, "c1: expected one of .*'max'.*; got 'mean'"),
        ({"s2": "max"}, "s2: expected one of .*'template'.*; got 'max'"),
        ({"channels": 2}, "channels: expected a whole number, 1 or 3; got 2"),
        ({"input_size": 10}, "input_size: expected a whole number of at least 11; got 10"),
        ({"s2": "flexible", "layer": {"scheme": "joint"}}, "layer.scheme: expected one of .*; got 'joint'"),
        ({"s2": "flexible", "layer": {"bias": False}}, "layer.bias: expected no bias with s2 'flexible'"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build("hmax", **options)
