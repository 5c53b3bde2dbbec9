"""What a kind of rule is: a function from rows to an effect with its interval, registered by its name.

Kinds live in modules of their own, by what they compare; `flexnet.claims.rules` knows them all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import pandas as pd

from flexnet.claims.model import Comparison, Rule, Window
from flexnet.errors import ConfigError


class NotMeasured(Exception):
    """The rows do not hold what a rule needs; the text says what is absent. `word` is the verdict."""

    word: ClassVar[str] = "not measured"
    n = 0


class AtChance(NotMeasured):
    """Nothing that a rule compares rises above chance, over `n` seeds; the text says where."""

    word = "at chance"

    def __init__(self, text: str, n: int) -> None:
        super().__init__(text)
        self.n = n


@dataclass(frozen=True)
class Measurement:
    """An effect in percentage points with its 95 % interval over `n` seeds.

    `low` and `high` are NaN where the seeds give no interval: one alone, or all with the same value.
    `exceptions` lists where the universal part of a claim fails; empty if it holds or there is none.
    `notes` says what was left out, and what else limits the measurement. `by_seed` has the effect of each
    seed, in their order; empty where seeds have none of their own.
    """

    effect: float
    low: float
    high: float
    n: int
    detail: str
    exceptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    by_seed: tuple[float, ...] = ()


Kind: TypeAlias = Callable[[pd.DataFrame, Rule, Comparison, Window], Measurement]
KINDS: dict[str, Kind] = {}


def rule_kind(function: Kind) -> Kind:
    """Register a kind of measurement under the function's own name.

    Raises:
        ConfigError: if the name is taken.
    """
    name = getattr(function, "__name__", "")
    if name in KINDS:
        raise ConfigError(f"expected a new kind of rule; {name!r} is registered already; choose another name")
    KINDS[name] = function
    return function
