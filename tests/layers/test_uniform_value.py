"""The threshold of the scheme uniform is one fact: text, `value`, resets and copies tell what acts."""

import copy
import pickle

import pytest
import torch
from torch import nn

from flexnet.errors import ConfigError
from flexnet.layers import FlexibleConv2d, convert


def layer(value: float = 0.1, scheme: str = "uniform", **options: torch.dtype | str) -> FlexibleConv2d:
    return FlexibleConv2d(2, 4, 3, padding=1, scheme=scheme, value=value, **options)  # type: ignore[arg-type]


def acts(module: FlexibleConv2d, value: float) -> None:
    """The layer computes with this value, and says so everywhere."""
    assert module.value == value
    assert f"value={value:g}" in repr(module)
    assert module.threshold is not None
    assert torch.equal(module.threshold, torch.full((1, 1, 1, 1), value, dtype=module.threshold.dtype))
    images = torch.randn(2, 2, 5, 5, generator=torch.Generator().manual_seed(1)).to(module.weight.dtype)
    twin = FlexibleConv2d(2, 4, 3, padding=1, scheme="uniform", value=value, dtype=module.weight.dtype)
    state = {name: tensor for name, tensor in module.state_dict().items() if name != "threshold"}
    twin.load_state_dict(state, strict=False)
    assert torch.equal(module(images), twin(images))


@pytest.mark.parametrize("assign", [False, True])
def test_a_loaded_threshold_is_the_value(assign: bool) -> None:
    module = layer(0.1)
    module.load_state_dict(layer(0.6).state_dict(), assign=assign)
    acts(module, 0.6)
    module.reset_parameters()
    acts(module, 0.6)


def test_set_threshold_and_value_are_one() -> None:
    module = layer()
    module.set_threshold(0.3)
    acts(module, 0.3)
    module.value = 0.4
    acts(module, 0.4)
    module.reset_parameters()
    acts(module, 0.4)


def test_a_threshold_written_in_place_is_the_value() -> None:
    module = layer()
    assert module.threshold is not None
    module.threshold.fill_(0.7)
    acts(module, 0.7)
    module.threshold = torch.full((1, 1, 1, 1), 0.8)
    acts(module, 0.8)
    module.reset_parameters()
    acts(module, 0.8)


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_copies_tell_their_own_value(twin: object) -> None:
    module = layer()
    module.load_state_dict(layer(0.6).state_dict())
    other = twin(module)  # type: ignore[operator]
    acts(other, 0.6)
    other.set_threshold(0.9)
    acts(other, 0.9)
    acts(module, 0.6)


def test_from_meta_to_memory_and_a_state() -> None:
    module = layer(0.25, device="meta")
    assert module.value == 0.25
    module = module.to_empty(device="cpu")
    module.reset_parameters()
    acts(module, 0.25)
    module.load_state_dict(layer(0.6).state_dict())
    acts(module, 0.6)


@pytest.mark.parametrize("assign", [False, True])
def test_a_state_for_a_layer_that_comes_from_memory_to_meta_and_back(assign: bool) -> None:
    module = layer(0.1)
    module.load_state_dict(layer(0.6).state_dict(), assign=assign)
    module = module.to("meta")
    assert module.value == 0.6 and "value=0.6" in repr(module)
    module = module.to_empty(device="cpu")
    module.reset_parameters()
    acts(module, 0.6)


def test_a_state_assigned_on_meta() -> None:
    module = layer(0.1, device="meta")
    module.load_state_dict(layer(0.6).state_dict(), assign=True)
    acts(module, 0.6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_types(dtype: torch.dtype) -> None:
    module = layer(0.5).to(dtype)
    acts(module, 0.5)
    acts(module.float(), 0.5)


def test_converted_layers_are_built_with_the_options_and_then_follow_the_state() -> None:
    model = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1))
    first = convert(model, FlexibleConv2d, where=0, scheme="uniform", value=0.2)
    second = convert(
        nn.Sequential(nn.Conv2d(2, 4, 3, padding=1)), FlexibleConv2d, where=0, scheme="uniform", value=0.6
    )
    acts(first[0], 0.2)
    first.load_state_dict(second.state_dict())
    acts(first[0], 0.6)
    again = convert(
        nn.Sequential(first[0].plain()), FlexibleConv2d, where=0, scheme="uniform", value=first[0].value
    )
    acts(again[0], 0.6)


@pytest.mark.parametrize("value", [float("nan"), "much", None])
def test_what_is_no_number_is_refused_and_changes_nothing(value: float) -> None:
    module = layer(0.1)
    with pytest.raises(ConfigError, match="expected a number"):
        module.set_threshold(value)
    with pytest.raises(ConfigError, match="expected a number"):
        module.value = value
    acts(module, 0.1)


def test_other_schemes_have_no_value() -> None:
    module = FlexibleConv2d(2, 4, 3, padding=1, scheme="frozen", per="layer")
    assert module.value is None and "value" not in repr(module)
    with pytest.raises(ConfigError, match="expected the scheme 'uniform'"):
        module.value = 0.1
    with pytest.raises(ConfigError):
        FlexibleConv2d(2, 4, 3, scheme="frozen", per="layer", value=0.1)


def test_the_text_within_a_transform() -> None:
    """Transforms name a layer in their messages, where its numbers cannot be read."""
    texts: list[str] = []
    module = layer(0.1)

    def call(input: torch.Tensor) -> torch.Tensor:
        texts.append(repr(module))
        return module(input)  # type: ignore[no-any-return]

    torch.func.vmap(call)(torch.zeros(2, 2, 5, 5))
    assert "scheme='uniform'" in texts[0]
