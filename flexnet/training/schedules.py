"""Schedules: what share of the first learning rate each epoch has.

A schedule is a line of `SCHEDULES`: options, and the share as a pure function of them and of the epoch.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi

from flexnet.by_name import ByName
from flexnet.options.rules import Options, distinct, number, option, required, whole
from flexnet.problems import Problem, wrong


@dataclass(frozen=True, kw_only=True)
class Schedule(Options, ABC):
    """Base of schedules: options, and what they make of an epoch."""

    @abstractmethod
    def share(self, epoch: int, epochs: int) -> float:
        """Share of the first rate that an epoch has.

        Args:
            epoch: counted from 1.
            epochs: of the whole training.
        """

    def idle(self, epochs: int) -> Iterator[Problem]:
        """What would have no effect in a training of so many epochs."""
        return iter(())


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """One rate throughout."""

    def share(self, epoch: int, epochs: int) -> float:
        """1."""
        return 1.0


@dataclass(frozen=True, kw_only=True)
class Step(Schedule):
    """The rate is multiplied by `gamma` after every `step_size` epochs. Defaults are those of VGG16."""

    step_size: int = option(20, whole(1))
    gamma: float = option(0.7, number("a number above 0", above=0))

    def share(self, epoch: int, epochs: int) -> float:
        """A power of gamma."""
        return self.gamma ** ((epoch - 1) // self.step_size)


@dataclass(frozen=True, kw_only=True)
class Milestones(Schedule):
    """The rate is multiplied by `factor` after 80 epochs, after 120, and so on, as `epochs` lists them."""

    epochs: tuple[int, ...] = required(distinct(whole(1), "epochs after which the rate changes"))
    factor: float = option(0.1, number("a number above 0", above=0))

    def share(self, epoch: int, epochs: int) -> float:
        """A power of the factor of each milestone."""
        return self.factor ** sum(epoch > milestone for milestone in self.epochs)

    def disagreements(self) -> Iterator[Problem]:
        """Milestones stand in the order in which they are passed."""
        if list(self.epochs) != sorted(self.epochs):
            yield wrong("epochs in ascending order", list(self.epochs)).below("epochs")

    def idle(self, epochs: int) -> Iterator[Problem]:
        """Milestones at which the training is over."""
        for place, milestone in enumerate(self.epochs):
            if milestone >= epochs:
                text = f"less than the {epochs} epochs of the recipe, or else it is never passed"
                yield wrong(text, milestone).below("epochs", place)


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """Half a cosine, from the first rate towards 0, which the epoch after the last would have."""

    def share(self, epoch: int, epochs: int) -> float:
        """(1 + cos) / 2 of the share of the training that is done."""
        return (1 + cos(pi * (epoch - 1) / epochs)) / 2


SCHEDULES: ByName[type[Schedule]] = {
    "constant": Constant,
    "cosine": Cosine,
    "milestones": Milestones,
    "step": Step,
}
