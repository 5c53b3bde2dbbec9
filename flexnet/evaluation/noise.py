"""Accuracy under uniform and Gaussian noise of the size of an attack's steps."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from flexnet.attacks.checks import broken_images
from flexnet.attacks.precision import full_precision
from flexnet.attacks.spaces import Space
from flexnet.corruptions.kernel import normal, uniform
from flexnet.evaluation.judging import as_it_came, fitting_space, judge_steps, require_declared, scored_images
from flexnet.evaluation.outcomes import BROKEN, RIGHT
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.noise import NoiseSettings
from flexnet.inputs import trusted_inputs
from flexnet.layers.tracing import evaluation_mode
from flexnet.seeds import derive_seed
from flexnet.training.batches import to_unit
from flexnet.training.streamed import Pixels, parts

DRAWN: dict[str, Callable[[tuple[int, ...], torch.Generator], Tensor]] = {
    "uniform": lambda shape, generator: uniform(generator, *shape) * 2 - 1,
    "gaussian": lambda shape, generator: normal(generator, *shape),
}


def passes(settings: Mapping[str, Any], asked: None) -> int:
    """How often the images are scored."""
    rules = NoiseSettings(**settings)
    return len(rules.noises) * rules.draws


def evaluate(subject: Subject, settings: Mapping[str, Any], asked: None, job: Job) -> Iterator[Answer]:
    """Answers under each noise, size and repeat: conditions noise, epsilon and draw.

    The noise of an image is drawn on the CPU by a generator named by noise, repeat and place of the image: it
    depends neither on batches nor on the device, and is the same for all networks of a seed and at all sizes.

    Raises:
        ConfigError: if a setting is not allowed or does not fit the model.
        DataError: if images and labels have another type or shape.
        NumericalError: if a logit is NaN or infinite.
    """
    rules = NoiseSettings(**settings)
    pixels, labels, name = scored_images(subject, job)
    space = fitting_space(subject.model, rules.space, rules.clamp, rules.epsilons, pixels)
    require_declared(subject.model, pixels, name)
    seed = derive_seed(subject.run.run_seed, "noise", subject.run.seed)
    noisy = _Noisy(subject.model, space, rules, seed, job.batch_size, int(labels.max()))
    with (
        evaluation_mode(subject.model),
        as_it_came(subject.model),
        full_precision(pixels.device),
        trusted_inputs(),
    ):
        for noise, draw in product(rules.noises, range(rules.draws)):
            outcomes = noisy.judge_all(pixels, labels, noise, draw)
            job.progress(len(pixels))
            yield from _answers(outcomes, noise, rules.epsilons, draw, name)


@dataclass(frozen=True)
class _Noisy:
    """One model under one protocol's noise."""

    model: nn.Module
    space: Space
    rules: NoiseSettings
    seed: int
    at_once: int
    highest: int  # label

    def judge_all(self, pixels: Pixels, labels: Tensor, noise: str, draw: int) -> Tensor:
        """Outcomes of all images at all sizes, (epsilons, N)."""
        size = min(self.rules.batch, self.at_once)
        batches = zip(parts(pixels, size), parts(labels, size), strict=True)
        found = [self.judge(batch, truth, noise, draw, place) for place, (batch, truth) in enumerate(batches)]
        return torch.cat(found, dim=-1)

    def judge(self, batch: Tensor, labels: Tensor, noise: str, draw: int, place: int) -> Tensor:
        """Outcomes of one batch at all sizes, (epsilons, n)."""
        first = place * min(self.rules.batch, self.at_once)
        return judge_steps(
            self.model,
            to_unit(batch),
            labels,
            noise_of(batch, noise, derive_seed(self.seed, noise, draw), first),
            self.rules.epsilons,
            self.space,
            at_once=self.at_once,
            highest=self.highest,
            masks=lambda: _generator(derive_seed(self.seed, noise, "mask", draw), place, batch.device),
        )


def noise_of(images: Tensor, noise: str, seed: int, first: int) -> Tensor:
    """Noise of size 1 for images (n, C, H, W), the first of which has the place `first` among all."""
    shape, draw = tuple(images.shape[1:]), DRAWN[noise]
    drawn = [draw(shape, _generator(seed, first + place, "cpu")) for place in range(len(images))]
    return torch.stack(drawn).to(images.device)


def _generator(seed: int, place: int, device: torch.device | str) -> torch.Generator:
    return torch.Generator(device).manual_seed(derive_seed(seed, place))


def _answers(
    outcomes: Tensor, noise: str, epsilons: tuple[float, ...], draw: int, name: str
) -> Iterator[Answer]:
    """Answers from outcomes (epsilons, N) of one noise and repeat."""
    for epsilon, found in zip(epsilons, outcomes, strict=True):
        conditions: dict[str, Any] = {"noise": noise, "epsilon": float(epsilon), "draw": draw}
        broken = int((found == BROKEN).sum())
        if broken:
            words = ", ".join(f"{key} {value}" for key, value in conditions.items())
            raise broken_images("finite logits", broken, len(found), f"{name}, {words}")
        yield Answer(conditions, found == RIGHT, len(found))
