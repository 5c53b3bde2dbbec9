"""Stage `train`: one model, one seed."""

from argparse import Namespace
from contextlib import nullcontext
from typing import Any

from flexnet.data.roles import TEST, TRAIN
from flexnet.data.subset_file import origin_of, read_subset
from flexnet.errors import DataError
from flexnet.layers.fused import compiled_meanwhile
from flexnet.machine import number_from
from flexnet.stages._common import choose_device, load_for_model, set_up_cpu
from flexnet.training.batches import DeviceImages
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun
from flexnet.training.trainer import train

CHECKPOINT_SECONDS = 30.0


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Train; write weights and history.

    Settings: `model`, `seed`, `network`, `options`, `recipe`, `run_seed`, `code`.

    Raises:
        ConfigError: if the network, an option, a key of the recipe or the time between checkpoints is not
            allowed.
        DataError: if the images are damaged, not those of the subset, or do not fit the network.
        TrainingError: if the loss is no longer finite.
    """
    set_up_cpu(files.threads)
    device = choose_device()
    recipe = Recipe.from_mapping(settings["recipe"])
    plan = TrainingRun(**{**settings, "recipe": recipe}, checkpoint_seconds=checkpoint_seconds())
    subset = read_subset(files.subset)
    if not subset["training"]:
        raise DataError(
            f"{files.subset}: expected images to train on; got none, its dataset can only be judged on;"
            " choose another dataset"
        )
    network = (plan.network, plan.options)
    training = load_for_model(files.training, *network, origin_of(subset, TRAIN))
    scored = training
    if subset["split"] == TEST:
        scored = load_for_model(files.test, *network, origin_of(subset, TEST))
    with compiled_meanwhile() if device.type == "cpu" else nullcontext():
        train(
            plan,
            DeviceImages.load(training, subset["training"], device),
            DeviceImages.load(scored, subset["scored"], device),
            files.weights,
            files.history,
            files.log,
        )


def checkpoint_seconds() -> float:
    """Least time between two checkpoints, as FLEXNET_CHECKPOINT_SECONDS says; 30 if it says nothing.

    Raises:
        ConfigError: if it is no number of seconds.
    """
    seconds = number_from("FLEXNET_CHECKPOINT_SECONDS", "checkpoint_seconds", "seconds")
    return CHECKPOINT_SECONDS if seconds is None else seconds
