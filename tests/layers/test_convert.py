from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers import FlexibleConv2d, convert


class Block(nn.Module):
    """A residual block with batch statistics, to have nesting and state."""

    def __init__(self, channels: int, **options: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, **options)
        self.norm = nn.BatchNorm2d(channels)
        self.drop = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.drop(self.norm(self.conv(x)).relu())


def nested(**options: Any) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), Block(4, **options), Block(4), nn.Flatten(1))


X = torch.randn(2, 3, 11, 13, generator=torch.Generator().manual_seed(1))


def flexible_names(model: nn.Module) -> list[str]:
    return [name for name, module in model.named_modules() if isinstance(module, FlexibleConv2d)]


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_twin_with_the_scheme_conv_is_the_original_bit_for_bit(memory: torch.memory_format) -> None:
    model = nested().to(memory_format=memory)
    twin = convert(model, FlexibleConv2d, where="*", scheme="conv")
    assert flexible_names(twin) == ["0", "1.conv", "2.conv"]
    assert flexible_names(model) == []
    x = X.contiguous(memory_format=memory)
    for training in (True, False):  # training first: BatchNorm statistics must move alike
        model.train(training)
        twin.train(training)
        torch.manual_seed(3)
        expected = model(x)
        torch.manual_seed(3)
        assert torch.equal(twin(x), expected)
    assert all(torch.equal(tensor, twin.state_dict()[name]) for name, tensor in model.state_dict().items())


def test_twin_shares_no_memory_with_the_original() -> None:
    model = nested()
    twin = convert(model, FlexibleConv2d, where=0, scheme="conv")
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.fill_(9)
    assert not any((parameter == 9).any() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (0, ["0"]),
        (-1, ["2.conv"]),
        ([0, -1], ["0", "2.conv"]),
        ("?.conv", ["1.conv", "2.conv"]),
        (["1.*", 0], ["0", "1.conv"]),
        (["2.conv", "*.conv"], ["1.conv", "2.conv"]),
    ],
)
def test_choices(where: Any, names: list[str]) -> None:
    twin = convert(nested(), FlexibleConv2d, where=where, scheme="max")
    assert flexible_names(twin) == names


@pytest.mark.parametrize("example", [X, (1, 3, 11, 13)])
def test_sizes_are_found_by_an_example(example: Any) -> None:
    twin = convert(nested(), FlexibleConv2d, where="*", example=example, scheme="learned", init="zeros")
    shapes = {
        name: tuple(parameter.shape) for name, parameter in twin.named_parameters() if "threshold" in name
    }
    assert shapes == {
        "0.threshold": (1, 4, 5, 6),
        "1.conv.threshold": (1, 4, 5, 6),
        "2.conv.threshold": (1, 4, 5, 6),
    }
    assert twin(X).shape == (2, 120)


def test_the_example_leaves_modes_statistics_and_random_state() -> None:
    model = nested()
    model[1].eval()
    state = torch.get_rng_state()
    twin = convert(model, FlexibleConv2d, where=0, example=X, scheme="conv", keep_weights=True)
    assert [module.training for module in twin.modules()] == [module.training for module in model.modules()]
    assert all(torch.equal(tensor, twin.state_dict()[name]) for name, tensor in model.state_dict().items())
    assert not any(module._forward_pre_hooks for module in twin.modules())
    # Only the construction of the layer itself draws: weights and bias of one convolution.
    after = torch.get_rng_state()
    torch.set_rng_state(state)
    nn.Conv2d(3, 4, 3)
    assert torch.equal(torch.get_rng_state(), after)


def test_weights_are_kept_or_new() -> None:
    model = nested()
    model[0].weight.requires_grad_(False)
    kept = convert(model, FlexibleConv2d, where=0, scheme="max")[0]  # type: ignore[index]
    fresh = convert(model, FlexibleConv2d, where=0, scheme="max", keep_weights=False)[0]  # type: ignore[index]
    assert torch.equal(kept.weight, model[0].weight)
    assert not kept.weight.requires_grad
    assert not torch.equal(fresh.weight, model[0].weight)


def test_flexible_layers_are_converted_again_by_way_of_their_plain_convolution() -> None:
    learned = convert(nested(), FlexibleConv2d, where=0, example=X, scheme="learned")
    with pytest.raises(ConfigError, match=r"'0' is already a FlexibleConv2d.*its method plain\(\)"):
        convert(learned, FlexibleConv2d, where="*", scheme="conv")
    learned[0] = learned[0].plain()  # type: ignore[index, operator]
    again = convert(learned, FlexibleConv2d, where="*", scheme="conv")
    assert torch.equal(again.eval()(X), nested().eval()(X))


def test_a_shared_convolution_stays_shared() -> None:
    conv = nn.Conv2d(3, 3, 3, padding=1)
    twin = convert(nn.Sequential(conv, nn.ReLU(), conv), FlexibleConv2d, where=0, scheme="max")
    assert isinstance(twin[0], FlexibleConv2d)  # type: ignore[index]
    assert twin[0] is twin[2]  # type: ignore[index]


def test_a_model_that_is_a_convolution() -> None:
    assert isinstance(convert(nn.Conv2d(3, 3, 3), FlexibleConv2d, where="*", scheme="max"), FlexibleConv2d)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_named_padding_becomes_integers(padding: str) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, (3, 5), padding=padding))
    twin = convert(model, FlexibleConv2d, where=0, scheme="conv")
    assert twin[0].padding == ((1, 2) if padding == "same" else (0, 0))  # type: ignore[index]
    assert torch.equal(twin(X), model(X))
    assert model[0].padding == padding


def test_any_layer_class_with_from_conv_will_do() -> None:
    class Doubled(nn.Module):
        def __init__(self, conv: nn.Conv2d, factor: float) -> None:
            super().__init__()
            self.conv, self.factor = conv, factor

        @classmethod
        def from_conv(
            cls, conv: nn.Conv2d, input_size: Any, keep_weights: bool = True, **options: Any
        ) -> "Doubled":
            assert input_size == (11, 13) and keep_weights
            return cls(conv, **options)

        def forward(self, x: Tensor) -> Tensor:
            return self.factor * self.conv(x)

    model = nn.Sequential(nn.Conv2d(3, 4, 3))
    twin = convert(model, Doubled, where=0, example=X, factor=2.0)
    torch.testing.assert_close(twin(X), 2 * model(X))


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            "features.*",
            r"no convolution matches 'features.\*'; the model has 0: '0', 1: '1.conv', 2: '2.conv'",
        ),
        (3, "no convolution matches 3"),
        (-4, "no convolution matches -4"),
        (["0", "x"], "no convolution matches 'x'"),
        ([], "at least one name or position"),
    ],
)
def test_no_match_lists_the_candidates(where: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        convert(nested(), FlexibleConv2d, where=where, scheme="conv")


def test_a_part_of_a_model_is_no_convolution_and_its_own_are_offered() -> None:
    with pytest.raises(
        ConfigError, match=r"matches '1'; write '1\.\*' for the 1 below it; the model has 0: '0'"
    ):
        convert(nested(), FlexibleConv2d, where="1", scheme="conv")


def test_a_model_without_convolutions_is_told_so() -> None:
    with pytest.raises(ConfigError, match="no Conv2d at all"):
        convert(nn.Linear(2, 2), FlexibleConv2d, where=0, scheme="conv")


class Doubled(nn.Module):
    """A layer that knows neither dilation nor groups nor padding modes."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: Any,
        *,
        stride: Any,
        padding: Any,
        bias: bool,
        **of_tensors: Any,
    ) -> None:
        super().__init__()
        shape = (outputs, inputs, *size)
        self.weight = nn.Parameter(torch.zeros(shape, **of_tensors))
        self.bias = nn.Parameter(torch.zeros(outputs, **of_tensors)) if bias else None
        self.step, self.border = stride, padding

    def forward(self, x: Tensor) -> Tensor:
        return 2 * nn.functional.conv2d(x, self.weight, self.bias, self.step, self.border)


class Plain(nn.Module):
    """One that names what it takes from a convolution."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
        self.weight, self.bias, self.conv = conv.weight, conv.bias, [conv]

    def forward(self, x: Tensor) -> Tensor:
        return self.conv[0]._conv_forward(x, self.weight, self.bias)


def test_a_layer_of_ones_own_needs_the_arguments_of_a_convolution_and_no_more() -> None:
    for kind, factor in ((Plain, 1), (Doubled, 2)):
        model = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding="valid"))
        assert torch.equal(convert(model, kind, where=0)(X), factor * model(X))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 2}, "'1.conv': Plain: expected a convolution with groups 1; got 2; choose others"),
        ({"dilation": 2}, r"'1.conv': Plain: expected a convolution with dilation \(1, 1\); got \(2, 2\)"),
        (
            {"padding_mode": "reflect"},
            "'1.conv': Plain: expected .* with padding_mode 'zeros'; got 'reflect'",
        ),
    ],
)
def test_what_a_layer_cannot_stand_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        convert(nested(**options), Plain, where="*")
    convert(nested(**options), Plain, where=[0, -1])


def test_weights_that_do_not_fit_are_named() -> None:
    class Other(Plain):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.weight = nn.Parameter(self.weight[:1])

    with pytest.raises(ConfigError, match=r"Other: expected the shape \(4, 3, 3, 3\) under 'weight'.*False"):
        convert(nested(), Other, where=0)


def test_even_same_padding_is_named() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 4, padding="same"))
    with pytest.raises(ConfigError, match=r"'0': expected a padding.*'same' with kernel size \(4, 4\)"):
        convert(model, FlexibleConv2d, where=0, scheme="conv")


class Forgetful(nn.Module):
    """Calls one convolution at two sizes and another one never."""

    def __init__(self) -> None:
        super().__init__()
        self.often, self.never = nn.Conv2d(3, 3, 3), nn.Conv2d(3, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.often(self.often(x))


def test_calls_at_no_or_several_sizes_are_named() -> None:
    with pytest.raises(ConfigError, match=r"'often' .* one size; the example gave \[\(9, 11\), \(11, 13\)\]"):
        convert(Forgetful(), FlexibleConv2d, where="often", example=X)
    with pytest.raises(ConfigError, match=r"'never' .* one size; the example gave no call"):
        convert(Forgetful(), FlexibleConv2d, where="never", example=X)
