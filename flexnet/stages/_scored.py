"""What the evaluating stages share: the images that a trained model is scored on, and how many at once.

Training does not depend on this file, so that a change of it trains nothing again.
"""

import json
from argparse import Namespace
from collections.abc import Mapping

import torch

from flexnet.stages._common import load_for_model, origin_of, read_subset
from flexnet.training.batches import DeviceImages

# Images per forward pass; several epsilons of a batch share one. A CPU is fastest where they fit its cache.
BATCH, CPU_BATCH = 1000, 100


def load_scored(files: Namespace, metadata: Mapping[str, str], device: torch.device) -> DeviceImages:
    """Load the images that a trained model is scored on, from the files `training`, `test` and `subset`.

    Raises:
        DataError: if a file is damaged, not the one that the subset is of, or does not fit the model.
    """
    subset = read_subset(files.subset)
    path = files.training if subset["split"] == "train" else files.test
    options, expected = json.loads(metadata["options"]), origin_of(subset, subset["split"])
    arrays = load_for_model(path, metadata["network"], options, expected)
    return DeviceImages.load(arrays, subset["scored"], device)


def evaluation_batch(device: torch.device) -> int:
    """Images per forward pass of an evaluation."""
    return CPU_BATCH if device.type == "cpu" else BATCH
