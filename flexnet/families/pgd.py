"""PGD: accuracy under many small steps, with the network's own gradient and with a surrogate's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from flexnet.families.base import Condition, Family
from flexnet.families.fgsm import DRAW, EPSILON
from flexnet.options.attacks import LOSSES, PGD_CLAMPS, SPACES, unfit
from flexnet.options.iterated import SCORINGS, STARTS
from flexnet.options.rules import Options, distinct, flag, number, one_of, option, optional, required, whole
from flexnet.problems import Problem, refuse, wrong
from flexnet.tables.kinds import TEXT, WHOLE

NONE, CLAMP, WHITE, BLACK = "none", "clamp", "white", "black"


def model_name(value: Any) -> Iterator[Problem]:
    """The name of a row of `models`."""
    if not isinstance(value, str) or not value:
        yield wrong("the name of a model", value)


@dataclass(frozen=True, kw_only=True)
class PgdSettings(Options):
    """Settings of an evaluation under projected gradient descent.

    Attributes:
        space: unit of epsilon and step, `"normalised"` or `"pixel"`.
        clamp: `"valid"` ([0, 1]), `"loose"`, or `"squeezed"`: the released code's, which clamps normalised
            values to the range of pixels.
        epsilons: radii of the ball, each given once.
        steps: numbers of steps, each given once.
        step: size of a step in units of the space; None: 2.5 epsilon / steps, at most epsilon.
        loss: name of a loss of `flexnet.attacks.losses`.
        start: `"clean"`, `"random"`, or `"loose"`, random and not yet clamped, as TRADES starts.
        scorings: `"last"` judges the last iterate, `"worst"` the worst of the clean image and all iterates.
        draws: repeats, each from other random starts.
        eot_draws: passes over which the gradient of a stochastic network is averaged.
        verdicts: passes in which a stochastic network is judged; it is right if it is in at least half.
        redraw: draw the thresholds of scheme `redrawn` anew for each repeat, as the released code does.
        surrogate: a model whose gradient is followed in the black-box attack; None: there is none.
        images: most images that are attacked; None: all.
    """

    space: str = required(one_of(SPACES))
    clamp: str = required(one_of(PGD_CLAMPS))
    epsilons: tuple[float, ...] = required(distinct(number("a number above 0", above=0), "numbers"))
    steps: tuple[int, ...] = required(distinct(whole(1), "numbers of steps"))
    step: float | None = option(None, optional(number("a positive number", above=0)))
    loss: str = option("cross_entropy", one_of(LOSSES))
    start: str = option("random", one_of(STARTS))
    scorings: tuple[str, ...] = option(SCORINGS[:1], distinct(one_of(SCORINGS), "scorings"))
    draws: int = option(1, whole(1))
    eot_draws: int = option(1, whole(1))
    verdicts: int = option(1, whole(1))
    redraw: bool = option(False, flag)
    surrogate: str | None = option(None, optional(model_name))
    images: int | None = option(None, optional(whole(1)))

    def __post_init__(self) -> None:
        refuse("pgd", type(self).problems({entry.name: getattr(self, entry.name) for entry in fields(self)}))

    def disagreements(self) -> Iterator[Problem]:
        """A clamp belongs to its space; a verdict on the worst of many looks cannot be one look."""
        yield from unfit(self.space, self.clamp, self.epsilons)
        if "worst" in self.scorings and self.verdicts == 1:
            words = "at least 2 with the scoring 'worst', or a random network is fooled by luck"
            yield wrong(words, 1).below("verdicts")


def _work(section: Mapping[str, Any]) -> float:
    """Gradients of all steps and repeats; images that are fooled leave the worse half of them early."""
    runs = len(section["epsilons"]) * sum(section["steps"]) * section.get("draws", 1)
    scorings = 1 + 0.3 * (len(section.get("scorings", "x")) - 1)
    return float(0.7 * runs * scorings * (1 + bool(section.get("surrogate"))))


ATTACK = Condition(TEXT, plain=NONE)
SCORING = Condition(TEXT, plain="last")
STEPS = Condition(WHOLE, plain=0)

FAMILY = Family(
    name="pgd",
    conditions={"attack": ATTACK, "scoring": SCORING, "epsilon": EPSILON, "steps": STEPS, "draw": DRAW},
    settings=PgdSettings,
    seeds="all",
    models=("surrogate",),
    work=_work,
    runtime=600,
)
