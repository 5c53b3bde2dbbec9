"""LeNets of the push-pull paper leave chance by their recipe; at the paper's own rate many do not."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from flexnet.config import inherited, read_yaml
from flexnet.data.catalogue import DATASETS
from flexnet.data.mirror import read_mirror
from flexnet.errors import TrainingError
from flexnet.training.batches import DeviceImages
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun
from flexnet.training.trainer import train

CONFIG = inherited(read_yaml(Path(__file__).parents[2] / "config/config.yaml"))
LENETS = [name for name, row in CONFIG["models"].items() if row.get("recipe") == "lenet"]
MIRROR = os.environ.get("FLEXNET_DATA_MIRROR")
needs_mirror = pytest.mark.skipif(MIRROR is None, reason="FLEXNET_DATA_MIRROR is not set")


def digits(split: str, number: int) -> DeviceImages:
    found = read_mirror(str(MIRROR), DATASETS["mnist"], split)
    images, labels = torch.from_numpy(found.images[:number]), torch.from_numpy(found.labels[:number])
    return DeviceImages(images, labels.long())


def learned(name: str, seed: int, folder: Path, **changes: Any) -> float:
    """Test accuracy after half of the training images; 0 if the training had to stop."""
    once = {"epochs": 1, "evaluate_every": 1, "schedule": {"kind": "constant"}}
    recipe = Recipe.from_mapping(CONFIG["recipes"]["lenet"] | once | changes)
    run = TrainingRun(name, seed, "lenet", CONFIG["models"][name]["options"], recipe)
    weights, history = folder / f"{name} {seed}.safetensors", folder / f"{name} {seed}.csv"
    try:
        train(run, digits("train", 30_000), digits("test", 1000), weights, history)
    except TrainingError:
        return 0.0
    rows = pd.read_csv(history)
    (accuracy,) = rows.loc[rows["split"] == "test", "accuracy"]
    return float(accuracy)


def test_there_are_eight_and_as_many_whose_images_are_not_normalised() -> None:
    assert len(LENETS) == 16
    assert sum(name.endswith("-raw") for name in LENETS) == 8


@needs_mirror
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", LENETS)
def test_it_learns_by_its_recipe(name: str, seed: int, tmp_path: Path) -> None:
    assert learned(name, seed, tmp_path) > 0.85


@needs_mirror
def test_at_the_rate_of_the_paper_those_with_a_push_pull_layer_stay_at_chance(tmp_path: Path) -> None:
    inhibited = [name for name in LENETS if name.startswith("lenet-p") and not name.endswith("-raw")]
    assert len(inhibited) == 4
    found = {name: learned(name, 1, tmp_path, learning_rate=0.1) for name in inhibited}
    print(f"\n{found}")
    assert sum(accuracy < 0.2 for accuracy in found.values()) >= 2
