"""Stage `subset`: which images one seed trains on and is scored on."""

from argparse import Namespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flexnet.data.manifest import load_verified, origin
from flexnet.data.subsets import holdout_split, stratified_indices, uniform_indices
from flexnet.files import canonical_json, write_text
from flexnet.seeds import derive_seed

Indices = NDArray[np.int64]
# What the two arrays files must be where the settings do not say more of them.
EXPECTED = {"training": {"split": "train"}, "test": {"split": "test"}}


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
    """Write the chosen indices as JSON, and of which arrays they are: `data`, by split "train" and "test".

    Settings: as `choose`, and `expects`: what the manifests of the files `training` and `test` must say
    (`dataset`, `split`).

    Raises:
        ConfigError: if a class has fewer images than asked for.
        DataError: if an arrays file is missing, damaged, or of another dataset or split.
    """
    expected = EXPECTED | settings.get("expects", {})
    training, of_training = load_verified(files.training, expected["training"])
    test, of_test = load_verified(files.test, expected["test"])
    chosen = choose(settings, training.labels, test.labels)
    chosen["data"] = {"train": origin(of_training), "test": origin(of_test)}
    write_text(files.output, canonical_json(chosen) + "\n")
