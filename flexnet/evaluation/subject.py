"""What a family's function gets and gives: who is asked, in which job, and the answers.

A function `evaluate(subject, settings, asked, job)` in `flexnet.evaluation.<family>` yields `Answer`s. Its
settings are those of the family's section in a protocol, `asked` what the model row says to the family (None
if nothing). It may stand beside `passes(settings, asked)`, how often it goes through the images, and beside
`evaluate_all(subjects, settings, asked, job)`, which asks all training seeds of a model side by side and
yields the place of one and its answer: for what is costly to do to images and the same for all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from flexnet.tables.kinds import Value
from flexnet.training.batches import DeviceImages
from flexnet.training.run import Run


@dataclass(frozen=True)
class Subject:
    """One trained network and the images that it is asked about.

    Attributes:
        model: in evaluation mode, on the device of the images.
        run: the run that trained it.
        scored: the images with their labels.
        others: trained networks that the settings name, by the key that names them.
        numbers: of the scored images in their set; None for 0, 1, 2, ...
    """

    model: nn.Module
    run: Run
    scored: DeviceImages
    others: Mapping[str, nn.Module] = field(default_factory=dict)
    numbers: Sequence[int] | None = None

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.run.model} seed {self.run.seed}"


@dataclass(frozen=True)
class Job:
    """The circumstances of an evaluation.

    Attributes:
        protocol: the name of the protocol; it names draws, too.
        batch_size: most images per pass.
        progress: called with a number of images that were done.
    """

    protocol: str
    batch_size: int
    progress: Callable[[int], None] = lambda images: None


@dataclass(frozen=True)
class Answer:
    """The outcome under one condition.

    Attributes:
        conditions: values of all conditions of the family.
        right: whether each image counts as right, bool, (N,); None in a family that counts none.
        n: the number that right answers are divided by; N unless the counting is odd.
        measures: values of all measures of the family.
    """

    conditions: Mapping[str, Value]
    right: Tensor | None = None
    n: int = 0
    measures: Mapping[str, Any] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """The answer as a row: conditions, n, correct, accuracy (correct / n, in [0, 1]), measures."""
        counts: dict[str, Any] = {}
        if self.right is not None:
            correct = int(self.right.sum())
            counts = {"n": self.n, "correct": correct, "accuracy": correct / self.n}
        return {**self.conditions, **counts, **self.measures}
