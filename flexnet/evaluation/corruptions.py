"""Accuracy under common corruptions, made on the fly or taken from a corrupted set."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import Tensor

from flexnet.corruptions.corrupting import corrupt
from flexnet.corruptions.folder import CorruptedSet, open_corrupted
from flexnet.corruptions.names import CLEAN, SYNTHETIC
from flexnet.corruptions.origin import KEY, others
from flexnet.corruptions.pillow import jpeg
from flexnet.corruptions.places import folder_of
from flexnet.errors import ConfigError, DataError
from flexnet.evaluation.accuracy import check_judged, on_device
from flexnet.evaluation.altered import SideBySide, answer_of, standing_by
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.corruptions import EDGE, FOLDS, CorruptionSettings
from flexnet.spectral.bandwidth import measured
from flexnet.training.streamed import Pixels, parts

AT_ONCE = 1000  # images that are compared with those of a set
# Clean images of one batch, their numbers, corruption and severity -> the corrupted images, in uint8.
Source = Callable[[Tensor, Sequence[int], str, int], Tensor]
# Bandwidths of some images, and which are at the edge of the spectrum.
Measured: TypeAlias = tuple[dict[str, Tensor], Tensor]


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
    clean: dict[tuple[int, ...], Measured] = {}
    with standing_by(subjects, pixels, names):
        for name, severity in rules.conditions():
            seen = _Seen(source, name, severity, clean)
            outcomes = asking.judge_all(pixels, labels, numbers, seen.alter, name, severity)
            folds = _means(seen.folds)
            job.progress(len(pixels) * len(subjects))
            conditions = {"corruption": label(name), "severity": severity}
            for place, found in enumerate(outcomes):
                yield place, answer_of(found, conditions, names[place], folds)


@dataclass(frozen=True)
class _Seen:
    """Images under one condition, and what `_folds` says of those that were made.

    Attributes:
        clean: what was measured of clean images, by the numbers of a batch; all conditions share it.
    """

    source: Source
    name: str
    severity: int
    clean: dict[tuple[int, ...], Measured]
    folds: list[dict[str, Tensor]] = field(default_factory=list)

    def alter(self, batch: Tensor, numbers: Sequence[int]) -> Tensor:
        """Corrupt a batch; clean images stay as they are."""
        seen = batch if self.name == CLEAN else self.source(batch, numbers, self.name, self.severity)
        key = tuple(numbers)
        if key not in self.clean:
            self.clean[key] = measured(batch)
        self.folds.append(_folds(self.clean[key], self.clean[key] if self.name == CLEAN else measured(seen)))
        return seen


def _folds(clean: Measured, seen: Measured) -> dict[str, Tensor]:
    """Bandwidth of each image by that of the clean one, (n,), by measure; whether one is at the edge."""
    (before, bound), (after, bound_too) = clean, seen
    folds = {f"{name}_fold": after[name] / before[name] for name in FOLDS}
    return {**folds, EDGE: (bound | bound_too).double()}


def _means(folds: Sequence[Mapping[str, Tensor]]) -> dict[str, float]:
    """Means over all images of all batches that have a bandwidth; NaN if none has.

    Six digits, so that it does not matter in which order a device sums up.
    """
    means = {name: float(torch.cat([part[name] for part in folds]).nanmean()) for name in folds[0]}
    return {name: float(f"{mean:.6g}") for name, mean in means.items()}


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
    return made(rules), lambda name: SYNTHETIC.get(name, name)


def made(rules: CorruptionSettings) -> Source:
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
    """Check that a corrupted set is one of the images that the networks are scored on, in their order.

    Where it does not say of what images it was made, as the published sets do not, only by the labels.
    """
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
    kept = (found.made or {}).get(KEY)
    if kept is not None and (wrong := others(kept, numbers, parts(pixels, AT_ONCE))):
        raise DataError(
            f"{found.folder}: expected a set that was made of the {len(numbers)} scored images; got one of"
            f" other images, {wrong} of which differ; name the corrupted set of these, or write it again"
        )
