"""One trained network with its thresholds as they are and exchanged: accuracy, clean and under FGSM."""

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError, NumericalError
from flexnet.evaluation.fgsm import evaluate_fgsm
from flexnet.families.fgsm import FgsmSettings
from flexnet.evaluation.interventions import TRAINED, check_intervention, intervene
from flexnet.layers.diagnostics import (
    flexible_layers,
    gate_statistics,
    threshold_shift,
    threshold_snapshot,
)
from flexnet.seeds import derive_seed
from flexnet.training.batches import DeviceImages, to_unit
from flexnet.training.run import TrainingRun, build_model

Row = dict[str, Any]


@dataclass(frozen=True)
class Judge:
    """What every condition of one network is scored with.

    Attributes:
        protocols: the attack of each protocol, by the protocol's name.
        scored: the images.
        batch_size: most images per pass.
    """

    protocols: dict[str, FgsmSettings]
    scored: DeviceImages
    batch_size: int

    def rows(self, model: nn.Module, seed: int, name: str = "") -> Iterator[Row]:
        """Rows of all protocols: protocol, epsilon, draw, n, correct, accuracy.

        Args:
            model: who is scored.
            seed: of all draws.
            name: how messages call the model and what was done to it.
        """
        images, labels = self.scored.images, self.scored.labels
        for protocol, settings in self.protocols.items():
            found = evaluate_fgsm(
                model,
                images,
                labels,
                settings,
                seed=derive_seed(seed, protocol),
                device=images.device,
                batch_size=self.batch_size,
                name=f"{name or type(model).__name__}, protocol {protocol}",
            )
            yield from ({"protocol": protocol, **row} for row in found)


def score_interventions(
    model: nn.Module, run: TrainingRun, interventions: Sequence[str], judge: Judge
) -> Iterator[Row]:
    """Score a network as trained and after each intervention on its thresholds.

    Args:
        model: the trained network; it is left as it is.
        run: the run that trained it, which knows its thresholds at the start.
        interventions: see `intervene`; "trained" always comes first and need not be named.
        judge: attacks and images.

    Yields:
        Rows with intervention, protocol, epsilon, draw, n, correct, accuracy, and the gates' numbers of
        `gate_numbers` under that intervention.

    Raises:
        ConfigError: if an intervention is unknown or does not apply.
        NumericalError: if a gate, logit, loss or gradient is NaN or infinite under an intervention.
    """
    for name in interventions:
        check_intervention(name)
    for intervention in [TRAINED, *(name for name in interventions if name != TRAINED)]:
        changed = copy.deepcopy(model)
        seed = run.derive("intervention", intervention)
        intervene(changed, intervention, torch.Generator().manual_seed(seed))
        title = f"{run.model} seed {run.seed}, intervention {intervention}"
        numbers = gate_numbers(changed, run, judge.scored.images, judge.batch_size, title)
        rows = judge.rows(changed, seed, title)
        yield from ({"intervention": intervention, **row, **numbers} for row in rows)


def sweep_uniform(model: nn.Module, run: TrainingRun, values: Sequence[float], judge: Judge) -> Iterator[Row]:
    """Score a network of the scheme uniform at other thresholds than its own (Flexible Layer paper, Fig 3).

    Yields:
        Rows with threshold, protocol, epsilon, draw, n, correct, accuracy.

    Raises:
        ConfigError: if the network has no layer of the scheme uniform, or a value is no finite number.
        NumericalError: if a logit, loss or gradient is NaN or infinite at a threshold.
    """
    for value in values:
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise ConfigError(f"sweep: expected finite numbers; got {value!r}; correct the list")
    changed = copy.deepcopy(model)
    layers = [layer for _, layer in flexible_layers(changed) if layer.scheme == "uniform"]
    if not layers:
        raise ConfigError("sweep: expected a network with a layer of the scheme 'uniform'; got none")
    for value in values:
        for layer in layers:
            layer.set_threshold(value)
        title = f"{run.model} seed {run.seed}, threshold {value:g}"
        yield from ({"threshold": value, **row} for row in judge.rows(changed, run.derive("sweep"), title))


def gate_numbers(
    model: nn.Module, run: TrainingRun, images: Tensor, batch_size: int, name: str = ""
) -> dict[str, Any]:
    """Mean over layers of the MAX share, the fraction of switching units and the shift of the thresholds.

    Args:
        model: a network, its thresholds perhaps exchanged.
        run: the run that trained it; thresholds are compared with those it started from.
        images: uint8 (N, C, H, W).
        batch_size: images per pass.
        name: how messages call the model and what was done to it.

    Returns:
        max_share and switching in [0, 1], threshold_shift in units of the layer's input; all empty for a
        network whose gates do not depend on the input.

    Raises:
        NumericalError: if a gate or a threshold is NaN or infinite.
    """
    name = name or f"{run.model} seed {run.seed}"
    batches = (to_unit(batch) for batch in torch.split(images, batch_size))
    try:
        records = gate_statistics(model, batches)
    except NumericalError as error:
        raise NumericalError(f"{name}: {error}") from error
    if not records:
        return {"max_share": "", "switching": "", "threshold_shift": ""}
    shifts = threshold_shift(model, threshold_snapshot(build_model(run))).values()
    if not all(math.isfinite(shift) for shift in shifts):
        raise NumericalError(f"{name}: expected finite thresholds; got NaN or infinity; train it again")
    return {
        "max_share": round(sum(record.max_share for record in records) / len(records), 6),
        "switching": round(sum(record.switching for record in records) / len(records), 6),
        "threshold_shift": round(sum(shifts) / len(shifts), 6),
    }
