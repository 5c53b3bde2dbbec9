"""Accuracy under common corruptions, made on the fly or taken from a corrupted set."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from flexnet.corruptions.corrupting import corrupt
from flexnet.corruptions.folder import CorruptedSet, open_corrupted
from flexnet.corruptions.names import CLEAN, SYNTHETIC
from flexnet.corruptions.pillow import jpeg
from flexnet.corruptions.places import folder_of
from flexnet.errors import ConfigError, DataError
from flexnet.evaluation.accuracy import check_judged, on_device
from flexnet.evaluation.altered import Alter, SideBySide, answer_of, standing_by
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.corruptions import CorruptionSettings
from flexnet.training.streamed import Pixels

# Clean images of one batch, their numbers, corruption and severity -> the corrupted images, in uint8.
Source = Callable[[Tensor, Sequence[int], str, int], Tensor]


def passes(settings: Mapping[str, Any], asked: None) -> int:
    """How often the images are scored."""
    return sum(1 for _ in CorruptionSettings.from_values(settings).conditions())


def evaluate(subject: Subject, settings: Mapping[str, Any], asked: None, job: Job) -> Iterator[Answer]:
    """Answers of one network; as `evaluate_all`."""
    yield from (answer for _, answer in evaluate_all([subject], settings, asked, job))


def evaluate_all(
    subjects: Sequence[Subject], settings: Mapping[str, Any], asked: None, job: Job
) -> Iterator[tuple[int, Answer]]:
    """Answers on clean images and under each corruption and severity: conditions corruption and severity.

    Each batch is corrupted once, for all networks. What is random in an image follows from its number in its
    set and the seed of the settings alone.

    Args:
        subjects: networks that are asked about the same images.
        settings: as `CorruptionSettings`.
        asked: nothing.
        job: circumstances.

    Yields:
        The place of a subject, and its answer.

    Raises:
        ConfigError: if a setting is not allowed, or the images are too small or of a kind that a corruption
            means nothing to.
        DataError: if images and labels have another type or shape, or a corrupted set does not fit them.
        NumericalError: if a logit is NaN or infinite.
    """
    rules, first = CorruptionSettings.from_values(settings), subjects[0]
    pixels, labels = on_device(first.scored.images, first.scored.labels, first.scored.images.device)
    numbers = list(range(len(pixels))) if first.numbers is None else list(first.numbers)
    source, label = _source(rules, pixels, labels, numbers)
    asking = SideBySide(subjects, "corruptions", min(rules.batch, job.batch_size), int(labels.max()))
    names = [f"{check_judged(one.model, pixels, one.name)}, protocol {job.protocol}" for one in subjects]
    with standing_by(subjects, pixels, names):
        for name, severity in rules.conditions():
            alter = _altering(source, name, severity)
            outcomes = asking.judge_all(pixels, labels, numbers, alter, name, severity)
            job.progress(len(pixels) * len(subjects))
            conditions = {"corruption": label(name), "severity": severity}
            for place, found in enumerate(outcomes):
                yield place, answer_of(found, conditions, names[place])


def _altering(source: Source, name: str, severity: int) -> Alter:
    """What is done to a batch under one condition; to clean images nothing."""
    if name == CLEAN:
        return lambda batch, numbers: batch
    return lambda batch, numbers: source(batch, numbers, name, severity)


def _source(
    rules: CorruptionSettings, pixels: Pixels, labels: Tensor, numbers: Sequence[int]
) -> tuple[Source, Callable[[str], str]]:
    """Where corrupted images come from, and what results call a corruption."""
    if rules.folder is not None:
        found = open_corrupted(folder_of(rules.folder), rules.corruptions)
        _require_fitting(found, pixels, labels, numbers)
        return _taken(found), found.label_of
    for name in rules.corruptions:  # before hours of work, not after
        severity = rules.severities[0]
        corrupt(pixels[:1], name, severity, rules.seed, constants=rules.values(name, severity))
    return _made(rules), lambda name: SYNTHETIC.get(name, name)


def _made(rules: CorruptionSettings) -> Source:
    """Corrupted images as the settings say."""

    def make(batch: Tensor, numbers: Sequence[int], name: str, severity: int) -> Tensor:
        values = rules.values(name, severity)
        done = corrupt(batch, name, severity, rules.seed, indices=numbers, constants=values)
        return done if rules.resave is None else jpeg(done, rules.resave)

    return make


def _taken(found: CorruptedSet) -> Source:
    """Corrupted images of a folder; only those of the batch are read."""

    def take(batch: Tensor, numbers: Sequence[int], name: str, severity: int) -> Tensor:
        return torch.from_numpy(found.chosen(name, severity, list(numbers))).to(batch.device)

    return take


def _require_fitting(found: CorruptedSet, pixels: Pixels, labels: Tensor, numbers: Sequence[int]) -> None:
    """Check that a corrupted set is one of the images that the networks are scored on, in their order."""
    if tuple(pixels.shape[1:]) != found.shape:
        raise ConfigError(
            f"{found.folder}: expected images of shape {tuple(pixels.shape[1:])}, as the clean ones; got "
            f"{found.shape}; name the corrupted set of these images"
        )
    if max(numbers) >= len(found) or found.labels[list(numbers)].tolist() != labels.tolist():
        raise DataError(
            f"{found.folder}: expected the {len(numbers)} scored images in their order; got a set of "
            f"{len(found)} images with other labels; name the corrupted set of these images"
        )
