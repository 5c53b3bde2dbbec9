"""Accuracy under common corruptions, made on the fly or taken from a corrupted set."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from flexnet.attacks.checks import broken_images, check_logits
from flexnet.attacks.precision import full_precision
from flexnet.corruptions.corrupting import corrupt
from flexnet.corruptions.folder import CorruptedSet, open_corrupted
from flexnet.corruptions.names import CLEAN, SYNTHETIC
from flexnet.corruptions.pillow import jpeg
from flexnet.corruptions.places import folder_of
from flexnet.errors import ConfigError, DataError
from flexnet.evaluation.accuracy import check_judged, on_device
from flexnet.evaluation.judging import as_it_came, require_declared
from flexnet.evaluation.outcomes import BROKEN, RIGHT, judge_logits
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.corruptions import FOLDS, CorruptionSettings
from flexnet.inputs import trusted_inputs
from flexnet.layers.randomness import set_generator
from flexnet.layers.tracing import evaluation_mode
from flexnet.seeds import derive_seed
from flexnet.spectral.bandwidth import bandwidths
from flexnet.training.batches import to_unit
from flexnet.training.streamed import Pixels, parts

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
    asking = _Asking(subjects, rules, source, min(rules.batch, job.batch_size), int(labels.max()))
    names = [f"{check_judged(one.model, pixels, one.name)}, protocol {job.protocol}" for one in subjects]
    for one, name in zip(subjects, names, strict=True):
        require_declared(one.model, pixels, name)
    with ExitStack() as stack:
        for one in subjects:
            stack.enter_context(evaluation_mode(one.model))
            stack.enter_context(as_it_came(one.model))
        stack.enter_context(full_precision(pixels.device))
        stack.enter_context(trusted_inputs())
        for name, severity in rules.conditions():
            outcomes, folds = asking.judge_all(pixels, labels, numbers, name, severity)
            job.progress(len(pixels) * len(subjects))
            conditions = {"corruption": label(name), "severity": severity}
            for place, found in enumerate(outcomes):
                yield place, _answer(found, conditions, folds, names[place])


@dataclass(frozen=True)
class _Asking:
    """Networks that see the same batches."""

    subjects: Sequence[Subject]
    rules: CorruptionSettings
    source: Source
    size: int  # of a batch
    highest: int  # label

    def judge_all(
        self, pixels: Pixels, labels: Tensor, numbers: Sequence[int], name: str, severity: int
    ) -> tuple[Tensor, dict[str, float]]:
        """Outcomes of all images under one condition, (subjects, N), and how much wider their spectra are."""
        batches = zip(parts(pixels, self.size), parts(labels, self.size), strict=True)
        found, folds = [], []
        for place, (batch, truth) in enumerate(batches):
            own = numbers[place * self.size : place * self.size + len(batch)]
            seen = batch if name == CLEAN else self.source(batch, own, name, severity)
            found.append(self.judge(seen, truth, (name, severity, place)))
            folds.append(_folds(batch, seen))
        return torch.cat(found, dim=-1), _means(folds)

    def judge(self, batch: Tensor, labels: Tensor, key: tuple[str, int, int]) -> Tensor:
        """Outcomes of one batch, (subjects, n)."""
        images, outcomes = to_unit(batch), []
        for one in self.subjects:
            seed = derive_seed(one.run.run_seed, "corruptions", one.run.seed, "mask", *key)
            set_generator(one.model, torch.Generator(images.device).manual_seed(seed))
            with torch.inference_mode():
                logits = check_logits(one.model(images), len(images), self.highest, type(one.model).__name__)
                outcomes.append(judge_logits(logits, labels))
        return torch.cat(outcomes)


def _folds(clean: Tensor, seen: Tensor) -> dict[str, Tensor]:
    """Bandwidth of each image divided by that of the clean one, (n,), by measure."""
    before, after = bandwidths(clean), bandwidths(seen)
    return {name: after[name] / before[name] for name in FOLDS}


def _means(folds: Sequence[Mapping[str, Tensor]]) -> dict[str, float]:
    """Means over all images of all batches that have a bandwidth; NaN if none has.

    Six digits, so that it does not matter in which order a device sums up.
    """
    means = {name: float(torch.cat([part[name] for part in folds]).nanmean()) for name in FOLDS}
    return {f"{name}_fold": float(f"{mean:.6g}") for name, mean in means.items()}


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


def _answer(found: Tensor, conditions: Mapping[str, Any], folds: Mapping[str, float], name: str) -> Answer:
    """The answer from the outcomes (N,) of one network."""
    broken = int((found == BROKEN).sum())
    if broken:
        words = ", ".join(f"{key} {value}" for key, value in conditions.items())
        raise broken_images("finite logits", broken, len(found), f"{name}, {words}")
    return Answer(conditions, found == RIGHT, len(found), folds)
