"""Values typed after --config arrive as they were typed, or are refused by their key."""

from pathlib import Path
from typing import Any

import pytest

from flexnet.config import read_yaml
from flexnet.errors import ConfigError
from flexnet.study.configuration import with_scales
from flexnet.study.typed import read_typed, require_once

SCHEMA = with_scales(read_yaml(Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml"))


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("threads=8", 8),
        ("threads=1_0", 10),
        ("seed=1_000", 1000),
        ("checkpoint_seconds=1_000", 1000),
        ("checkpoint_seconds=2.5", 2.5),
        ("checkpoint_seconds=1e-1", 0.1),
        *((f"download={word}", True) for word in ("yes", "Yes", "on", "true", "True")),
        *((f"download={word}", False) for word in ("no", "NO", "off", "false", "False")),
        ("data_mirror=2024_01", "2024_01"),
        ("data_mirror=1", "1"),
        ("data_mirror=/a b/{c}: d", "/a b/{c}: d"),
        ("data_mirror='/a b'", "/a b"),
        ("data_mirror=yes", "yes"),
        ("data_mirror=null", None),
        ("data_mirror=", None),
        ("data_mirror=None", None),
        ("data_mirror=a=b", "a=b"),
        ("device= cpu", " cpu"),  # the schema refuses it
        ("note=no", "no"),
        ("note=null", "null"),
        ("note=", ""),
        ("note=[a", "[a"),
        ("datasets={a: {per_class: null}}", {"a": {"per_class": None}}),
        ("sources={a: {channels: 3}}", {"a": {"channels": 3}}),
    ],
)
def test_the_key_says_what_a_value_is(entry: str, value: object) -> None:
    ((_, found),) = read_typed([entry], SCHEMA).items()
    assert found == value
    assert type(found) is type(value)


def test_nested_values_have_the_types_of_their_keys() -> None:
    entry = (
        "scales={trial: {like: demo, note: 1_0, recipes: {vgg: {epochs: 1_0, learning_rate: 1e-3,"
        " compile: no, precision: bf16}}, models: {m: {options: {width: 0.25, flexible: [1, 2], deep: 1e-2,"
        " layer: {scheme: uniform, value: -0.5, bias: yes}}, at_test: {sweep: [0, .5]}}},"
        " protocols: {paper: {fgsm: {draws: 2, redraw: off}}}}}"
    )
    trial = read_typed([entry], SCHEMA)["scales"]["trial"]
    assert trial["note"] == "1_0"
    vgg = {"epochs": 10, "learning_rate": 0.001, "compile": False, "precision": "bf16"}
    assert trial["recipes"]["vgg"] == vgg
    model = trial["models"]["m"]
    assert model["options"] == {
        "width": 0.25,
        "flexible": [1, 2],
        "deep": 0.01,
        "layer": {"scheme": "uniform", "value": -0.5, "bias": True},
    }
    assert model["at_test"] == {"sweep": [0, 0.5]}
    assert trial["protocols"]["paper"]["fgsm"] == {"draws": 2, "redraw": False}


def test_mappings_of_one_key_are_joined() -> None:
    typed = read_typed(["recipes={a: {epochs: 1}}", "recipes={a: {flip: 0}, b: {epochs: 2}}"], SCHEMA)
    assert typed == {"recipes": {"a": {"epochs": 1, "flip": 0}, "b": {"epochs": 2}}}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("threads=x", "--config threads: expected a whole number; got 'x'"),
        ("threads=2.5", "--config threads: expected a whole number; got '2.5'"),
        ("download=maybe", "--config download: expected yes or no"),
        ("download=1", "--config download: expected yes or no"),
        ("checkpoint_seconds=nan", "--config checkpoint_seconds: expected a number; got 'nan'"),
        ("checkpoint_seconds=inf", "--config checkpoint_seconds: expected a number; got 'inf'"),
        ("recipes={vgg: {epochs: three}}", "--config recipes.vgg.epochs: expected a whole number"),
        ("recipes={vgg: {epochs: 3", "--config recipes: expected a value, or a mapping such as"),
        ("recipes={vgg: {epochs: 3}, vgg: {}}", "--config recipes.vgg: expected a key once; got it twice"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_key(entry: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_typed([entry], SCHEMA)
    assert str(caught.value).startswith(message)


def test_no_value_is_lost_because_the_option_was_repeated() -> None:
    require_once(["snakemake", "--config", "a=1", "b=2", "--configfile", "x"])
    for words in (["--config", "a=1", "--config", "b=2"], ["-C", "a=1", "--config=b=2"]):
        with pytest.raises(ConfigError, match="expected --config once; got it 2 times"):
            require_once(words)


def test_a_quoted_number_is_text_and_text_where_a_number_belongs_is_left_to_the_schema() -> None:
    found: dict[str, Any] = read_typed(["recipes={vgg: {epochs: '3'}}"], SCHEMA)
    assert found == {"recipes": {"vgg": {"epochs": "3"}}}
