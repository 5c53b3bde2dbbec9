"""How the gates of a trained network behave on the scored images, in three numbers."""

import math
from typing import Any

from flexnet.errors import NumericalError
from flexnet.evaluation.subject import Subject
from flexnet.layers.diagnostics import gate_statistics, threshold_shift, threshold_snapshot
from flexnet.training.batches import to_unit
from flexnet.training.run import build_model
from flexnet.training.streamed import parts


def gate_numbers(subject: Subject, batch_size: int, name: str = "") -> dict[str, Any]:
    """Mean over layers of the MAX share, the fraction of switching units and the shift of the thresholds.

    Args:
        subject: a network, its thresholds perhaps exchanged; they are compared with those that its run
            started from.
        batch_size: images per pass.
        name: how messages call the model and what was done to it.

    Returns:
        max_share and switching in [0, 1], threshold_shift in units of the layer's input; all empty for a
        network whose gates do not depend on the input, the last also for weights that were not trained here.

    Raises:
        NumericalError: if a gate or a threshold is NaN or infinite.
    """
    name = name or subject.name
    batches = (to_unit(batch) for batch in parts(subject.scored.images, batch_size))
    try:
        records = gate_statistics(subject.model, batches)
    except NumericalError as error:
        raise NumericalError(f"{name}: {error}") from error
    if not records:
        return {"max_share": "", "switching": "", "threshold_shift": ""}
    return {
        "max_share": round(sum(record.max_share for record in records) / len(records), 6),
        "switching": round(sum(record.switching for record in records) / len(records), 6),
        "threshold_shift": _shift(subject, name),
    }


def _shift(subject: Subject, name: str) -> float | str:
    """How far thresholds moved; empty of weights from elsewhere, whose first thresholds nobody knows."""
    if not subject.run.trained:
        return ""
    shifts = threshold_shift(subject.model, threshold_snapshot(build_model(subject.run))).values()
    if not all(math.isfinite(shift) for shift in shifts):
        raise NumericalError(f"{name}: expected finite thresholds; got NaN or infinity; train it again")
    return round(sum(shifts) / len(shifts), 6)
