"""What is done to the thresholds of a trained network before it is scored, and what becomes of it.

If trained thresholds carry anything, exchanging them must cost accuracy. The authors' own development
notebooks shuffled and replaced them and found next to no difference.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.evaluation.fgsm import attacked
from flexnet.evaluation.gates import gate_numbers
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.fgsm import FgsmSettings
from flexnet.families.interventions import TRAINED, check_intervention, normal_of
from flexnet.layers.diagnostics import flexible_layers
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.layers.thresholds import draw_threshold
from flexnet.options.layers.flexible import STORED
from flexnet.seeds import derive_seed


def passes(settings: Mapping[str, Any], asked: Sequence[str] | None) -> int:
    """How often the images are scored."""
    return len(_conditions(asked))


def _conditions(asked: Sequence[str] | None) -> list[str]:
    """Interventions in order; the network as trained always comes first and need not be named."""
    return [TRAINED, *(name for name in asked or () if name != TRAINED)]


def evaluate(
    subject: Subject, settings: Mapping[str, Any], asked: Sequence[str] | None, job: Job
) -> Iterator[Answer]:
    """Score a network as trained and after each intervention on its thresholds; it is left as it is.

    Args:
        subject: the trained network.
        settings: of the attack, as `FgsmSettings`.
        asked: interventions, see `intervene`.
        job: circumstances.

    Yields:
        Answers with the conditions intervention, epsilon and draw, and under each intervention the numbers of
        `gate_numbers`.

    Raises:
        ConfigError: if an intervention is unknown or does not apply.
        NumericalError: if a gate, logit, loss or gradient is NaN or infinite under an intervention.
    """
    attack = FgsmSettings.from_mapping(settings)
    for name in asked or ():
        check_intervention(name)
    for intervention in _conditions(asked):
        # Who draws thresholds anew for the attack would undo what was done to them.
        told = attack if intervention == TRAINED else replace(attack, redraw=False)
        changed = replace(subject, model=copy.deepcopy(subject.model))
        seed = subject.run.derive("intervention", intervention)
        intervene(changed.model, intervention, torch.Generator().manual_seed(seed))
        title = f"{subject.name}, intervention {intervention}"
        measures = gate_numbers(changed, job.batch_size, title)
        for answer in attacked(changed, told, job, derive_seed(seed, job.protocol), title):
            conditions = {"intervention": intervention, **answer.conditions}
            yield replace(answer, conditions=conditions, measures=measures)


def intervene(model: nn.Module, intervention: str, generator: torch.Generator) -> None:
    """Exchange the thresholds of all layers that store one per unit or channel, in place.

    Args:
        model: a trained network.
        intervention: "trained" leaves everything as it is; "shuffled" exchanges the thresholds of a layer
            among its units; "redrawn" draws them anew from the distribution that they started from;
            "normal(m,s)" draws them from a normal distribution with mean m and standard deviation s.
        generator: of all draws, on the CPU.

    Raises:
        ConfigError: if the intervention is unknown, or the model stores no threshold to exchange.
    """
    check_intervention(intervention)
    if not isinstance(generator, torch.Generator):
        raise ConfigError(
            f"generator of an intervention: expected a torch.Generator; got {type(generator).__name__}; "
            "use torch.Generator().manual_seed(seed)"
        )
    if intervention == TRAINED:
        return
    layers = [layer for _, layer in flexible_layers(model) if layer.scheme in STORED]
    if not layers:
        raise ConfigError(
            f"intervention {intervention!r}: expected a network with stored thresholds; this one has none; "
            f"ask for {TRAINED!r} only"
        )
    with torch.no_grad():
        for layer in layers:
            _exchange(layer, intervention, generator)


def _exchange(layer: FlexibleConv2d, intervention: str, generator: torch.Generator) -> None:
    threshold: Tensor | None = layer.threshold
    assert threshold is not None
    if intervention == "shuffled":
        order = torch.randperm(threshold.numel(), generator=generator).to(threshold.device)
        threshold.copy_(threshold.flatten()[order].view_as(threshold))
        return
    draw_threshold(threshold, normal_of(intervention) or layer.init, generator)
