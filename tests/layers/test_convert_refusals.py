"""What `convert` refuses by name, because a replaced convolution would lose it, and what it keeps."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune

from flexnet.errors import ConfigError
from flexnet.layers import FlexibleConv2d, convert

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # the old weight normalisation
X = torch.randn(2, 3, 9, 9, generator=torch.Generator().manual_seed(1))


def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))


class Standardised(nn.Conv2d):
    def forward(self, input: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return self._conv_forward(input, weight, self.bias)


class Doubling(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


def nothing(*_: Any, **__: Any) -> None:
    return None


def put(conv: nn.Module) -> Callable[[nn.Sequential], object]:
    return lambda net: net.__setitem__(2, conv)


def hooked(method: str, **options: Any) -> Callable[[nn.Sequential], object]:
    return lambda net: getattr(net[2], method)(nothing, **options)


def with_attribute(name: str, value: Any) -> Callable[[nn.Sequential], object]:
    return lambda net: setattr(net[2], name, value)


def with_weight(change: Callable[[Tensor], Tensor]) -> Callable[[nn.Sequential], object]:
    return lambda net: setattr(net[2], "weight", nn.Parameter(change(net[2].weight.detach()), False))


def plain_weight(net: nn.Sequential) -> None:
    weight = net[2].weight.detach()
    del net[2].weight
    net[2].weight = weight


def tied(net: nn.Sequential) -> None:
    net.append(nn.Conv2d(4, 4, 3))
    net[3].weight = net[2].weight


def aliased(net: nn.Sequential) -> None:
    net.append(nn.Conv2d(4, 4, 3))
    net[3].weight.data = net[2].weight.data


def held(net: nn.Sequential) -> None:
    net[1].seen = [net[2]]


def held_method(net: nn.Sequential) -> None:
    net[1].run = net[2].forward


MORE_THAN_PLAIN: dict[str, tuple[Callable[[nn.Sequential], object], str]] = {
    "weight standardisation": (put(Standardised(4, 4, 3)), "Standardised, a subclass; choose others"),
    "flexible": (put(FlexibleConv2d(4, 4, 3, scheme="max")), r"is already a FlexibleConv2d.*plain\(\)"),
    "quantisation aware": (
        put(torch.ao.nn.qat.Conv2d(4, 4, 3, qconfig=torch.ao.quantization.get_default_qat_qconfig())),
        r"torch.ao.nn.qat.*Conv2d, a subclass",
    ),
    "lazy": (put(nn.LazyConv2d(4, 3)), "is a LazyConv2d that has no weight yet; run the model once first"),
    "lazy bias only": (put(nn.LazyConv2d(4, 3, bias=False)), "run the model once first"),
    "parametrised": (
        lambda net: parametrize.register_parametrization(net[2], "weight", Doubling()),
        "has the parametrisation Doubling; call .*remove_parametrizations",
    ),
    "new weight norm": (lambda net: parametrizations.weight_norm(net[2]), "remove_parametrizations"),
    "new spectral norm": (lambda net: parametrizations.spectral_norm(net[2]), "remove_parametrizations"),
    "orthogonal": (lambda net: parametrizations.orthogonal(net[2]), "remove_parametrizations"),
    "old weight norm": (lambda net: nn.utils.weight_norm(net[2]), "remove_weight_norm"),
    "old spectral norm": (lambda net: nn.utils.spectral_norm(net[2]), "remove_spectral_norm"),
    "pruned weight": (lambda net: prune.l1_unstructured(net[2], "weight", 0.5), "prune.remove"),
    "pruned bias": (lambda net: prune.random_unstructured(net[2], "bias", 0.5), "prune.remove"),
    "pruned twice": (
        lambda net: [prune.random_unstructured(net[2], "weight", 0.5) for _ in range(2)],
        "prune.remove",
    ),
    "forward hook": (hooked("register_forward_hook"), r"has hooks \(forward_hooks: nothing\); remove them"),
    "forward hook with keywords": (hooked("register_forward_hook", with_kwargs=True), "has hooks"),
    "forward pre-hook": (hooked("register_forward_pre_hook"), r"has hooks \(forward_pre_hooks: nothing\)"),
    "backward hook": (hooked("register_full_backward_hook"), r"has hooks \(backward_hooks"),
    "backward pre-hook": (hooked("register_full_backward_pre_hook"), r"has hooks \(backward_pre_hooks"),
    "state hook": (hooked("register_state_dict_post_hook"), r"has hooks \(state_dict_hooks"),
    "state pre-hook": (hooked("register_state_dict_pre_hook"), r"has hooks \(state_dict_pre_hooks"),
    "load hook": (hooked("register_load_state_dict_post_hook"), r"has hooks \(load_state_dict_post_hooks"),
    "load pre-hook": (hooked("register_load_state_dict_pre_hook"), r"has hooks \(load_state_dict_pre_hooks"),
    "weight hook": (lambda net: net[2].weight.register_hook(nothing), r"has hooks on its weight \(nothing\)"),
    "bias hook": (lambda net: net[2].bias.register_hook(nothing), "has hooks on its bias"),
    "accumulation hook": (
        lambda net: net[2].weight.register_post_accumulate_grad_hook(nothing),
        "has hooks on its weight",
    ),
    "own forward": (
        with_attribute("forward", lambda x: x),
        r"an attribute 'forward' of its own \(function\)",
    ),
    "own helper": (with_attribute("_conv_forward", nothing), "an attribute '_conv_forward' of its own"),
    "object": (with_attribute("mask", torch.ones(1)), r"an attribute 'mask' of its own \(Tensor\)"),
    "parameter": (
        with_attribute("scale", nn.Parameter(torch.ones(1))),
        r"parameters of its own: \['scale'\]",
    ),
    "buffer": (lambda net: net[2].register_buffer("mask", torch.ones(1)), r"buffers of its own: \['mask'\]"),
    "module": (with_attribute("quantiser", nn.ReLU()), r"modules of its own: \['quantiser'\]"),
    "plain tensor": (plain_weight, "has a weight that is no plain Parameter but a Tensor"),
    "complex": (with_weight(lambda weight: weight.to(torch.complex64)), "type torch.complex64"),
    "integer": (with_weight(lambda weight: weight.to(torch.int8)), "type torch.int8"),
    "sparse": (with_weight(lambda weight: weight.to_sparse()), "torch.sparse_coo"),
    "other channels": (with_weight(lambda weight: weight[:, :1]), r"weight of shape \(4, 1, 3, 3\)"),
    "tied": (tied, r"shares its weights with '3' \(as 'weight'\)"),
    "same memory": (aliased, r"shares its weights with '3' \(as 'weight'\)"),
    "held in a list": (held, "held a second time by '1', in the attribute 'seen'"),
    "held by its method": (held_method, "held a second time by '1', in the attribute 'run'"),
}


@pytest.mark.parametrize(("change", "message"), MORE_THAN_PLAIN.values(), ids=MORE_THAN_PLAIN)
def test_what_is_more_than_a_plain_convolution_is_refused_by_name(
    change: Callable[[nn.Sequential], object], message: str
) -> None:
    net = model()
    convert(net, FlexibleConv2d, where="2", scheme="conv")
    change(net)
    with pytest.raises(ConfigError, match=f"only a plain Conv2d can be replaced.*; '2' .*{message}"):
        convert(net, FlexibleConv2d, where="2", scheme="conv")


KEPT = [
    name for name in MORE_THAN_PLAIN if "lazy" not in name and name not in ("complex", "integer", "sparse")
]


@pytest.mark.parametrize("name", KEPT)
def test_convolutions_that_were_not_chosen_keep_what_they_have(name: str) -> None:
    net = model().eval()
    MORE_THAN_PLAIN[name][0](net)
    twin = convert(net, FlexibleConv2d, where="0", scheme="conv")
    assert type(twin[0]) is FlexibleConv2d  # type: ignore[index]
    old, new = net[2], twin[2]  # type: ignore[index]
    assert {key: len(value) for key, value in vars(old).items() if "_hooks" in key} == {
        key: len(value) for key, value in vars(new).items() if "_hooks" in key
    }
    for key, parameter in old.named_parameters():
        other = new.get_parameter(key)
        for table in ("_backward_hooks", "_post_accumulate_grad_hooks"):
            assert len(getattr(parameter, table) or ()) == len(getattr(other, table) or ())
    if name not in ("other channels", "own helper"):  # which cannot be run
        assert torch.equal(twin(X), net(X))


def test_removed_hooks_and_normalisations_are_no_obstacle() -> None:
    net = model()
    net[2].register_full_backward_hook(nothing).remove()
    net[2].weight.register_hook(nothing).remove()
    parametrizations.spectral_norm(net[2])
    parametrize.remove_parametrizations(net[2], "weight")
    prune.l1_unstructured(net[2], "weight", 0.5)
    prune.remove(net[2], "weight")  # type: ignore[no-untyped-call]
    assert torch.equal(convert(net, FlexibleConv2d, where="*", scheme="conv")(X), net(X))


def test_a_lazy_convolution_that_ran_is_plain() -> None:
    net = nn.Sequential(nn.LazyConv2d(4, 3))
    expected = net(X)
    assert torch.equal(convert(net, FlexibleConv2d, where=0, scheme="conv")(X), expected)


def test_notes_on_the_convolution_and_its_weights_are_kept() -> None:
    net = model()
    net[0].initialised, net[0].weight.decay, net[2].weight.decay = True, 0.5, 0.25
    twin: Any = convert(net, FlexibleConv2d, where=0, scheme="conv")
    assert twin[0].initialised is True
    assert (twin[0].weight.decay, twin[2].weight.decay) == (0.5, 0.25)
    net[0].scheme = "none"
    with pytest.raises(ConfigError, match="'0' has an attribute 'scheme' of its own.*delete it first"):
        convert(net, FlexibleConv2d, where=0, scheme="conv")


class Two(nn.Module):
    """A model of two tensors and an option, which calls its convolution by keyword and writes into x."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor, y: Tensor, crop: int = 0) -> Tensor:
        self.calls += 1
        x.add_(y)
        return self.conv(input=x[..., crop:])


@pytest.mark.parametrize(
    ("example", "width"),
    [
        ((X, X), 9),
        ((X, X, 2), 7),
        ({"x": X, "y": X}, 9),
        ({"y": X, "x": X, "crop": 3}, 6),
    ],
)
def test_an_example_may_be_arguments_of_the_model(example: Any, width: int) -> None:
    before = X.clone()
    twin: Any = convert(Two(), FlexibleConv2d, where=0, example=example, scheme="learned")
    assert twin.conv.input_size == (9, width)
    assert torch.equal(X, before)
    assert twin.calls == 0


class Listed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)

    def forward(self, batch: Mapping[str, Any]) -> Tensor:
        return self.conv(batch["images"][0])


def test_arguments_may_be_nested_and_shapes_of_any_kind_of_integer() -> None:
    twin: Any = convert(Listed(), FlexibleConv2d, where=0, example=({"images": [X]},))
    assert twin.conv.input_size == (9, 9)
    for shape in ([1, 3, 9, 9], X.shape, tuple(torch.tensor(X.shape).numpy())):
        twin = convert(model(), FlexibleConv2d, where=0, example=shape)
        assert twin[0].input_size == (9, 9)


def lazy_head() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.LazyLinear(2))


BAD_ARGUMENTS: dict[str, tuple[dict[str, Any], str]] = {
    **{
        f"where {where!r}"[:40]: ({"where": where}, "where: expected .*name.* position.*; got")
        for where in (
            nn.Conv2d,
            len,
            True,
            1.0,
            None,
            {"a": 1},
            {0},
            b"0",
            bytearray(b"0"),
            [],
            (),
            [True],
            ["0", None],
            [["0"]],
            nn.ReLU(),
        )
    },
    "where empty": ({"where": ""}, "no convolution matches ''"),
    "layer of another kind": ({"layer": nn.Linear}, "Linear cannot be built for '0'.*stride"),
    "layer that is no module": ({"layer": dict}, "layer: expected a class of layers"),
    "layer instance": (
        {"layer": FlexibleConv2d(3, 4, 3, scheme="max")},
        "layer: expected a class.*options of the layer are arguments of convert",
    ),
    "layer name": ({"layer": "FlexibleConv2d"}, "layer: expected a class"),
    "layer none": ({"layer": None}, "layer: expected a class"),
    "model class": ({"model": nn.Sequential}, "model: expected a torch.nn.Module.*build it first"),
    "model function": ({"model": model}, "model: expected a torch.nn.Module.*build it first"),
    "model state": ({"model": {}}, "model: expected a torch.nn.Module; got {}"),
    "keep_weights": ({"keep_weights": "no"}, "keep_weights: expected True or False; got 'no'"),
    "unknown option": ({"schem": "max"}, "did you mean 'scheme'"),
    "option of the convolution": ({"stride": 2}, "FlexibleConv2d.*stride"),
    **{
        f"example {example!r}"[:40]: ({"example": example}, "example: expected an input tensor, its shape")
        for example in (
            "x",
            3,
            True,
            1.5,
            nn.ReLU,
            (),
            [],
            {},
            (1, 3.0, 9, 9),
            (1, 3, 0, 9),
            (1, True),
            [X],
            {"x": 1},
            {1: X},
            (1, 3, -9, 9),
            ("a",),
            {X: 1},
        )
    },
    "example of other channels": (
        {"example": (1, 5, 9, 9)},
        r"cannot be run on the example, \(torch.float32 of shape \(1, 5, 9, 9\)\): RuntimeError: .*channels",
    ),
    "example of other type": ({"example": X.byte()}, "cannot be run on the example, .torch.uint8 of shape"),
    "example of one dimension": ({"example": (3,)}, "cannot be run on the example"),
    "too few arguments": (
        {"model": Two(), "example": X},
        "cannot be run on the example.*TypeError.*'y'.*a tuple of positional arguments or a mapping",
    ),
    "other keyword": (
        {"model": Two(), "example": {"x": X, "z": X}},
        r"z=torch.float32 of shape \(2, 3, 9, 9\).*TypeError",
    ),
    "lazy head": ({"model": lazy_head(), "example": X}, "'2.weight' has no shape yet; run the model once"),
}


@pytest.mark.parametrize(("change", "message"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS)
def test_wrong_arguments_are_refused(change: dict[str, Any], message: str) -> None:
    arguments = {"model": model(), "layer": FlexibleConv2d, "where": 0, "example": X} | change
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        convert(**arguments)


def test_a_layer_that_is_no_module_or_takes_other_options_is_refused() -> None:
    class Odd:
        @classmethod
        def from_conv(cls, conv: Any, input_size: Any, keep_weights: bool = True) -> "Odd":
            return cls()

    with pytest.raises(ConfigError, match=r"from_conv to give a torch.nn.Module; got"):
        convert(model(), Odd, where=0)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="Odd cannot be built for '0' with the options {'a': 1}"):
        convert(model(), Odd, where=0, a=1)  # type: ignore[arg-type]


def test_functions_of_a_bound_layer_are_taken() -> None:
    class Bound:
        from_conv = functools.partial(FlexibleConv2d.from_conv, scheme="max")

    assert convert(model(), Bound(), where=0)[0].scheme == "max"  # type: ignore[arg-type, index]
