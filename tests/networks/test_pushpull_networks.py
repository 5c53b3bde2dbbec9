"""The networks of the push-pull paper: numbers of parameters, sizes of maps, and what they are made of."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers.pushpull import PushPullConv2d
from flexnet.networks.classifier import Classifier
from flexnet.networks.describe import describe
from flexnet.networks.registry import build

PLAIN: dict[str, Any] = {}
PULLED = {"layer": {"kind": "pushpull"}}
LEARNED = {"layer": {"kind": "pushpull", "alpha": "learned"}}


def on_meta(name: str, **options: Any) -> Classifier:
    with torch.device("meta"):
        return build(name, **options)


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def shapes(network: Classifier, names: list[str], channels: int = 3, size: int = 32) -> list[tuple[int, ...]]:
    """Shapes of what named parts give for one image."""
    found: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> Any:
        return lambda module, inputs, output: found.__setitem__(name, tuple(output.shape[1:]))

    for name in names:
        network.get_submodule(name).register_forward_hook(note(name))
    network.eval()(torch.empty(1, channels, size, size, device="meta"))
    return [found[name] for name in names]


# Specification, 2.1: parameters with and without a bias of the first layer; ours has none.
@pytest.mark.parametrize(
    ("variant", "first", "second", "count"),
    [("a", 6, 16, 44_368), ("b", 6, 8, 12_024), ("c", 4, 16, 43_518), ("d", 4, 8, 11_574)],
)
def test_lenets_have_the_published_layers(variant: str, first: int, second: int, count: int) -> None:
    assert parameters(on_meta("lenet", variant=variant)) == count
    pulled = on_meta("lenet", variant=variant, rectify=False, **PULLED)
    assert parameters(pulled) == count
    assert shapes(pulled, ["features.0", "features.1", "features.2", "features.3"], 1, 28) == [
        (first, 24, 24),
        (first, 12, 12),
        (second, 8, 8),
        (second, 4, 4),
    ]
    assert isinstance(pulled.features[0], PushPullConv2d)  # type: ignore[index]
    assert pulled.features[0].pull_size == 11  # type: ignore[index]


def test_a_rectifier_follows_the_first_layer_of_a_lenet_unless_told_otherwise() -> None:
    assert [type(part) for part in on_meta("lenet").features][:3] == [nn.Conv2d, nn.MaxPool2d, nn.ReLU]
    kinds = [type(part) for part in on_meta("lenet", rectify=False, **PULLED).features]
    assert kinds == [PushPullConv2d, nn.MaxPool2d, nn.Conv2d, nn.MaxPool2d, nn.ReLU]


def test_rectifying_what_was_pooled_is_pooling_what_was_rectified() -> None:
    torch.manual_seed(0)
    network = build("lenet")
    first, pool, relu, second, *_ = network.features  # type: ignore[misc]
    before = nn.Sequential(first, relu, pool, second, relu, pool, *network.head)
    images = torch.rand(4, 1, 28, 28).round(decimals=1)  # with windows whose largest is there twice
    images[:, :, 10:20] = 0
    outputs = [network.rest(images), before(images)]
    assert torch.equal(*outputs)
    gradients = [torch.autograd.grad(out.square().sum(), list(network.parameters())) for out in outputs]
    for one, other in zip(*gradients, strict=True):
        assert torch.equal(one, other)


# Specification, 2.2: parameters plain and with a learned strength, and tensors of the state dict.
@pytest.mark.parametrize(
    ("depth", "count", "learned", "tensors"),
    [
        (14, 175_258, 175_274, 92),
        (20, 272_474, 272_490, 128),
        (32, 466_906, 466_922, 200),
        (44, 661_338, 661_354, 272),
        (56, 855_770, 855_786, 344),
    ],
)
def test_resnets_have_the_published_sizes(depth: int, count: int, learned: int, tensors: int) -> None:
    for options, expected in ((PLAIN, count), (PULLED, count), (LEARNED, learned)):
        network = on_meta("resnet", depth=depth, **options)
        assert parameters(network) == expected
        kept = [name for name in network.state_dict() if not name.startswith("normalise")]
        assert len(kept) == tensors + (expected != count)
    stages = shapes(
        on_meta("resnet", depth=depth), ["features.conv1", *(f"features.layer{n}" for n in (1, 2, 3))]
    )
    assert stages == [(16, 32, 32), (16, 32, 32), (32, 16, 16), (64, 8, 8)]


# Specification, 2.3: channels before and after blocks and transitions.
@pytest.mark.parametrize(
    ("depth", "growth", "channels", "count", "tensors"),
    [
        (40, 12, (24, 96, 48, 120, 60, 132), 176_122, 236),
        (100, 12, (24, 216, 108, 300, 150, 342), 769_162, 596),
        (100, 24, (24, 408, 204, 588, 294, 678), 2_936_650, 596),
    ],
)
def test_densenets_have_the_published_sizes(
    depth: int, growth: int, channels: tuple[int, ...], count: int, tensors: int
) -> None:
    for options, expected in ((PLAIN, count), (PULLED, count), (LEARNED, count + 24)):
        network = on_meta("densenet", depth=depth, growth=growth, **options)
        assert parameters(network) == expected
        kept = [name for name in network.state_dict() if not name.startswith("normalise")]
        assert len(kept) == tensors + (expected != count)
    names = ["conv0", "denseblock1", "transition1", "denseblock2", "transition2", "denseblock3"]
    sizes = zip(channels, (32, 32, 16, 16, 8, 8), strict=True)
    found = shapes(on_meta("densenet", depth=depth, growth=growth), [f"features.{name}" for name in names])
    assert found == [(wide, side, side) for wide, side in sizes]


@pytest.mark.parametrize("name", ["resnet", "densenet"])
def test_convolutions_start_with_the_deviation_of_their_outputs(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, **PULLED)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            expected = math.sqrt(2 / (module.kernel_size[0] ** 2 * module.out_channels))
            count = module.weight.numel()
            found = module.weight.detach().std().item()
            assert found == pytest.approx(expected, rel=5 / math.sqrt(2 * count))
            assert module.bias is None
        if isinstance(module, nn.BatchNorm2d):
            assert module.weight.detach().eq(1).all()
            assert module.bias.detach().eq(0).all()
    assert network.head[-1].bias.any() == (name == "resnet")  # type: ignore[index]


@pytest.mark.parametrize("name", ["resnet", "densenet", "lenet"])
def test_a_network_and_its_push_pull_twin_start_from_the_same_weights(name: str) -> None:
    found = []
    for options in (PLAIN, PULLED):
        torch.manual_seed(0)
        found.append(build(name, **options))
    for one, other in zip(*(network.parameters() for network in found), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["resnet", "densenet"])
def test_push_pull_that_is_the_convolution_gives_the_plain_network(name: str) -> None:
    torch.manual_seed(0)
    plain = build(name).eval()
    twin = build(name, layer={"kind": "pushpull", "h": 1}).eval()
    twin.load_state_dict(plain.state_dict())
    images = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(twin(images), plain(images))


def block(maps: Tensor, weights: dict[str, Tensor], name: str, stride: int) -> Tensor:
    """A residual block by its equations, in evaluation."""

    def convolved(maps: Tensor, part: str, stride: int, padding: int) -> Tensor:
        return nn.functional.conv2d(maps, weights[f"{name}.{part}.weight"], stride=stride, padding=padding)

    def normalised(maps: Tensor, part: str) -> Tensor:
        mean, var, scale, shift = (
            weights[f"{name}.{part}.{key}"].view(1, -1, 1, 1)
            for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (maps - mean) / torch.sqrt(var + 1e-5) * scale + shift

    changed = normalised(convolved(maps, "conv1", stride, 1), "bn1").relu()
    changed = normalised(convolved(changed, "conv2", 1, 1), "bn2")
    if f"{name}.downsample.0.weight" in weights:
        maps = normalised(convolved(maps, "downsample.0", stride, 0), "downsample.1")
    return (changed + maps).relu()


def test_a_residual_block_is_its_equations() -> None:
    torch.manual_seed(0)
    network = build("resnet", depth=14).double()
    network(torch.rand(8, 3, 32, 32).double())  # moves the statistics
    network.eval()
    weights = network.features.state_dict()
    maps = torch.randn(2, 16, 8, 8).double()
    expected = maps
    for stage, stride in ((1, 1), (2, 2), (3, 2)):
        expected = block(expected, weights, f"layer{stage}.0", stride)
        expected = block(expected, weights, f"layer{stage}.1", 1)
        maps = network.features.get_submodule(f"layer{stage}")(maps)
    torch.testing.assert_close(maps, expected)


def test_a_dense_layer_puts_what_it_adds_behind_what_it_got() -> None:
    torch.manual_seed(0)
    network = build("densenet").eval()
    first = network.features.get_submodule("denseblock1.denselayer1")
    maps = torch.randn(2, 24, 8, 8)
    given = maps.clone()
    found = first(maps)
    assert torch.equal(found[:, :24], given)
    narrow = nn.functional.conv2d((maps / math.sqrt(1 + 1e-5)).relu(), first.conv1.weight)
    added = nn.functional.conv2d((narrow / math.sqrt(1 + 1e-5)).relu(), first.conv2.weight, padding=1)
    torch.testing.assert_close(found[:, 24:], added)


@pytest.mark.parametrize("name", ["lenet", "resnet", "densenet"])
def test_they_can_be_described_with_the_layer_by_its_name(name: str) -> None:
    rows = describe(name, PULLED)
    assert [row["kind"] for row in rows].count("push-pull") == 1
    assert sum(row["weights"] for row in rows) == parameters(on_meta(name))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet", {"depth": 18}, "depth: expected a whole number 6 n .*; got 18"),
        ("resnet", {"depth": 2}, "depth: expected a whole number 6 n .*; got 2"),
        ("resnet", {"depth": "20"}, "depth: expected a whole number 6 n .*; got '20'"),
        ("densenet", {"depth": 20}, "depth: expected a whole number 6 n .*; got 20"),
        ("densenet", {"growth": 0}, "growth: expected a whole number of at least 1; got 0"),
        ("densenet", {"input_size": 3}, "input_size: expected a whole number of at least 4"),
        ("lenet", {"variant": "e"}, "variant: expected one of"),
        ("lenet", {"input_size": 15}, "input_size: expected a whole number of at least 16; got 15"),
        ("lenet", {"rectify": 1}, "rectify: expected true or false; got 1"),
        ("resnet", {"channels": 1}, "statistics for 3 channels, but the images have 1"),
        ("resnet", {"layer": {"kind": "pushpul"}}, "layer.kind: .* did you mean 'pushpull'"),
        ("resnet", {"layer": {"kind": "pushpull", "h": 0}}, "layer.h: expected a number of at least 1"),
    ],
)
def test_wrong_options_are_named(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(name, **options)


def test_normalisations_are_those_of_the_training_images() -> None:
    """Specification, 3: of CIFAR-10 as the released code writes them, of MNIST as everybody does."""
    cifar = build("resnet", width=0.125).normalise
    torch.testing.assert_close(cifar.mean.flatten() * 255, torch.tensor([125.3, 123.0, 113.9]))
    torch.testing.assert_close(cifar.std.flatten() * 255, torch.tensor([63.0, 62.1, 66.7]))
    mnist = build("lenet").normalise
    assert (round(float(mnist.mean), 4), round(float(mnist.std), 4)) == (0.1307, 0.3081)
