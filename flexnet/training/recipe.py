"""Training recipes as data."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flexnet.options.adversarial import ADVERSARIES
from flexnet.options.augmentations import FlipOptions, augmentation_list, unfit
from flexnet.options.rules import (
    Options,
    by_kind,
    flag,
    made,
    number,
    one_of,
    option,
    optional,
    section,
    whole,
)
from flexnet.problems import Problem, refuse_lines, wrong
from flexnet.training.schedules import SCHEDULES, Step

PRECISIONS = ("float32", "tf32", "bf16")
SCORED = "train_eval"  # the split of training images that are scored as those of the test are
# Keys that came later, with what they are where a recipe is silent about them. They are told only where they
# say something, so that what is told of older recipes stays as it was.
LATER = {"schedule": None, "nesterov": False, "augment": None, "adversarial": None, "score_training": False}

_positive = number("a positive number", above=0)
_not_negative = number("a number of 0 or more", least=0)


@dataclass(frozen=True, kw_only=True)
class Recipe(Options):
    """Stochastic gradient descent with momentum and a schedule, as both networks' papers use.

    Defaults are those of the Flexible Layer paper ("Experiment Details and Hyperparameters"). Its rules are
    those of a row of `recipes` in a configuration too.

    Attributes:
        epochs: passes over the training images.
        batch_size: images per step.
        learning_rate: rate of the first epoch.
        momentum: of the gradient average.
        nesterov: whether a step goes along the gradient and the average, instead of the average alone.
        weight_decay: of all parameters but thresholds.
        threshold_weight_decay: of the thresholds of flexible layers.
        schedule: a kind of `flexnet.training.schedules` with its options; None: "step", with the two keys
            that follow.
        step_size: epochs between two decays of the rate, 20 unless told; None beside a schedule.
        gamma: factor of each decay, 0.7 unless told; None beside a schedule.
        augment: what is done to training images, in this order: kinds of `flexnet.options.augmentations`
            with their options; None: "flip" alone, with the key that follows.
        flip: probability that a training image is mirrored, 0.5 unless told; None beside `augment`.
        adversarial: how each training batch is attacked before its step: a kind of
            `flexnet.options.adversarial` with its options; None: not at all.
        evaluate_every: epochs between two evaluations (the last epoch is always evaluated).
        score_training: whether an evaluation sees the training images too, as it sees those of the test:
            dropout off, nothing done to them.
        precision: "float32", "tf32" (matrix products of a GPU) or "bf16" (autocast; gates stay float32).
        compile: whether to compile the network; pays for itself in long runs only.

    Raises:
        ConfigError: if a value is not allowed, naming its key, what was expected and what came.
    """

    epochs: int = option(150, whole(1))
    batch_size: int = option(100, whole(2))  # batch normalisation needs two
    learning_rate: float = option(0.001, _positive)
    momentum: float = option(0.9, _not_negative)
    nesterov: bool = option(False, flag)
    weight_decay: float = option(0.006, _not_negative)
    threshold_weight_decay: float = option(0.0, _not_negative)
    schedule: Mapping[str, Any] | None = option(None, optional(by_kind(SCHEDULES, "a schedule")))
    step_size: int | None = option(None, optional(whole(1)))
    gamma: float | None = option(None, optional(_positive))
    augment: Sequence[Mapping[str, Any]] | None = option(None, optional(augmentation_list))
    flip: float | None = option(None, optional(number("a probability in [0, 1]", least=0, most=1)))
    adversarial: Mapping[str, Any] | None = option(None, optional(by_kind(ADVERSARIES, "an adversary")))
    evaluate_every: int = option(1, whole(1))
    score_training: bool = option(False, flag)
    precision: str = option("float32", one_of(PRECISIONS))
    compile: bool = option(False, flag)

    def __post_init__(self) -> None:
        _refuse(self.problems(vars(self)))
        if self.schedule is None:
            self._fill("step_size", Step.step_size)
            self._fill("gamma", Step.gamma)
        if self.augment is None:
            self._fill("flip", FlipOptions.probability)

    def _fill(self, name: str, value: float) -> None:
        if getattr(self, name) is None:
            object.__setattr__(self, name, value)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> "Recipe":
        """Build from a configuration section.

        Raises:
            ConfigError: if a key is unknown or a value is not allowed.
        """
        _refuse(section(cls)(mapping))
        return cls(**mapping)

    def disagreements(self) -> Iterator[Problem]:
        """What would be trained otherwise than one of the keys says, or has no effect.

        The keys may stand in two rows, of which one is like the other, so the recipe itself is what is wrong.
        """
        for name, other in (("schedule", "step_size"), ("schedule", "gamma"), ("augment", "flip")):
            if getattr(self, name) is not None and getattr(self, other) is not None:
                yield Problem(
                    f"{other} has no effect beside {name}, which says all; remove one of them (in a row that"
                    f" is like another: {other}: null)"
                )
        if self.schedule is not None:
            for problem in made(SCHEDULES, self.schedule).idle(self.epochs):
                yield Problem(str(problem.below("schedule")))
        if self.nesterov and not self.momentum:
            yield Problem(str(wrong("a number above 0 with nesterov", self.momentum).below("momentum")))

    def told(self) -> dict[str, Any]:
        """What a weights file tells of its recipe: every key that is in force, defaults included."""
        unsaid = object()
        return {
            name: value
            for name, value in vars(self).items()
            if value is not None and LATER.get(name, unsaid) != value
        }

    def rate(self, epoch: int) -> float:
        """Learning rate of an epoch, counted from 1."""
        steps = {"kind": "step", "step_size": self.step_size, "gamma": self.gamma}
        schedule = made(SCHEDULES, steps if self.schedule is None else self.schedule)
        return float(self.learning_rate * schedule.share(epoch, self.epochs))

    def augmentations(self) -> Sequence[Mapping[str, Any]]:
        """What is done to training images, in this order; nothing if they are seen as they are."""
        flips = [{"kind": "flip", "probability": self.flip}] if self.flip else []
        return flips if self.augment is None else self.augment

    def unfit(self, height: int, width: int) -> Iterator[Problem]:
        """What of it cannot be done to images of a size in pixels."""
        return (problem.below("augment") for problem in unfit(self.augmentations(), height, width))

    def steps(self, images: int) -> int:
        """Steps of an epoch over so many images; a single one left over joins the batch before it."""
        full, rest = divmod(images, self.batch_size)
        return max(1, full + (rest > 1))

    def evaluates(self, epoch: int) -> bool:
        """Whether the model is evaluated after this epoch, counted from 1."""
        return epoch % self.evaluate_every == 0 or epoch == self.epochs


def _refuse(problems: Iterable[Problem]) -> None:
    refuse_lines(str(problem.below("recipe")) for problem in problems)
