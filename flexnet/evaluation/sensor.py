"""Accuracy under Gaussian noise, and under Poisson noise of faded images (push-pull paper, section 4.1)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from flexnet.corruptions.kernel import normal
from flexnet.evaluation.accuracy import check_judged, on_device
from flexnet.evaluation.altered import Alter, SideBySide, answer_of, standing_by
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.sensor import FULL_CONTRAST, GAUSSIAN, SensorSettings
from flexnet.seeds import derive_seed
from flexnet.training.batches import to_unit


def passes(settings: Mapping[str, Any], asked: None) -> int:
    """How often the images are scored."""
    return sum(1 for _ in SensorSettings.from_values(settings).conditions())


def evaluate(subject: Subject, settings: Mapping[str, Any], asked: None, job: Job) -> Iterator[Answer]:
    """Answers of one network; as `evaluate_all`."""
    yield from (answer for _, answer in evaluate_all([subject], settings, asked, job))


def evaluate_all(
    subjects: Sequence[Subject], settings: Mapping[str, Any], asked: None, job: Job
) -> Iterator[tuple[int, Answer]]:
    """Answers under each noise, size and repeat: conditions noise, variance, contrast and draw.

    The noise of an image follows from noise, size, repeat, the seed of the settings and the number of the
    image in its set. It is drawn on the CPU, so that every device and network sees the same.

    Yields:
        The place of a subject, and its answer.

    Raises:
        ConfigError: if a setting is not allowed.
        DataError: if images and labels have another type or shape.
        NumericalError: if a logit is NaN or infinite.
    """
    rules, first = SensorSettings.from_values(settings), subjects[0]
    pixels, labels = on_device(first.scored.images, first.scored.labels, first.scored.images.device)
    numbers = list(range(len(pixels))) if first.numbers is None else list(first.numbers)
    names = [f"{check_judged(one.model, pixels, one.name)}, protocol {job.protocol}" for one in subjects]
    asking = SideBySide(subjects, "sensor", min(rules.batch, job.batch_size), int(labels.max()))
    with standing_by(subjects, pixels, names):
        for noise, variance, contrast, draw in rules.conditions():
            size = variance if noise == GAUSSIAN else contrast
            alter = _noisy(rules, noise, size, draw)
            outcomes = asking.judge_all(pixels, labels, numbers, alter, noise, repr(size), draw)
            job.progress(len(pixels) * len(subjects))
            conditions = {"noise": noise, "variance": variance, "contrast": contrast, "draw": draw}
            for place, found in enumerate(outcomes):
                yield place, answer_of(found, conditions, names[place])


def _noisy(rules: SensorSettings, noise: str, size: float, draw: int) -> Alter:
    """What is done to a batch under one condition."""

    def alter(batch: Tensor, numbers: Sequence[int]) -> Tensor:
        seed = derive_seed(rules.seed, "sensor", noise, repr(size), draw)
        images = to_unit(batch.cpu())
        if noise == GAUSSIAN:
            noisy = [
                image + size**0.5 * _normal(image, seed, n) for image, n in zip(images, numbers, strict=True)
            ]
        elif size == FULL_CONTRAST:
            noisy = list(images)
        else:
            noisy = [
                poisson(fade(image, size), _generator(seed, n))
                for image, n in zip(images, numbers, strict=True)
            ]
        found = torch.stack(noisy).to(batch.device)
        return found.clamp_(0, 1) if rules.clip else found

    return alter


def fade(images: Tensor, contrast: float) -> Tensor:
    """Images in [0, 1] with less contrast: every pixel nearer to a mid grey, (x - 0.5) C + 0.5."""
    return (images - 0.5) * contrast + 0.5


def poisson(image: Tensor, generator: torch.Generator) -> Tensor:
    """One image (C, H, W) of at least 0 with Poisson noise: a pixel x becomes Poisson(v x) / v.

    As scikit-image has it: v is the number of distinct values in the image, raised to a power of two.
    """
    counts = 2.0 ** (len(torch.unique(image)) - 1).bit_length()
    return torch.poisson(image * counts, generator=generator) / counts


def _normal(image: Tensor, seed: int, number: int) -> Tensor:
    return normal(_generator(seed, number), *image.shape)


def _generator(seed: int, number: int) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(seed, number))
