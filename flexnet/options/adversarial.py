"""Options of adversarial training, without torch: how each training batch is attacked before its step."""

from collections.abc import Iterator
from dataclasses import dataclass

from flexnet.by_name import ByName
from flexnet.options.iterated import NORMS, PgdOptions
from flexnet.options.rules import Options, number, one_of, option, optional, required, whole
from flexnet.problems import Problem, wrong


@dataclass(frozen=True, kw_only=True)
class PgdTraining(Options):
    """Training on images moved by PGD from a random start; with 7 steps, PGD-7 of Madry et al. (2018).

    Attributes:
        epsilon: radius of the ball, in pixels of the [0, 1] scale.
        steps: number of steps.
        step: size of a step in pixels; None: 2.5 epsilon / steps, at most epsilon.
        norm: "linf" or "l2".
    """

    epsilon: float = required(number("a number above 0", above=0))
    steps: int = option(7, whole(1))
    step: float | None = option(None, optional(number("a positive number", above=0)))
    norm: str = option("linf", one_of(NORMS))

    def disagreements(self) -> Iterator[Problem]:
        """A ball of "linf" is no wider than the range of pixels: a larger number was meant in grey levels."""
        if self.norm == "linf" and self.epsilon > 1:
            words = "at most 1, the whole range of pixels (divide grey levels by 255)"
            yield wrong(words, self.epsilon).below("epsilon")

    def attack(self) -> PgdOptions:
        """The attack itself."""
        return PgdOptions(steps=self.steps, step=self.step, scoring="last")


ADVERSARIES: ByName[type[PgdTraining]] = {"pgd": PgdTraining}
