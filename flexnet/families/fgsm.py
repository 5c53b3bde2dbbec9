"""FGSM: accuracy after one step along the sign of the gradient, over a grid of sizes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from flexnet.families.base import Condition, Family
from flexnet.options.attacks import CLAMPS, LOSSES, SPACES, unfit
from flexnet.options.rules import Options, distinct, flag, number, one_of, option, required, whole
from flexnet.problems import Problem, refuse
from flexnet.tables.kinds import AMOUNT, WHOLE

COUNTINGS = ("all", "drop_last_of_batch")


@dataclass(frozen=True, kw_only=True)
class FgsmSettings(Options):
    """Settings of one FGSM evaluation.

    Attributes:
        space: unit of epsilon, `"normalised"` (by the model's mean and std) or `"pixel"`.
        clamp: `"loose"` (the released code's, pixels may leave [0, 1]) or `"valid"` ([0, 1]).
        loss: name of a loss of `flexnet.attacks.losses`.
        epsilons: sizes of the step, each given once, from 0, the clean accuracy, to the range of the space.
        draws: repeats for a model whose output varies; one that does not vary is run once.
        eot_draws: passes over which the gradient of a stochastic model is averaged. With 1 every
            repeat attacks anew; with more the attack is made once and judged in every repeat.
        counting: `"all"` images, or `"drop_last_of_batch"` as in the released code, which shuffles,
            leaves the last image of each batch out and divides by the full number: at most 99 % for
            batches of 100, and repeats that differ although the model does not.
        redraw: draw the thresholds of scheme `redrawn` anew for each repeat, as the released code does.
        batch: images that share a batch: its mask, and what the counting calls a batch.
    """

    space: str = required(one_of(SPACES))
    clamp: str = required(one_of(CLAMPS))
    loss: str = required(one_of(LOSSES))
    epsilons: tuple[float, ...] = required(distinct(number("a number of at least 0", least=0), "numbers"))
    draws: int = option(1, whole(1))
    eot_draws: int = option(1, whole(1))
    counting: str = option("all", one_of(COUNTINGS))
    redraw: bool = option(False, flag)
    batch: int = option(100, whole(1))

    def __post_init__(self) -> None:
        refuse("fgsm", type(self).problems({entry.name: getattr(self, entry.name) for entry in fields(self)}))

    def disagreements(self) -> Iterator[Problem]:
        """Clamp and sizes fit the space."""
        return unfit(self.space, self.clamp, self.epsilons)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Read the settings from a section of the configuration.

        Raises:
            ConfigError: if a key is unknown or missing, or a value is not allowed.
        """
        refuse("fgsm", cls.problems(values))
        return cls(**{**values, "epsilons": tuple(values["epsilons"])})


EPSILON = Condition(AMOUNT, plain=0.0)
DRAW = Condition(WHOLE, repeat=True)

FAMILY = Family(
    name="fgsm",
    conditions={"epsilon": EPSILON, "draw": DRAW},
    settings=FgsmSettings,
)
