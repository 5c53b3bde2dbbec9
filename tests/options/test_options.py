"""Options without torch against the modules that they belong to: one set of names, defaults and bounds."""

import inspect
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flexnet.attacks.losses import LOSSES
from flexnet.errors import ConfigError
from flexnet.figures.captions import caption
from flexnet.figures.facts import Facts, label_fields
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.layers.signatures import OF_CONV
from flexnet.networks.registry import build, expected_images, networks, options_of
from flexnet.networks.vgg16 import POOLING
from flexnet.options import attacks
from flexnet.options.layers.flexible import FlexibleOptions
from flexnet.options.networks.vgg16 import CONVOLUTIONS, FLEXIBLE, POOLINGS, SMALLEST
from flexnet.options.rules import Options, checked, distinct, flag, number, option, required, whole
from flexnet.study.figures import CAPTION_FIELDS, LABEL_FIELDS
from flexnet.tables.facts import FigureFacts

ROOT = Path(__file__).parents[2]


def function_of(name: str) -> Any:
    return getattr(import_module(f"flexnet.networks.{name}"), name)


def defaults_of(options: type[Options]) -> dict[str, Any]:
    return {entry.name: entry.default for entry in fields(options)}


@pytest.mark.parametrize("name", networks())
def test_a_network_takes_the_options_that_are_declared_with_their_defaults(name: str) -> None:
    parameters = inspect.signature(function_of(name)).parameters
    assert {key: parameter.default for key, parameter in parameters.items()} == defaults_of(options_of(name))
    assert {parameter.kind for parameter in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}


def test_the_flexible_layer_takes_the_options_that_are_declared_with_their_defaults() -> None:
    parameters = inspect.signature(FlexibleConv2d).parameters
    declared = defaults_of(FlexibleOptions)
    assert {key: parameters[key].default for key in declared} == declared
    assert set(parameters) - set(declared) == {"in_channels", "out_channels", "kernel_size", *OF_CONV} - {
        "bias"
    }


@pytest.mark.parametrize("name", networks())
def test_defaults_are_allowed_and_are_what_is_built(name: str) -> None:
    assert list(options_of(name).problems({})) == []
    channels, size, classes = expected_images(name, {})
    with torch.device("meta"):
        assert build(name).eval()(torch.empty(2, channels, size, size)).shape == (2, classes)


@pytest.mark.parametrize(
    ("name", "smallest"), [("vgg16", SMALLEST), ("small", 5), ("surrogate", 4), ("hmax", 11)]
)
def test_the_smallest_images_that_are_allowed_pass(name: str, smallest: int) -> None:
    channels = expected_images(name, {})[0]
    for pooling in POOLINGS if name == "vgg16" else (None,):
        more = {} if pooling is None else {"pooling": pooling}
        with torch.device("meta"):
            network = build(name, input_size=smallest, **more).eval()
            assert network(torch.empty(2, channels, smallest, smallest)).shape == (2, 10)
    with pytest.raises(ConfigError, match=f"input_size: expected a whole number of at least {smallest}; got"):
        build(name, input_size=smallest - 1)


@pytest.mark.parametrize(
    ("name", "options", "scheme"),
    [
        ("vgg16", {}, None),
        ("vgg16", {"layer": {"scheme": "frozen"}}, None),
        ("vgg16", {"flexible": "single"}, "learned"),
        ("vgg16", {"flexible": [3, 5], "layer": {"scheme": "frozen"}}, "frozen"),
        ("small", {}, "conv"),
        ("small", {"layer": {"scheme": "uniform", "value": 0.1}}, "uniform"),
        ("small", {"layer": {}}, "learned"),
        ("surrogate", {}, None),
        ("hmax", {}, None),
        ("hmax", {"s2": "conv", "layer": {"scheme": "max"}}, None),
        ("hmax", {"c1": "flexible", "layer": {"scheme": "max"}}, "max"),
        ("hmax", {"s2": "flexible"}, "learned"),
    ],
)
def test_the_flexible_layer_of_the_options_is_that_of_the_modules(
    name: str, options: dict[str, Any], scheme: str | None
) -> None:
    layer = options_of(name)(**options).replaced()
    assert (None if layer is None else layer.scheme) == scheme
    with torch.device("meta"):
        built = build(name, **options)
    schemes = {module.scheme for module in built.modules() if isinstance(module, FlexibleConv2d)}
    # A convolution of HMAX is a Flexible Layer that always convolves.
    assert schemes - {"conv"} == {scheme} - {None, "conv"}


def test_names_without_torch_are_those_of_the_modules() -> None:
    assert tuple(LOSSES) == attacks.LOSSES
    assert tuple(POOLING) == POOLINGS
    assert FLEXIBLE["all"] == tuple(range(1, CONVOLUTIONS + 1))


def test_every_field_that_a_caption_may_have_is_filled() -> None:
    import pandas as pd

    table = pd.DataFrame({"series": ["a"], "n": [1], "n_images": [10], "epsilon": [0.1]})
    run = {"network": "a", "options": {}, "title": "a", "content": "official", "classes": 10, "seeds": [1]}
    run |= {"recipe": {"epochs": 1, "batch_size": 1}, "training_images": 1, "scored_images": 1}
    document = {"figure": "a", "protocol": "paper", "band": "sem", "space": "pixel"}
    runs = FigureFacts.from_document({**document, "series": [{"name": "a", "model": "a", **run}]}, "test")
    facts = Facts(scale="demo", protocol="paper", note="note", runs=runs)
    filled = caption(" ".join(f"{field}={{{field}}}" for field in CAPTION_FIELDS), table, facts)
    assert all(f"{field}=" in filled for field in CAPTION_FIELDS)
    with pytest.raises(ConfigError) as caught:
        caption("{no such field}", table, facts)
    assert str(sorted(CAPTION_FIELDS)) in str(caught.value)
    assert sorted(label_fields()) == sorted(LABEL_FIELDS)


# --- the rules themselves --------------------------------------------------------------------------


def told(check: Any, value: Any) -> list[str]:
    return [str(problem) for problem in check(value)]


@pytest.mark.parametrize("value", [1, 3, np.int64(2)])
def test_whole_numbers_within_bounds_are_allowed(value: Any) -> None:
    assert told(whole(1, 3), value) == []


@pytest.mark.parametrize("value", [0, 4, 2.0, True, "2", None, [2], float("nan"), np.float64(2)])
def test_all_else_is_no_whole_number(value: Any) -> None:
    (text,) = told(whole(1, 3), value)
    assert text.startswith("expected a whole number from 1 to 3; got ")


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.5), 1e-300])
def test_numbers_within_bounds_are_allowed(value: Any) -> None:
    assert told(number("a number in (0, 1]", above=0, most=1), value) == []


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "0.5", None, [0.5], float("nan"), float("inf"), 1j])
def test_all_else_is_no_such_number(value: Any) -> None:
    (text,) = told(number("a number in (0, 1]", above=0, most=1), value)
    assert text.startswith("expected a number in (0, 1]; got ")


@pytest.mark.parametrize(
    ("text", "written"), [("1e3", "1000"), ("0,05", "0.05"), ("0.1", "0.1"), ("1e-05", "1e-05"), (" 7", "7")]
)
def test_a_number_that_came_as_text_is_written_out(text: str, written: str) -> None:
    assert told(number("a number"), text) == [
        f"expected a number; got {text!r}, which is text; write {written}"
    ]


def test_a_list_has_each_entry_once() -> None:
    check = distinct(whole(1), "layers")
    assert told(check, [1, 2]) == told(check, (3,)) == []
    assert told(check, [1, 0]) == ["1: expected a whole number of at least 1; got 0"]
    assert told(check, [0, 1, 0])[0] == "0: expected a whole number of at least 1; got 0"
    assert "with 1 twice; a decimal comma makes two numbers of one" in told(check, [1, 2, 1])[0]
    for value in ([], "12", 1, None, {1: 2}):
        assert told(check, value) == [f"expected a list of layers, at least one; got {value!r}"]


def test_true_and_false_are_flags_and_nothing_else_is() -> None:
    assert told(flag, True) == told(flag, False) == []
    for value in (0, 1, "yes", None):
        assert told(flag, value) == [f"expected true or false; got {value!r}"]


def test_a_checked_function_tells_all_its_problems_and_keeps_its_face() -> None:
    from dataclasses import dataclass

    @dataclass(frozen=True, kw_only=True)
    class Given(Options):
        size: int = required(whole(1))
        loud: bool = option(False, flag)

    @checked(Given, "the function")
    def function(*, size: int, loud: bool = False) -> int:
        """Twice."""
        return size * 2

    assert function(size=2) == 4
    assert function.__doc__ == "Twice."
    with pytest.raises(ConfigError) as caught:
        function(size=0, lod=True)  # type: ignore[call-arg]
    assert str(caught.value).splitlines() == [
        "the function: unknown key 'lod'; expected keys among ['loud', 'size']; did you mean 'loud'?",
        "the function: size: expected a whole number of at least 1; got 0",
    ]
    with pytest.raises(ConfigError, match="the function: expected the key 'size' as well; add it"):
        function()  # type: ignore[call-arg]
