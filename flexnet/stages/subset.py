"""Stage `subset`: which images one seed trains on and is scored on."""

from argparse import Namespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flexnet.data.manifest import load_verified, origin
from flexnet.data.roles import TEST, TRAIN
from flexnet.data.subsets import holdout_split, stratified_indices, uniform_indices
from flexnet.errors import ConfigError
from flexnet.files import canonical_json, write_text
from flexnet.seeds import derive_seed

Indices = NDArray[np.int64]
# What the two arrays files must be where the settings do not say more of them.
EXPECTED = {"training": {"split": TRAIN}, "test": {"split": TEST}}


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
        settings: `row` (of the dataset), `seed`, `run_seed`.
        training: labels of the training split; none of a dataset that is only judged.
        test: labels of the test split.

    Returns:
        `training` and `scored` indices, and `split`, the role ("test" or "train") whose images are scored.
    """
    row, run_seed = settings["row"], settings["run_seed"]
    names = (run_seed, row["source"])
    pool, held = np.arange(len(training)), np.arange(0)
    if row.get("holdout_per_class"):
        pool, held = holdout_split(training, row["holdout_per_class"], derive_seed(*names, "holdout"))
    chosen = pool[training_indices(training[pool], row, derive_seed(*names, settings["seed"], "subset"))]
    if row.get("score", TEST) == "holdout":
        return {"training": chosen.tolist(), "scored": held.tolist(), "split": TRAIN}
    scored = np.arange(len(test))
    if row.get("test_per_class"):
        scored = stratified_indices(test, row["test_per_class"], derive_seed(*names, "test"))
    return {"training": chosen.tolist(), "scored": scored.tolist(), "split": TEST}


def run(settings: dict[str, Any], files: Namespace) -> None:
    """Write the chosen indices as JSON, and of which arrays they are: `data`, by role "train" and "test".

    Settings: as `choose`, and `expects`: what the manifests of the files `training` and `test` must say
    (`dataset`, `split`). Without a file `training`, as of a dataset that is only judged, there are indices of
    scored images alone.

    Raises:
        ConfigError: if a class has fewer images than asked for, or there are none to train on and the row
            asks for some.
        DataError: if an arrays file is missing, damaged, or of another dataset or split.
    """
    expected = EXPECTED | settings.get("expects", {})
    labels, origins = {TRAIN: np.empty(0, dtype=np.int64)}, {}
    for argument, role in (("training", TRAIN), ("test", TEST)):
        if path := getattr(files, argument):
            arrays, manifest = load_verified(path, expected[argument])
            labels[role], origins[role] = arrays.labels, origin(manifest)
    _require_training(settings["row"], origins)
    chosen = choose(settings, labels[TRAIN], labels[TEST])
    chosen["data"] = origins
    write_text(files.output, canonical_json(chosen) + "\n")


def _require_training(row: dict[str, Any], origins: dict[str, Any]) -> None:
    asked = [key for key in ("per_class", "holdout_per_class") if row.get(key)]
    if asked and TRAIN not in origins:
        raise ConfigError(
            f"{asked[0]}: expected nothing of training images where there are none; got {row[asked[0]]};"
            " remove it, or give the file --training"
        )
