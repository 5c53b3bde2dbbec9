"""The low-pass control, and the layer that is flexible and push-pull: what each is made of."""

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from flexnet.errors import ConfigError
from flexnet.layers import PushPullConv2d, convert
from flexnet.layers.both import FlexiblePushPullConv2d
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.layers.lowpass import LowPassConv2d
from flexnet.networks.registry import build
from flexnet.training.checkpoint import load_model, save_model


def images(channels: int = 3) -> torch.Tensor:
    return torch.rand(2, channels, 9, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_the_low_pass_filter_is_the_binomial_one_and_leaves_plain_areas() -> None:
    layer = LowPassConv2d(3, 4, 3, padding=1, size=5, dtype=torch.float64)
    row = torch.tensor([1, 4, 6, 4, 1], dtype=torch.float64) / 16
    torch.testing.assert_close(layer.filter[0, 0], torch.outer(row, row))
    plain = torch.full((1, 3, 9, 9), 0.7, dtype=torch.float64)
    torch.testing.assert_close(layer.smoothed(plain), plain)
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    assert list(layer.state_dict()) == ["weight"]


def test_the_low_pass_layer_convolves_what_it_smoothed_channel_by_channel() -> None:
    layer = LowPassConv2d(3, 4, 3, padding=1, size=3, dtype=torch.float64)
    batch = images()
    row = torch.tensor([1, 2, 1], dtype=torch.float64) / 4
    square = torch.outer(row, row)[None, None]
    padded = F.pad(batch, (1, 1, 1, 1), mode="replicate")
    alone = [F.conv2d(padded[:, channel : channel + 1], square) for channel in range(3)]
    torch.testing.assert_close(layer(batch), F.conv2d(torch.cat(alone, 1), layer.weight, padding=1))
    torch.testing.assert_close(layer(batch[0]), layer(batch)[0])
    wave = torch.tensor([0.0, 1.0]).repeat(5)[:9].expand(1, 3, 9, 9).double()  # of the highest frequency
    inner = layer.smoothed(wave)[..., 1:-1]
    torch.testing.assert_close(inner, torch.full_like(inner, 0.5))


def test_the_low_pass_twin_of_a_convolution_keeps_its_weights() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
    twin = convert(network, LowPassConv2d, where=0, size=3)
    assert torch.equal(twin[0].weight, network[0].weight)  # type: ignore[index,union-attr]
    assert not torch.allclose(twin(images().float()), network(images().float()))


@pytest.mark.parametrize("size", [4, 1, 2.5, True])
def test_a_filter_without_a_middle_is_refused(size: object) -> None:
    with pytest.raises(ConfigError, match="size: expected an odd whole number of at least 3"):
        LowPassConv2d(3, 4, 3, size=size)  # type: ignore[arg-type]


def both(scheme: str, **options: object) -> FlexiblePushPullConv2d:
    torch.manual_seed(0)
    return FlexiblePushPullConv2d(
        3, 4, 3, padding=1, input_size=9, scheme=scheme, bias=False, dtype=torch.float64, **options
    )


def test_both_layers_are_within_the_one() -> None:
    batch, pulled = images(), PushPullConv2d(3, 4, 3, padding=1, alpha=0.7, h=2, dtype=torch.float64)
    layer = both("conv", alpha=0.7)
    pulled.weight = layer.weight
    torch.testing.assert_close(layer(batch), pulled(batch))
    pools = FlexibleConv2d(3, 4, 3, padding=1, scheme="max", dtype=torch.float64)
    torch.testing.assert_close(both("max", alpha=0.7)(batch), pools(batch))
    layer = both("learned", alpha=0.7)
    pulled.weight = layer.weight
    gate = layer.max_share(batch)
    assert 0.05 < float(gate.detach().mean()) < 0.95
    torch.testing.assert_close(layer(batch), gate * layer.pooled(batch) + (1 - gate) * pulled(batch))


def test_gradients_reach_weights_and_thresholds() -> None:
    layer = both("learned", init="zeros")
    layer.threshold.data.fill_(0.9)  # type: ignore[union-attr]

    def response(weight: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, {"weight": weight}, images())

    assert torch.autograd.gradcheck(response, (layer.weight,), fast_mode=True)
    layer(images()).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in layer.parameters())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": -1}, "alpha: expected a number of 0 or more"),
        ({"h": 0.5}, "h: expected a number of at least 1"),
        ({"dilation": 2}, "expected dilation 1; got 2"),
        ({"padding_mode": "reflect"}, "expected padding_mode 'zeros'"),
        ({"scheme": "sometimes"}, "scheme: expected one of"),
    ],
)
def test_what_either_layer_cannot_stand_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        FlexiblePushPullConv2d(3, 4, 3, padding=1, input_size=9, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("layer", [{"kind": "both", "scheme": "learned"}, {"kind": "lowpass"}])
def test_networks_are_built_with_them(layer: dict[str, str]) -> None:
    network = build("resnet", depth=8, width=0.25, layer=layer)
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 10)


@pytest.mark.parametrize("layer", [{"kind": "both", "scheme": "learned"}, {"kind": "lowpass"}])
def test_networks_with_them_are_saved_and_loaded(layer: dict[str, str], tmp_path: Path) -> None:
    options = {"depth": 8, "width": 0.25, "layer": layer}
    network = build("resnet", **options).eval()
    save_model(tmp_path / "weights.safetensors", network, "resnet", options)
    loaded = load_model(tmp_path / "weights.safetensors")[0].eval()
    inputs = torch.rand(2, 3, 32, 32)
    assert torch.equal(loaded(inputs), network(inputs))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("size", [3, 5, 15, 21])
def test_the_filter_is_rounded_once_in_any_type(size: int, dtype: torch.dtype) -> None:
    row = [math.comb(size - 1, place) / 2 ** (size - 1) for place in range(size)]
    exact = torch.tensor([[upper * lower for lower in row] for upper in row], dtype=torch.float64)
    layer = LowPassConv2d(3, 4, 3, size=size, dtype=dtype)
    assert torch.equal(layer.filter[0, 0], exact.to(dtype))
