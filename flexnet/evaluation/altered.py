"""Judging networks side by side on images that were altered once for all of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from flexnet.attacks.checks import broken_images, check_logits
from flexnet.attacks.precision import full_precision
from flexnet.evaluation.judging import as_it_came, require_declared
from flexnet.evaluation.outcomes import BROKEN, RIGHT, judge_logits
from flexnet.evaluation.subject import Answer, Subject
from flexnet.inputs import trusted_inputs
from flexnet.layers.randomness import set_generator
from flexnet.layers.tracing import evaluation_mode
from flexnet.seeds import derive_seed
from flexnet.training.batches import to_unit
from flexnet.training.streamed import Pixels, parts

# Clean images of one batch in uint8 and their numbers -> what is judged: uint8, or floats whose white is 1.
Alter = Callable[[Tensor, Sequence[int]], Tensor]


@dataclass(frozen=True)
class SideBySide:
    """Networks that see the same batches.

    Attributes:
        subjects: the networks, in evaluation mode.
        family: that asks; it names the masks of stochastic networks.
        size: images of a batch.
        highest: greatest label of all images.
    """

    subjects: Sequence[Subject]
    family: str
    size: int
    highest: int

    def judge_all(
        self, pixels: Pixels, labels: Tensor, numbers: Sequence[int], alter: Alter, *key: str | int
    ) -> Tensor:
        """Outcomes of all images under one condition, which the key names, (subjects, N)."""
        batches = zip(parts(pixels, self.size), parts(labels, self.size), strict=True)
        found = []
        for place, (batch, truth) in enumerate(batches):
            own = numbers[place * self.size : place * self.size + len(batch)]
            found.append(self._judge(alter(batch, own), truth, (*key, place)))
        return torch.cat(found, dim=-1)

    def _judge(self, batch: Tensor, labels: Tensor, key: tuple[str | int, ...]) -> Tensor:
        """Outcomes of one batch, (subjects, n)."""
        images, outcomes = to_unit(batch), []
        for one in self.subjects:
            seed = derive_seed(one.run.run_seed, self.family, one.run.seed, "mask", *key)
            set_generator(one.model, torch.Generator(images.device).manual_seed(seed))
            with torch.no_grad():
                logits = check_logits(one.model(images), len(images), self.highest, type(one.model).__name__)
                outcomes.append(judge_logits(logits, labels))
        return torch.cat(outcomes)


@contextmanager
def standing_by(subjects: Sequence[Subject], pixels: Pixels, names: Sequence[str]) -> Iterator[None]:
    """All networks in evaluation mode and in full precision; afterwards they are as they came.

    Raises:
        ConfigError: if one of them draws in secret.
    """
    for one, name in zip(subjects, names, strict=True):
        require_declared(one.model, pixels, name)
    with ExitStack() as stack:
        for one in subjects:
            stack.enter_context(evaluation_mode(one.model))
            stack.enter_context(as_it_came(one.model))
        stack.enter_context(full_precision(pixels.device))
        stack.enter_context(trusted_inputs())
        yield


def answer_of(
    found: Tensor, conditions: Mapping[str, Any], name: str, measures: Mapping[str, Any] | None = None
) -> Answer:
    """The answer from the outcomes (N,) of one network, with what else was measured.

    Raises:
        NumericalError: if a logit was NaN or infinite.
    """
    broken = int((found == BROKEN).sum())
    if broken:
        words = ", ".join(f"{key} {value}" for key, value in conditions.items())
        raise broken_images("finite logits", broken, len(found), f"{name}, {words}")
    return Answer(conditions, found == RIGHT, len(found), measures or {})
