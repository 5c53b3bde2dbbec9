"""Asking a network that was never trained, as a job would ask a trained one."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from flexnet.evaluation import interventions, sweep
from flexnet.evaluation.subject import Job, Subject
from flexnet.training.batches import DeviceImages
from flexnet.training.run import TrainingRun

Rows = Iterator[dict[str, Any]]
Ask = Callable[..., Rows]


def _subject(model: nn.Module, run: TrainingRun, images: Any, labels: Any) -> Subject:
    if images is None:
        random = np.random.default_rng(0)
        images = random.integers(0, 256, (120, 1, 12, 12), dtype=np.uint8)
        labels = random.integers(0, 10, 120)
    scored = DeviceImages(torch.as_tensor(images), torch.as_tensor(labels))
    return Subject(model.eval(), run, scored)


@pytest.fixture(scope="session")
def intervened() -> Ask:
    """Rows of interventions: (model, run, settings, names, images, labels, protocol)."""

    def ask(
        model: nn.Module,
        run: TrainingRun,
        settings: Any,
        names: Any = None,
        images: Any = None,
        labels: Any = None,
        protocol: str = "paper",
    ) -> Rows:
        subject = _subject(model, run, images, labels)
        answers = interventions.evaluate(subject, settings, names, Job(protocol, 50))
        return (answer.row() for answer in answers)

    return ask


@pytest.fixture(scope="session")
def swept() -> Ask:
    """Rows of a sweep: (model, run, settings, thresholds, images, labels)."""

    def ask(
        model: nn.Module,
        run: TrainingRun,
        settings: Any,
        values: Any,
        images: Any = None,
        labels: Any = None,
    ) -> Rows:
        subject = _subject(model, run, images, labels)
        return (answer.row() for answer in sweep.evaluate(subject, settings, values, Job("paper", 50)))

    return ask
