"""Layers by kind: what may stand under `layer` in the options of a network.

A kind is a module of `flexnet.options.layers` and its twin in `flexnet.layers`, found by listing the folder,
or the dotted path of a class of the user's own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from flexnet.options.rules import Options, beside_kind, required
from flexnet.own import is_dotted, own_problems
from flexnet.problems import Problem, no_such_name, wrong

UNSAID = "flexible"  # the kind of a layer that says none
FOLDER = Path(__file__).with_name("layers")


@cache
def kinds() -> list[str]:
    """Names of the layers of this package."""
    return sorted(path.stem for path in FOLDER.glob("[!_]*.py"))


def kind_of(layer: Mapping[str, Any]) -> Any:
    """What kind of layer these options are for."""
    return layer.get("kind", UNSAID)


@dataclass(frozen=True, kw_only=True)
class OwnLayer(Options):
    """A layer of the user's own, whose options it checks itself when it is built."""

    kind: str = required(own_problems)


def layer_problems(value: Any) -> Iterator[Problem]:
    """A mapping of options of a layer, and of what kind it is."""
    if not isinstance(value, Mapping):
        yield wrong("options with their values", value)
        return
    kind = kind_of(value)
    if is_dotted(kind):
        yield from (problem.below("kind") for problem in own_problems(kind))
    elif kind not in kinds():
        yield no_such_name("a kind of layer, or module.Class of one's own", kind, kinds()).below("kind")
    else:
        yield from _class(kind).problems(beside_kind(value))


def layer_options(value: Mapping[str, Any] | None) -> Options:
    """The options that a mapping says which `layer_problems` allows; the default layer's if it says none."""
    said = value or {}
    kind = kind_of(said)
    return OwnLayer(kind=kind) if is_dotted(kind) else _class(kind)(**beside_kind(said))


def _class(kind: str) -> type[Options]:
    options: type[Options] = import_module(f"flexnet.options.layers.{kind}").OPTIONS
    return options
