"""Stage `fgsm`: one trained model under the fast gradient sign method, all epsilons and repeats."""

from argparse import Namespace
from typing import Any

import torch

from flexnet.evaluation.fgsm import evaluate_fgsm
from flexnet.families.fgsm import FgsmSettings
from flexnet.files import write_rows
from flexnet.progress import Progress
from flexnet.seeds import derive_seed
from flexnet.stages._common import choose_device, set_up_cpu
from flexnet.stages._scored import evaluation_batch, load_scored
from flexnet.training.checkpoint import load_model

COLUMNS = ("model", "seed", "protocol", "epsilon", "draw", "n", "correct", "accuracy")


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Write one row per epsilon and repeat.

    Settings: `model`, `seed`, `protocol`, `fgsm` (section of the protocol), `run_seed`.

    Raises:
        ConfigError: if a setting of the attack is not allowed.
        DataError: if the weights or the images are damaged or do not fit each other.
        NumericalError: if a logit, a loss or a gradient is NaN or infinite.
    """
    attack = FgsmSettings.from_mapping(settings["fgsm"])
    set_up_cpu(files.threads)
    device = choose_device()
    model, metadata = load_model(files.weights)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    names = {"model": settings["model"], "seed": settings["seed"], "protocol": settings["protocol"]}
    scored = load_scored(files, metadata, device)
    with Progress(" ".join(map(str, names.values())), len(scored), "images", files.log) as progress:
        rows = evaluate_fgsm(
            model.to(device),
            scored.images,
            scored.labels,
            attack,
            seed=derive_seed(settings["run_seed"], settings["model"], settings["seed"], settings["protocol"]),
            device=device,
            batch_size=evaluation_batch(device),
            progress=progress.advance,
            name=f"{names['model']} seed {names['seed']}, protocol {names['protocol']}",
        )
    write_rows(files.output, COLUMNS, [{**names, **row} for row in rows])
