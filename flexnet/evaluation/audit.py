"""The audit of trained networks: one row for each check, with the share that its rule speaks of."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from flexnet.attacks.balls import Ball
from flexnet.attacks.keys import Key
from flexnet.attacks.precision import full_precision
from flexnet.attacks.protocols import pgd_space
from flexnet.audit.asking import CHECKS
from flexnet.audit.bench import Bench
from flexnet.audit.findings import Finding
from flexnet.evaluation.judging import as_it_came, require_declared, scored_images
from flexnet.evaluation.pgd import require_fitting
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.audit import CLEAN, NAMES, REFERENCE, AuditSettings
from flexnet.files import ordered_json
from flexnet.layers.tracing import evaluation_mode
from flexnet.seeds import derive_seed
from flexnet.training.batches import to_unit
from flexnet.training.streamed import Pixels, parts

OWN = ("epsilon",)  # what a model row may say that is no other model


def passes(settings: Mapping[str, Any], asked: Mapping[str, Any] | None) -> int:
    """How often the images are asked about."""
    return 2 + len(AuditSettings(**settings).checks or NAMES)


def evaluate(
    subject: Subject, settings: Mapping[str, Any], asked: Mapping[str, Any] | None, job: Job
) -> Iterator[Answer]:
    """Answers of the checks: conditions check and epsilon.

    Images count as right if they withstood this check and all before it. Before the checks come "clean" (no
    attack) and "reference" (the attack that papers report).

    Raises:
        ConfigError: if a setting is not allowed or does not fit the model.
        DataError: if images and labels have another type or shape.
        NumericalError: if a logit, a loss or a gradient is NaN or infinite.
    """
    own = {key: value for key, value in (asked or {}).items() if key in OWN and value is not None}
    rules = AuditSettings(**{**settings, **own})
    pixels, labels, name = scored_images(subject, job)
    require_fitting(subject.model, pixels, name)
    require_declared(subject.model, pixels, name)
    with evaluation_mode(subject.model), as_it_came(subject.model), full_precision(pixels.device):
        bench = _bench(subject, rules, _images(pixels), labels, job)
        for check, right, finding in findings(bench, rules.checks or NAMES):
            job.progress(len(labels))
            yield Answer(
                {"check": check, "epsilon": float(rules.epsilon)}, right, len(labels), _measures(finding)
            )


def _images(pixels: Pixels) -> Tensor:
    """All images in [0, 1]: checks look at all of them again and again."""
    return to_unit(torch.cat(list(parts(pixels, 100))))


def _bench(subject: Subject, rules: AuditSettings, images: Tensor, labels: Tensor, job: Job) -> Bench:
    space = pgd_space(subject.model, rules.space, rules.clamp)
    return Bench(
        subject.model,
        images,
        labels,
        Ball(rules.epsilon, space, rules.norm),
        Key(derive_seed(subject.run.run_seed, "audit", subject.run.seed)),
        steps=rules.steps,
        twin=subject.others.get("twin"),
        surrogate=subject.others.get("surrogate"),
        queries=rules.queries,
        few=rules.few,
        batch_size=job.batch_size,
    )


def findings(bench: Bench, checks: Sequence[str]) -> Iterator[tuple[str, Tensor, Finding]]:
    """Each check with the images that withstood it and all before, and what it found."""
    yield CLEAN, bench.clean, Finding(CLEAN, None, {"chance": [1 / bench.classes]})
    yield REFERENCE, ~bench.white, Finding(REFERENCE, None)
    for check in checks:
        finding = CHECKS[check](bench)
        yield check, bench.withstanding, finding


def _measures(finding: Finding) -> dict[str, Any]:
    """The share and its evidence, as columns of a table hold them."""
    told: dict[str, Any] = {"note": finding.note} if finding.note else {}
    for key, values in finding.evidence.items():
        told[key] = [float(f"{value:.6g}") for value in values]
    return {"share": math.nan if finding.value is None else finding.value, "evidence": ordered_json(told)}
