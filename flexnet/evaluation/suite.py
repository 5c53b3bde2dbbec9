"""What the standard suite of attacks leaves of the accuracy, one attack after another."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from flexnet.attacks.balls import Ball
from flexnet.attacks.keys import Key
from flexnet.attacks.precision import full_precision
from flexnet.attacks.protocols import pgd_space
from flexnet.attacks.suite import Suite, fitting, suite
from flexnet.errors import ConfigError
from flexnet.evaluation.judging import as_it_came, require_declared, scored_images
from flexnet.evaluation.pgd import require_fitting
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.pgd import NONE
from flexnet.families.suite import LINF, SuiteSettings
from flexnet.layers.randomness import is_stochastic
from flexnet.layers.tracing import evaluation_mode
from flexnet.networks.registry import expected_images
from flexnet.options.iterated import AVERAGING, SuiteOptions
from flexnet.seeds import derive_seed
from flexnet.training.batches import to_unit
from flexnet.training.streamed import Pixels, parts


def passes(settings: Mapping[str, Any], asked: None) -> int:
    """How often the images go through the suite."""
    return len(SuiteSettings(**settings).balls())


def evaluate(subject: Subject, settings: Mapping[str, Any], asked: None, job: Job) -> Iterator[Answer]:
    """Answers before any attack, and after each of the suite: conditions attack, norm and epsilon.

    An image counts as right after an attack if it withstood this one and all before it. A network that draws
    is attacked by gradients averaged over draws, and judged by fresh draws that no attack saw.

    Raises:
        ConfigError: if a setting is not allowed or does not fit the model.
        DataError: if images and labels have another type or shape.
        NumericalError: if a logit, a loss or a gradient is NaN or infinite.
    """
    rules = SuiteSettings(**settings)
    pixels, labels, name = scored_images(subject, job)
    require_fitting(subject.model, pixels, name)
    require_declared(subject.model, pixels, name)
    draws = rules.verdicts if is_stochastic(subject.model) else 1
    options = _options(rules, expected_images(subject.run.network, subject.run.options)[2], draws)
    space = pgd_space(subject.model, rules.space, rules.clamp)
    with evaluation_mode(subject.model), as_it_came(subject.model), full_precision(pixels.device):
        for norm, epsilon in rules.balls():
            found = list(_attacked(subject, pixels, labels, Ball(epsilon, space, norm), options, job))
            if (norm, epsilon) == rules.balls()[0]:
                yield _answer(found, {"attack": NONE, "norm": LINF, "epsilon": 0.0}, ())
            for place, attack in enumerate(options.order(), 1):
                conditions = {"attack": attack, "norm": norm, "epsilon": float(epsilon)}
                yield _answer(found, conditions, options.order()[:place], last=place == len(options.order()))


def _options(rules: SuiteSettings, classes: int, draws: int) -> SuiteOptions:
    """The standard suite for a network, or the parts that the settings name."""
    options = fitting(classes, draws)
    if draws == 1:
        return options if rules.parts is None else replace(options, parts=tuple(rules.parts))
    parts = options.parts
    if rules.parts is not None:
        parts = tuple(name for name in rules.parts if name in AVERAGING)
        if not parts:
            raise ConfigError(
                f"parts of the suite: expected one of {sorted(AVERAGING)} for a network that draws, as the "
                f"others average no gradients; got {list(rules.parts)}; add one"
            )
    return replace(options, draws=rules.eot_draws, parts=parts)


def _attacked(
    subject: Subject, pixels: Pixels, labels: Tensor, ball: Ball, options: SuiteOptions, job: Job
) -> Iterator[Suite]:
    """The suite on all images, as many at a time as fit a pass."""
    seed, size, first = derive_seed(subject.run.run_seed, "suite", subject.run.seed), job.batch_size, 0
    for batch, truth in zip(parts(pixels, size), parts(labels, size), strict=True):
        key = Key(seed, tuple(range(first, first + len(batch))))
        yield suite(subject.model, to_unit(batch), truth, ball, options, key=key, batch_size=size)
        job.progress(len(batch))
        first += len(batch)


def _answer(
    found: Sequence[Suite], conditions: Mapping[str, Any], attacks: Sequence[str], *, last: bool = False
) -> Answer:
    """Whether each image withstood some attacks; after the last, how sure a verdict over draws is."""
    by = [name for each in found for name in each.fooled_by]
    right = torch.tensor([name not in ("clean", *attacks) for name in by])
    verdicts = [each.found.verdict for each in found]
    uncertain = math.nan
    if last and verdicts[0].draws > 1:
        uncertain = sum(verdict.uncertain() for verdict in verdicts) / len(by)
    return Answer(conditions, right, len(by), {"uncertain": uncertain})
