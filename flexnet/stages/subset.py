"""Stage `subset`: which images one seed trains on and is scored on."""

from argparse import Namespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flexnet.data.arrays import load_arrays
from flexnet.data.subsets import holdout_split, stratified_indices, uniform_indices
from flexnet.files import canonical_json, write_text
from flexnet.seeds import derive_seed

Indices = NDArray[np.int64]


def training_indices(labels: Indices, settings: dict[str, Any], seed: int) -> Indices:
    """Choose the training images: all, the same number of each class, or the released code's draw."""
    per_class = settings.get("per_class")
    if per_class is None:
        return np.arange(len(labels))
    if settings.get("sampling", "stratified") == "uniform":
        return uniform_indices(labels, per_class * len(np.unique(labels)), seed)
    return stratified_indices(labels, per_class, seed)


def choose(settings: dict[str, Any], training: Indices, test: Indices) -> dict[str, Any]:
    """Choose indices for a dataset row and a seed.

    The held-out images and the scored test images are the same for every seed of the study; the
    training subset is the seed's own, and the same for every model, so that models can be compared
    seed by seed.

    Args:
        settings: `dataset` (key of the row), `row` (the row), `seed`, `run_seed`.
        training: labels of the training split.
        test: labels of the test split.

    Returns:
        `training` and `scored` indices, and `split` ("test" or "train"), whose images are scored.
    """
    row, run_seed = settings["row"], settings["run_seed"]
    names = (run_seed, row["source"])
    pool, held = np.arange(len(training)), np.arange(0)
    if row.get("holdout_per_class"):
        pool, held = holdout_split(training, row["holdout_per_class"], derive_seed(*names, "holdout"))
    chosen = pool[training_indices(training[pool], row, derive_seed(*names, settings["seed"], "subset"))]
    if row.get("score", "test") == "holdout":
        return {"training": chosen.tolist(), "scored": held.tolist(), "split": "train"}
    scored = np.arange(len(test))
    if row.get("test_per_class"):
        scored = stratified_indices(test, row["test_per_class"], derive_seed(*names, "test"))
    return {"training": chosen.tolist(), "scored": scored.tolist(), "split": "test"}


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Write the chosen indices as JSON.

    Raises:
        ConfigError: if a class has fewer images than asked for.
        DataError: if an arrays file is missing or damaged.
    """
    training, test = load_arrays(files.training).labels, load_arrays(files.test).labels
    write_text(files.output, canonical_json(choose(settings, training, test)) + "\n")
