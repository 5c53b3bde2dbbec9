"""Accuracy on datasets that a model was not trained on, beside that on its own test images."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from flexnet.data.arrays import ImageArrays
from flexnet.data.manifest import load_verified
from flexnet.data.roles import TEST
from flexnet.data.subset_file import origin_of, read_subset
from flexnet.errors import ConfigError, DataError
from flexnet.evaluation.changed import judging, unchanged
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.base import JudgedOn
from flexnet.families.drawings import INVERTED, OWN, DrawingSettings
from flexnet.training.batches import DeviceImages, digest_of
from flexnet.training.streamed import Pixels

OWN_TITLE = "test images of its own dataset"
DOUBT, DOUBTFUL = " (not known to be the official images)", ("other", "unknown")


def passes(settings: Mapping[str, Any], asked: None) -> int:
    """How often images are scored."""
    return 1 + len(settings["judged_on"])


def evaluate(subject: Subject, settings: Mapping[str, Any], asked: None, job: Job) -> Iterator[Answer]:
    """Answers on the model's own test images and on each other dataset: conditions images and inverted.

    All answers have as many outcomes as the largest set has images; of a smaller one those at the end are
    false, and n does not count them.

    Raises:
        ConfigError: if a setting is not allowed, or the job was not told the files of a dataset.
        DataError: if a file is missing or damaged, or has other classes, sizes or channels than the model's
            own images.
        NumericalError: if a logit is NaN or infinite.
    """
    rules = DrawingSettings.from_values(settings)
    sets = {OWN: (OWN_TITLE, subject.scored)}
    for name, told in rules.judged_on.items():
        sets[name] = told_images(name, told, rules.classes, subject.scored.images)
    most = max(len(images) for _, images in sets.values())
    for name, (title, images) in sets.items():
        with judging(replace(subject, scored=images), f"drawings {name}", rules.batch, job) as judge:
            right = judge(unchanged, name)
        # The digest of its own images stands beside the outcomes.
        measures = {"title": title, "digest": OWN if name == OWN else digest_of(images)}
        kind, inverted = name.removesuffix(INVERTED), int(name.endswith(INVERTED))
        conditions: dict[str, Any] = {"images": kind, "inverted": inverted}
        yield Answer(conditions, _padded(right, most), len(images), measures)


def told_images(
    name: str, told: JudgedOn | str, classes: Sequence[str] | None, like: Pixels
) -> tuple[str, DeviceImages]:
    """Title and chosen images of a dataset that a job was told; grey ones in all channels of the network.

    Args:
        name: what results call it.
        told: its files.
        classes: the classes that it must have, in their order.
        like: images whose size it must have, and channels, unless it is grey; on the same device.

    Raises:
        ConfigError: if the job was told no files, or no classes.
        DataError: as `evaluate`.
    """
    if isinstance(told, str) or classes is None:
        raise ConfigError(
            f"drawings: judged_on.{name}: expected the files of a dataset, and the names of classes; got "
            f"{told!r}; run the evaluation through the workflow, or name arrays, subset, title and classes"
        )
    subset = read_subset(told["subset"])
    arrays, manifest = load_verified(told["arrays"], origin_of(subset, TEST))
    arrays = _in_channels(arrays, like.shape[1])
    _require_alike(told["arrays"], "classes", arrays.classes, tuple(classes))
    _require_alike(told["arrays"], "images of shape", arrays.images.shape[1:], tuple(like.shape[1:]))
    title = told["title"] + (DOUBT if manifest["content"] in DOUBTFUL else "")
    return title, DeviceImages.load(arrays, subset["scored"], like.device)


def _in_channels(arrays: ImageArrays, channels: int) -> ImageArrays:
    """Images with a grey one repeated in each channel; others as they are."""
    if arrays.images.shape[1] != 1 or channels == 1:
        return arrays
    return replace(arrays, images=np.repeat(arrays.images, channels, axis=1))


def _require_alike(path: str, what: str, found: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    """An answer about other classes, or in another order, would be a number about nothing."""
    if tuple(found) != expected:
        raise DataError(
            f"{path}: expected {what} {expected}, as those that the model was trained on; got {tuple(found)};"
            " judge on a dataset of the same classes in the same order, and give its source the size and "
            "channels of the model's"
        )


def _padded(right: Tensor, most: int) -> Tensor:
    return torch.cat([right, right.new_zeros(most - len(right))])
