"""Accuracy on images of which a filter leaves some spatial frequencies alone."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from torch import Tensor

from flexnet.evaluation.changed import Change, judging, unchanged
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.bandpass import NONE, BandpassSettings
from flexnet.spectral.filters import check_filter, filtered


def passes(settings: Mapping[str, Any], asked: None) -> int:
    """How often the images are scored."""
    return sum(1 for _ in BandpassSettings.from_values(settings).conditions())


def evaluate(subject: Subject, settings: Mapping[str, Any], asked: None, job: Job) -> Iterator[Answer]:
    """Answers on clean images and under each filter and frequency: conditions filter and frequency.

    Raises:
        ConfigError: if a setting is not allowed, or the images have no such frequency.
        DataError: if images and labels have another type or shape.
        NumericalError: if a logit is NaN or infinite.
    """
    rules = BandpassSettings.from_values(settings)
    for name, frequency in rules.conditions():  # before hours of work, not after
        if name != NONE:
            check_filter(name, frequency, subject.scored.images[:1])
    with judging(subject, "bandpass", rules.batch, job) as judge:
        for name, frequency in rules.conditions():
            right = judge(_change(name, frequency), name, frequency)
            yield Answer({"filter": name, "frequency": frequency}, right, len(right))


def _change(name: str, frequency: float) -> Change:
    return unchanged if name == NONE else partial(_filtered, name=name, frequency=frequency)


def _filtered(images: Tensor, first: int, *, name: str, frequency: float) -> Tensor:
    return filtered(images, name, frequency)
