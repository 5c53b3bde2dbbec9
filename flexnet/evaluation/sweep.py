"""Networks of one uniform threshold, scored at others than their own (Flexible Layer paper, Figure 3)."""

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flexnet.errors import ConfigError
from flexnet.evaluation.fgsm import attacked
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.fgsm import FgsmSettings
from flexnet.layers.diagnostics import flexible_layers
from flexnet.seeds import derive_seed


def passes(settings: Mapping[str, Any], asked: Sequence[float]) -> int:
    """How often the images are scored."""
    return len(asked)


def evaluate(
    subject: Subject, settings: Mapping[str, Any], asked: Sequence[float], job: Job
) -> Iterator[Answer]:
    """Score a network of the scheme uniform at other thresholds; it is left as it is.

    Args:
        subject: the trained network.
        settings: of the attack, as `FgsmSettings`.
        asked: thresholds.
        job: circumstances.

    Yields:
        Answers with the conditions threshold, epsilon and draw.

    Raises:
        ConfigError: if the network has no layer of the scheme uniform, or a value is no finite number.
        NumericalError: if a logit, loss or gradient is NaN or infinite at a threshold.
    """
    attack = FgsmSettings.from_mapping(settings)
    for value in asked:
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise ConfigError(f"sweep: expected finite numbers; got {value!r}; correct the list")
    changed = replace(subject, model=copy.deepcopy(subject.model))
    layers = [layer for _, layer in flexible_layers(changed.model) if layer.scheme == "uniform"]
    if not layers:
        raise ConfigError("sweep: expected a network with a layer of the scheme 'uniform'; got none")
    seed = derive_seed(subject.run.derive("sweep"), job.protocol)
    for value in asked:
        for layer in layers:
            layer.set_threshold(value)
        for answer in attacked(changed, attack, job, seed, f"{subject.name}, threshold {value:g}"):
            yield replace(answer, conditions={"threshold": value, **answer.conditions})
