"""Audit: is a model's robustness real? One row for each check, with the share that its rule speaks of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from flexnet.families.base import Condition, Family
from flexnet.families.fgsm import EPSILON
from flexnet.families.pgd import model_name
from flexnet.options.attacks import PGD_CLAMPS, SPACES, too_large, unfit
from flexnet.options.iterated import NORMS
from flexnet.options.rules import Options, distinct, number, one_of, option, optional, required, whole
from flexnet.problems import Problem, refuse, wrong
from flexnet.tables.kinds import PERHAPS_FRACTION, TEXT

# Rows beside those of the checks: right answers before any attack, and under the reference attack.
CLEAN, REFERENCE = "clean", "reference"
NAMES = (
    *("zero_gradients", "single_step", "noise", "transfer", "black_box", "decision", "softened_gate"),
    *("frozen_gate", "float64", "expectation", "suite", "epsilon", "steps", "restarts", "monotone"),
)


@dataclass(frozen=True, kw_only=True)
class AuditSettings(Options):
    """Settings of an audit. A model row may say `epsilon`, `twin` and `surrogate` under `at_test.audit`.

    Attributes:
        space: unit of epsilon, `"normalised"` or `"pixel"`.
        clamp: permitted range, as for PGD.
        epsilon: radius of the ball.
        norm: `"linf"` or `"l2"`.
        steps: of the reference attack.
        queries: of the square attack.
        few: number of images for the attack by decisions.
        checks: some of the checks in this order; None: all.
        twin: a model whose gradient is tried as well, such as the baseline; None: there is none.
        surrogate: another such model.
        images: most images that are asked about; None: all.
    """

    space: str = required(one_of(SPACES))
    clamp: str = required(one_of(PGD_CLAMPS))
    epsilon: float = required(number("a number above 0", above=0))
    norm: str = option("linf", one_of(NORMS))
    steps: int = option(20, whole(1))
    queries: int = option(5000, whole(2))
    few: int = option(20, whole(2))  # one image may be luck
    checks: tuple[str, ...] | None = option(None, optional(distinct(one_of(NAMES), "checks")))
    twin: str | None = option(None, optional(model_name))
    surrogate: str | None = option(None, optional(model_name))
    images: int | None = option(None, optional(whole(1)))

    def __post_init__(self) -> None:
        refuse(
            "audit", type(self).problems({entry.name: getattr(self, entry.name) for entry in fields(self)})
        )

    def disagreements(self) -> Iterator[Problem]:
        """Clamp and size fit the space."""
        yield from unfit(self.space, self.clamp, ())
        if self.norm == "linf":
            yield from (problem.below("epsilon") for problem in too_large(self.space, self.epsilon))


@dataclass(frozen=True, kw_only=True)
class AuditAsked(Options):
    """What a model row may say to the audit, which counts before the protocol's section."""

    epsilon: float | None = option(None, optional(number("a number above 0", above=0)))
    twin: str | None = option(None, optional(model_name))
    surrogate: str | None = option(None, optional(model_name))


def _asked(value: Any, layer: Options | None) -> Iterator[Problem]:
    if isinstance(value, Mapping):
        yield from AuditAsked.problems(value)
    else:
        yield wrong("options with their values, such as {twin: another-model}", value)


def _work(section: Mapping[str, Any]) -> float:
    """Some thirty runs of the reference attack, and the square attack on what is left."""
    return 20.0 * float(section.get("steps", 20)) + 0.02 * float(section.get("queries", 5000))


FAMILY = Family(
    name="audit",
    conditions={"check": Condition(TEXT), "epsilon": EPSILON},
    # The share that the check's rule speaks of (empty where it does not apply), and the numbers behind it.
    measures={"share": PERHAPS_FRACTION, "evidence": TEXT},
    settings=AuditSettings,
    asked=_asked,
    seeds="all",
    models=("twin", "surrogate"),
    work=_work,
    runtime=1200,
)
