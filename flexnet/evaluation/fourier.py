"""Accuracy under noise of one spatial frequency, over a grid of frequencies."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from flexnet.evaluation.changed import Change, judging, unchanged
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.fourier import FourierSettings
from flexnet.seeds import derive_seed
from flexnet.spectral.basis import basis_image
from flexnet.training.batches import to_unit


def passes(settings: Mapping[str, Any], asked: None) -> int:
    """How often the images are scored."""
    return sum(1 for _ in FourierSettings.from_values(settings).conditions())


def evaluate(subject: Subject, settings: Mapping[str, Any], asked: None, job: Job) -> Iterator[Answer]:
    """Answers on clean images and under each wave: conditions strength (the norm), vertical and horizontal.

    The wave is added to each channel of each image with a sign of its own, and the result is cut off at 0
    and 1. Signs follow from training seed, frequency and place of the image: they are the same for all
    networks of a seed.

    Raises:
        ConfigError: if a setting is not allowed, or the images have no such frequency.
        DataError: if images and labels have another type or shape.
        NumericalError: if a logit is NaN or infinite.
    """
    rules = FourierSettings.from_values(settings)
    number, channels, height, width = subject.scored.images.shape
    basis_image(height, width, rules.most, rules.most)  # before hours of work, not after
    seed = derive_seed(subject.run.run_seed, "fourier", subject.run.seed, "signs")
    with judging(subject, "fourier", rules.batch, job) as judge:
        for norm, vertical, horizontal in rules.conditions():
            wave = norm * basis_image(height, width, vertical, horizontal).float()
            signs = _signs(number, channels, derive_seed(seed, vertical, horizontal))
            right = judge(_change(wave, signs, norm), norm, vertical, horizontal)
            conditions = {"strength": norm, "vertical": vertical, "horizontal": horizontal}
            yield Answer(conditions, right, len(right))


def _signs(number: int, channels: int, seed: int) -> Tensor:
    """-1 or 1 for each channel of each image, (N, C, 1, 1)."""
    drawn = torch.randint(0, 2, (number, channels, 1, 1), generator=torch.Generator().manual_seed(seed))
    return drawn.float() * 2 - 1


def _change(wave: Tensor, signs: Tensor, norm: float) -> Change:
    return partial(_waved, wave=wave, signs=signs) if norm else unchanged


def _waved(images: Tensor, first: int, *, wave: Tensor, signs: Tensor) -> Tensor:
    own = signs[first : first + len(images)].to(images.device)
    return (to_unit(images) + own * wave.to(images.device)).clamp_(0, 1)
