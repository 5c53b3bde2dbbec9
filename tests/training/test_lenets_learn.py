"""LeNets of the push-pull paper leave chance by their recipe; at the paper's own rate many do not."""

import os
from pathlib import Path

import pandas as pd
import pytest
import torch

from flexnet.config import inherited, read_yaml
from flexnet.data.catalogue import DATASETS
from flexnet.data.mirror import read_mirror
from flexnet.training.batches import DeviceImages
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun
from flexnet.training.trainer import train

CONFIG = inherited(read_yaml(Path(__file__).parents[2] / "config/config.yaml"))
LENETS = [name for name, row in CONFIG["models"].items() if row.get("recipe") == "lenet"]
MIRROR = os.environ.get("FLEXNET_DATA_MIRROR")


def digits(split: str, number: int) -> DeviceImages:
    found = read_mirror(str(MIRROR), DATASETS["mnist"], split)
    images, labels = torch.from_numpy(found.images[:number]), torch.from_numpy(found.labels[:number])
    return DeviceImages(images, labels.long())


@pytest.mark.skipif(MIRROR is None, reason="FLEXNET_DATA_MIRROR is not set")
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", LENETS)
def test_it_learns_within_an_epoch(name: str, seed: int, tmp_path: Path) -> None:
    row = CONFIG["models"][name]
    once = {"epochs": 1, "evaluate_every": 1, "schedule": {"kind": "constant"}}
    recipe = Recipe.from_mapping(CONFIG["recipes"]["lenet"] | once)
    run = TrainingRun(name, seed, "lenet", row["options"], recipe)
    weights, history = tmp_path / "weights.safetensors", tmp_path / "history.csv"
    train(run, digits("train", 30_000), digits("test", 1000), weights, history)
    rows = pd.read_csv(history)
    (accuracy,) = rows.loc[rows["split"] == "test", "accuracy"]
    assert accuracy > 0.85
