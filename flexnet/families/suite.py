"""Suite: what is left of the accuracy after each attack of the standard suite, one after another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from flexnet.families.base import Condition, Family
from flexnet.families.fgsm import EPSILON
from flexnet.families.pgd import ATTACK
from flexnet.options.attacks import PGD_CLAMPS, SPACES, unfit
from flexnet.options.iterated import PARTS
from flexnet.options.rules import Options, distinct, number, one_of, option, optional, required, whole
from flexnet.problems import Problem, refuse
from flexnet.tables.kinds import PERHAPS_FRACTION, TEXT

LINF, L2 = "linf", "l2"
_sizes = distinct(number("a number above 0", above=0), "numbers")


@dataclass(frozen=True, kw_only=True)
class SuiteSettings(Options):
    """Settings of an evaluation under the standard suite, at the suite's own numbers of steps and queries.

    Attributes:
        space: unit of epsilon, `"normalised"` or `"pixel"`.
        clamp: permitted range, as for PGD.
        epsilons: radii of the balls of the norm "linf", each given once.
        l2_epsilons: radii of balls of the norm "l2"; None: none.
        parts: attacks of the suite in their order; None: the standard ones.
        eot_draws: passes over which the gradient of a stochastic network is averaged.
        verdicts: passes in which such a network is judged; it is right if it is in at least half.
        images: most images that are attacked; None: all.
    """

    space: str = required(one_of(SPACES))
    clamp: str = required(one_of(PGD_CLAMPS))
    epsilons: tuple[float, ...] = required(_sizes)
    l2_epsilons: tuple[float, ...] | None = option(None, optional(_sizes))
    parts: tuple[str, ...] | None = option(None, optional(distinct(one_of(PARTS), "attacks")))
    eot_draws: int = option(20, whole(2))
    verdicts: int = option(20, whole(2))
    images: int | None = option(None, optional(whole(1)))

    def __post_init__(self) -> None:
        refuse(
            "suite", type(self).problems({entry.name: getattr(self, entry.name) for entry in fields(self)})
        )

    def disagreements(self) -> Iterator[Problem]:
        """Clamp and sizes fit the space."""
        return unfit(self.space, self.clamp, self.epsilons)

    def balls(self) -> list[tuple[str, float]]:
        """Norm and radius of each ball."""
        return [(LINF, size) for size in self.epsilons] + [(L2, size) for size in self.l2_epsilons or ()]


def _work(section: Mapping[str, Any]) -> float:
    """Passes of the first attack; on a network that is not robust the others find few images left."""
    return 150.0 * (len(section["epsilons"]) + len(section.get("l2_epsilons") or ()))


NORM = Condition(TEXT, plain=LINF)

FAMILY = Family(
    name="suite",
    conditions={"attack": ATTACK, "norm": NORM, "epsilon": EPSILON},
    # Of a network that draws: share of images whose 95 % interval over the verdict's draws holds one half.
    measures={"uncertain": PERHAPS_FRACTION},
    settings=SuiteSettings,
    seeds="all",
    work=_work,
    runtime=1200,
)
