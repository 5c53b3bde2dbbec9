"""Accuracy under FGSM along the gradient of each of several losses.

The cross entropy of a network that is very sure of itself has next to no gradient, and what remains of it may
point anywhere. A network that only withstands steps along that loss falls to one along another.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from flexnet.evaluation.fgsm import attacked
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.losses import LossesSettings


def passes(settings: Mapping[str, Any], asked: None) -> int:
    """How often the images are scored."""
    return len(list(LossesSettings.from_mapping(settings).each()))


def evaluate(subject: Subject, settings: Mapping[str, Any], asked: None, job: Job) -> Iterator[Answer]:
    """Answers along each loss, at each epsilon and repeat: conditions objective, epsilon and draw.

    The objective is the name of the loss. All draws are those of the family `fgsm`, so along its loss the
    answers are the same.

    Raises:
        ConfigError: if a setting is not allowed or does not fit the model.
        DataError: if images and labels have another type or shape.
        NumericalError: if a logit, loss or gradient is NaN or infinite.
    """
    seed = subject.run.derive(job.protocol)
    for attack in LossesSettings.from_mapping(settings).each():
        for answer in attacked(subject, attack, job, seed, f"{subject.name}, loss {attack.loss}"):
            yield replace(answer, conditions={"objective": attack.loss, **answer.conditions})
