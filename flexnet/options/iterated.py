"""Options of the iterated attacks: names, defaults at the strength of their papers, and what is allowed."""

from collections.abc import Iterator
from dataclasses import dataclass

from flexnet.options.attacks import LOSSES
from flexnet.options.rules import Options, distinct, number, one_of, option, optional, whole
from flexnet.problems import Problem, refuse, wrong

NORMS = ("linf", "l2")
STARTS = ("clean", "random", "loose")
SCORINGS = ("last", "worst")
STANDARD_PARTS = ("apgd-ce", "apgd-t", "fab-t", "square")
RANDOM_PARTS = ("apgd-ce", "apgd-dlr")
AVERAGING = ("apgd-ce", "apgd-dlr", "apgd-margin", "apgd-t")
PARTS = (*AVERAGING, "fab-t", "square")
APGD_LOSSES = ("cross_entropy", "margin", "dlr", "targeted_dlr")


@dataclass(frozen=True, kw_only=True)
class AttackOptions(Options):
    """Base of the options of one attack, which refuse what is not allowed."""

    def __post_init__(self) -> None:
        refuse(type(self).__name__, type(self).problems(vars(self)))


@dataclass(frozen=True, kw_only=True)
class PgdOptions(AttackOptions):
    """Options of projected gradient descent.

    Attributes:
        steps: number of steps, each one gradient.
        step: size of a step in units of the space; None: 2.5 epsilon / steps, at most epsilon (Madry et al.
            2018 use about that).
        loss: name of a loss of `flexnet.attacks.losses`.
        start: "clean"; "random", uniform in the ball and pulled into the permitted range; or "loose", the
            same without the pull, as in TRADES, whose first gradient is taken outside the range.
        scoring: "last" judges the last iterate, as papers on training do. "worst" judges the worst of the
            clean image and all iterates, as benchmarks of robustness do; fooled images leave the batch.
        draws: passes over which the gradient of a stochastic model is averaged.
        verdicts: passes in which a stochastic model is judged afterwards.
    """

    steps: int = option(20, whole(1))
    step: float | None = option(None, optional(number("a positive number", above=0)))
    loss: str = option("cross_entropy", one_of(LOSSES))
    start: str = option("random", one_of(STARTS))
    scoring: str = option("worst", one_of(SCORINGS))
    draws: int = option(1, whole(1))
    verdicts: int = option(1, whole(1))

    def size(self, epsilon: float) -> float:
        """Size of a step in units of the space."""
        return min(epsilon, 2.5 * epsilon / self.steps) if self.step is None else self.step


@dataclass(frozen=True, kw_only=True)
class ApgdOptions(AttackOptions):
    """Options of Auto-PGD; the defaults are those of the standard suite.

    Attributes:
        steps: number of steps.
        loss: what is climbed. "targeted_dlr" attacks one other class after another.
        restarts: runs from new random points (for "targeted_dlr": of each class).
        targets: with "targeted_dlr", the number of classes, the most likely ones first.
        draws: passes over which the gradient of a stochastic model is averaged.
        verdicts: passes in which a stochastic model is judged afterwards.
    """

    steps: int = option(100, whole(1))
    loss: str = option("cross_entropy", one_of(APGD_LOSSES))
    restarts: int = option(1, whole(1))
    targets: int = option(9, whole(1))
    draws: int = option(1, whole(1))
    verdicts: int = option(1, whole(1))


@dataclass(frozen=True, kw_only=True)
class FabOptions(AttackOptions):
    """Options of the targeted fast adaptive boundary attack; the defaults are those of the standard suite.

    Attributes:
        steps: number of steps for each class.
        targets: number of classes, the most likely ones first.
        restarts: runs for each class; the first starts at the image, the others at random.
        bias: most that a step leans towards the image (the paper's alpha_max).
        overshoot: factor by which a step goes beyond the linearised boundary (eta).
        backward: where the way back to the image starts again once the class has changed (beta).
    """

    steps: int = option(100, whole(1))
    targets: int = option(9, whole(1))
    restarts: int = option(1, whole(1))
    bias: float = option(0.1, number("a number in (0, 1]", above=0, most=1))
    overshoot: float = option(1.05, number("a number of at least 1", least=1))
    backward: float = option(0.9, number("a number in (0, 1]", above=0, most=1))


@dataclass(frozen=True, kw_only=True)
class SquareOptions(AttackOptions):
    """Options of the square attack; the defaults are those of the standard suite.

    Attributes:
        queries: most forward passes for an image.
        share: share of the pixels that the first square covers.
    """

    queries: int = option(5000, whole(2))
    share: float = option(0.8, number("a number in (0, 1]", above=0, most=1))


@dataclass(frozen=True, kw_only=True)
class HopSkipJumpOptions(AttackOptions):
    """Options of HopSkipJump, at the defaults of its paper.

    Attributes:
        steps: rounds of estimate, step and search.
        first: queries of the first estimate of the normal; the k-th round has sqrt(k) times as many.
        most: most queries of an estimate.
        tries: random images that are tried as a starting point.
    """

    steps: int = option(20, whole(1))
    first: int = option(100, whole(2))
    most: int = option(1000, whole(2))
    tries: int = option(100, whole(1))

    def disagreements(self) -> Iterator[Problem]:
        """The first estimate has no more queries than any may have."""
        if self.first > self.most:
            yield wrong(f"at most {self.most}, the key most", self.first).below("first")


@dataclass(frozen=True, kw_only=True)
class SuiteOptions(AttackOptions):
    """Options of a suite of attacks.

    Attributes:
        parts: its attacks in their order; None: the four of the standard suite, or with several draws the two
            for stochastic models.
        draws: passes over which gradients of a stochastic model are averaged.
        verdicts: passes in which a stochastic model is judged.
    """

    parts: tuple[str, ...] | None = option(None, optional(distinct(one_of(PARTS), "attacks")))
    draws: int = option(1, whole(1))
    verdicts: int = option(1, whole(1))

    def disagreements(self) -> Iterator[Problem]:
        """Only attacks that average gradients can attack a stochastic model."""
        for place, name in enumerate(self.parts or ()):
            if (self.draws > 1 or self.verdicts > 1) and name not in AVERAGING:
                yield wrong(f"one of {list(AVERAGING)} with several draws", name).below("parts", place)

    def order(self) -> tuple[str, ...]:
        """The attacks in their order."""
        if self.parts is not None:
            return tuple(self.parts)
        return RANDOM_PARTS if self.draws > 1 or self.verdicts > 1 else STANDARD_PARTS
