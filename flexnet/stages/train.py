"""Stage `train`: one model, one seed."""

import os
from argparse import Namespace
from typing import Any

from flexnet.data.subset_file import origin_of, read_subset
from flexnet.stages._common import choose_device, load_for_model, set_up_cpu
from flexnet.training.batches import DeviceImages
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun
from flexnet.training.trainer import train


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Train; write weights and history.

    Settings: `model`, `seed`, `network`, `options`, `recipe`, `run_seed`, `code`.

    Raises:
        ConfigError: if the network, an option or a key of the recipe is not allowed.
        DataError: if the images are damaged, not those of the subset, or do not fit the network.
        TrainingError: if the loss is no longer finite.
    """
    set_up_cpu(files.threads)
    device = choose_device()
    seconds = float(os.environ.get("FLEXNET_CHECKPOINT_SECONDS", "30"))
    recipe = Recipe.from_mapping(settings["recipe"])
    plan = TrainingRun(**{**settings, "recipe": recipe}, checkpoint_seconds=seconds)
    subset = read_subset(files.subset)
    network = (plan.network, plan.options)
    training = load_for_model(files.training, *network, origin_of(subset, "train"))
    scored = training
    if subset["split"] == "test":
        scored = load_for_model(files.test, *network, origin_of(subset, "test"))
    train(
        plan,
        DeviceImages.load(training, subset["training"], device),
        DeviceImages.load(scored, subset["scored"], device),
        files.weights,
        files.history,
        files.log,
    )
