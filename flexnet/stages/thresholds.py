"""Stage `thresholds`: all seeds of a model, with thresholds as trained and exchanged, in one job.

The networks are small: starting Python and torch for each seed would cost more than scoring them.
"""

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from flexnet.errors import ConfigError
from flexnet.evaluation.at_test import KEYS
from flexnet.families.fgsm import FgsmSettings
from flexnet.evaluation.thresholds import Judge, Row, score_interventions, sweep_uniform
from flexnet.files import write_rows
from flexnet.progress import Progress
from flexnet.stages._common import choose_device, set_up_cpu
from flexnet.stages._scored import evaluation_batch, load_scored
from flexnet.tables.columns import COUNTS, GATES
from flexnet.training.checkpoint import load_model
from flexnet.training.run import TrainingRun


def columns(at_test: dict[str, Any]) -> list[str]:
    """Columns of the table: a sweep has thresholds, anything else interventions and the gates' numbers."""
    condition, more = ("threshold", ()) if "sweep" in at_test else ("intervention", tuple(GATES))
    return ["model", "seed", "protocol", condition, "epsilon", "draw", *COUNTS, *more]


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Write one row per seed, protocol, condition, epsilon and repeat.

    Settings: `model`, `at_test` (`interventions`: a list of names, or `sweep`: a list of uniform thresholds),
    `protocols` (name: attack, as the sections `fgsm` of the protocols).

    Raises:
        ConfigError: if an intervention, a sweep or a setting of an attack is not allowed.
        DataError: if weights or images are damaged or do not fit each other.
        NumericalError: if a gate, logit, loss or gradient is NaN or infinite.
    """
    set_up_cpu(files.threads)
    device, at_test = choose_device(), settings["at_test"]
    if len(at_test) > 1 or not set(at_test) <= set(KEYS):
        raise ConfigError(f"at_test: expected either 'interventions' or 'sweep'; got {sorted(at_test)}")
    attacks = {name: FgsmSettings.from_mapping(attack) for name, attack in settings["protocols"].items()}
    judge, rows = None, []
    with Progress(settings["model"], len(files.weights), "seeds", files.log) as progress:
        for path in files.weights:
            model, metadata = load_model(path)
            model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            judge = judge or Judge(attacks, load_scored(files, metadata, device), evaluation_batch(device))
            trained = TrainingRun.from_metadata(metadata)
            names = {"model": trained.model, "seed": trained.seed}
            rows += [names | row for row in _score(model, trained, at_test, judge)]
            progress.advance(1)
    write_rows(files.output, columns(at_test), rows)


def _score(model: nn.Module, run: TrainingRun, at_test: dict[str, Any], judge: Judge) -> Iterator[Row]:
    if "sweep" in at_test:
        return sweep_uniform(model, run, at_test["sweep"], judge)
    return score_interventions(model, run, at_test.get("interventions", []), judge)
