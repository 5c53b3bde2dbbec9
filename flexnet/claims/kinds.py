"""What a kind of rule is: a function from rows to an effect with its interval, registered by its name.

Kinds live in modules of their own, by what they compare; `flexnet.claims.rules` knows them all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias

import pandas as pd

from flexnet.claims.model import Comparison, Rule, Window
from flexnet.errors import ConfigError


class NotMeasured(Exception):
    """The rows do not hold what a rule needs; the text says what is absent. `word` is the verdict."""

    word: ClassVar[str] = "not measured"
    n = 0


class AtChance(NotMeasured):
    """Nothing that a rule compares rises above chance, over `n` seeds; the text says where, and all notes."""

    word = "at chance"

    def __init__(self, text: str, n: int, notes: Sequence[str] = ()) -> None:
        super().__init__("; ".join([text, *notes]))
        self.n, self.notes = n, tuple(notes)


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


@dataclass(frozen=True)
class KnownKind:
    """A kind of rule.

    Attributes:
        measure: from rows to an effect.
        needs: keys of a comparison without which there is nothing to measure.
        reads: keys of a rule or comparison that it heeds beside those and what every kind does: `over`,
            `where` and `range`, the paper's `value`, sizes and the level of chance.
    """

    measure: Kind
    needs: tuple[str, ...]
    reads: tuple[str, ...]


KINDS: dict[str, KnownKind] = {}
# Keys that some kinds heed and others do not, with their values where nobody speaks of them. One that is not
# heeded would still stand in the words of a comparison.
OWN: Final[Mapping[str, object]] = {
    "universal": False,
    "against": (),
    "at": None,
    "cell": None,
    "category": "",
    "measure": "",
    "than": {},
}


def rule_kind(*, needs: tuple[str, ...] = (), reads: tuple[str, ...] = ()) -> Callable[[Kind], Kind]:
    """Register a kind of measurement under the function's own name, with the keys that it heeds.

    Raises:
        ConfigError: if the name is taken.
    """

    def register(function: Kind) -> Kind:
        name = getattr(function, "__name__", "")
        if name in KINDS:
            raise ConfigError(
                f"expected a new kind of rule; {name!r} is registered already; choose another name"
            )
        KINDS[name] = KnownKind(function, needs, reads)
        return function

    return register
