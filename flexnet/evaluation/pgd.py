"""Accuracy under projected gradient descent, white-box and through a surrogate, and under the clamp alone."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from flexnet.attacks.balls import Ball
from flexnet.attacks.keys import Key
from flexnet.attacks.pgd import pgd
from flexnet.attacks.precision import full_precision
from flexnet.attacks.protocols import pgd_space
from flexnet.attacks.verdicts import judge
from flexnet.errors import ConfigError
from flexnet.evaluation.judging import as_it_came, require_declared, scored_images
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.pgd import BLACK, CLAMP, NONE, WHITE, PgdSettings
from flexnet.layers.randomness import is_redrawn, is_stochastic, redraw_layers
from flexnet.layers.tracing import evaluation_mode
from flexnet.options.iterated import PgdOptions
from flexnet.seeds import derive_seed
from flexnet.training.batches import to_unit
from flexnet.training.streamed import Pixels, parts

PLAIN = {"scoring": "last", "epsilon": 0.0, "steps": 0}


def passes(settings: Mapping[str, Any], asked: None) -> int:
    """How often the images are attacked, or judged without an attack."""
    rules = PgdSettings(**settings)
    runs = len(rules.epsilons) * len(rules.steps) * len(rules.scorings)
    alone = 1 if rules.clamp == "valid" else 2
    return rules.draws * (alone + runs * (1 + (rules.surrogate is not None)))


def evaluate(subject: Subject, settings: Mapping[str, Any], asked: None, job: Job) -> Iterator[Answer]:
    """Answers under each attack: conditions attack, scoring, epsilon, steps and draw.

    `attack` is "none" for the clean images, "clamp" for what the clamp alone makes of them (where it is not
    "valid", which changes nothing), "white" for the network's own gradient and "black" for the surrogate's.
    Random starts belong to image, seed and repeat: they are the same for all networks of a seed, and neither
    batches nor the device matter.

    Raises:
        ConfigError: if a setting is not allowed or does not fit the model.
        DataError: if images and labels have another type or shape.
        NumericalError: if a logit, a loss or a gradient is NaN or infinite.
    """
    rules = PgdSettings(**settings)
    pixels, labels, name = scored_images(subject, job)
    require_fitting(subject.model, pixels, name)
    require_declared(subject.model, pixels, name)
    surrogate = subject.others.get("surrogate")
    seed = derive_seed(subject.run.run_seed, "pgd", subject.run.seed)
    bench = _Bench(subject.model, surrogate, pixels, labels, rules, seed, job)
    with evaluation_mode(subject.model), as_it_came(subject.model), full_precision(pixels.device):
        for draw in range(rules.draws):
            yield from bench.answers(draw)


def require_fitting(model: nn.Module, pixels: Pixels, name: str) -> None:
    """Check that a model normalises images of as many channels as these have.

    Raises:
        ConfigError: if it does not.
    """
    channels = pgd_space(model, "pixel", "valid").scale.shape[1]
    if channels != pixels.shape[1]:
        raise ConfigError(
            f"{name}: expected a model for images of {pixels.shape[1]} channels; got one for {channels}; "
            "choose the model, or the dataset, that fits"
        )


@dataclass(frozen=True)
class _Bench:
    """One network under one protocol's PGD."""

    model: nn.Module
    surrogate: nn.Module | None
    pixels: Pixels
    labels: Tensor
    rules: PgdSettings
    seed: int
    job: Job

    def answers(self, draw: int) -> Iterator[Answer]:
        """Answers of one repeat."""
        rules = self.rules
        if rules.redraw and is_redrawn(self.model):
            seed = derive_seed(self.seed, "thresholds", draw)
            redraw_layers(self.model, torch.Generator(self.labels.device).manual_seed(seed))
        yield self._answer(draw, self._judged(draw), attack=NONE, **PLAIN)
        if rules.clamp != "valid":
            clamp = self._ball(rules.epsilons[0]).clamp
            yield self._answer(draw, self._judged(draw, clamp), attack=CLAMP, **PLAIN)
        sources = {WHITE: None, **({BLACK: self.surrogate} if self.surrogate is not None else {})}
        for epsilon, steps, scoring in product(rules.epsilons, rules.steps, rules.scorings):
            said = {"scoring": scoring, "epsilon": float(epsilon), "steps": steps}
            for attack, source in sources.items():
                right = self._attacked(draw, epsilon, self._options(steps, scoring), source)
                yield self._answer(draw, right, attack=attack, **said)

    def _answer(self, draw: int, right: Tensor, **conditions: Any) -> Answer:
        self.job.progress(len(right))
        return Answer({**conditions, "draw": draw}, right, len(right))

    def _ball(self, epsilon: float) -> Ball:
        return Ball(epsilon, pgd_space(self.model, self.rules.space, self.rules.clamp))

    @property
    def verdicts(self) -> int:
        """Passes of a verdict: one, unless the network draws."""
        return self.rules.verdicts if is_stochastic(self.model) else 1

    def _options(self, steps: int, scoring: str) -> PgdOptions:
        rules = self.rules
        return PgdOptions(
            steps=steps,
            step=rules.step,
            loss=rules.loss,
            start=rules.start,
            scoring=scoring,
            draws=rules.eot_draws if is_stochastic(self.model) else 1,
            verdicts=self.verdicts,
        )

    def _batches(self, draw: int) -> Iterator[tuple[Tensor, Tensor, Key]]:
        """Images with labels and the key that names their places."""
        size, first = self.job.batch_size, 0
        for batch, truth in zip(parts(self.pixels, size), parts(self.labels, size), strict=True):
            places = tuple(range(first, first + len(batch)))
            yield to_unit(batch), truth, Key(self.seed, places, draw)
            first += len(batch)

    def _judged(self, draw: int, change: Callable[[Tensor], Tensor] = lambda images: images) -> Tensor:
        """Whether each image is answered rightly after a change that is no attack."""
        found = [
            judge(self.model, change(images), truth, draws=self.verdicts, key=key).fooled
            for images, truth, key in self._batches(draw)
        ]
        return ~torch.cat(found)

    def _attacked(self, draw: int, epsilon: float, options: PgdOptions, source: nn.Module | None) -> Tensor:
        attack = partial(pgd, options=options, source=source)
        ball = self._ball(epsilon)
        found = [
            attack(self.model, images, truth, ball, key=key).fooled
            for images, truth, key in self._batches(draw)
        ]
        return ~torch.cat(found)
