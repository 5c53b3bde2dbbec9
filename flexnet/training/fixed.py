"""The part of a network that training never changes, computed once for each image and not in each epoch."""

import itertools
import tempfile
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from flexnet.networks.classifier import Classifier
from flexnet.training.batches import DeviceImages, to_unit
from flexnet.training.recipe import Recipe
from flexnet.training.streamed import Streamed, parts

BATCH = 100


def trained_part(model: nn.Module, recipe: Recipe) -> Callable[[Tensor], Tensor] | None:
    """What remains to be computed in each epoch, or None if that is the whole model.

    A stem counts as fixed only if every image is always seen as it is: augmented images are others, and
    attacked ones.
    """
    if isinstance(model, Classifier) and not isinstance(model.stem, nn.Identity):
        return None if recipe.augmentations() or recipe.adversarial else model.rest
    return None


@torch.no_grad()
def fixed_features(model: nn.Module, data: DeviceImages) -> DeviceImages:
    """The stem's output for each image (N, ...) in float32, with the labels, on the same device.

    That of images which stream goes to a temporary file, and streams from there.
    """
    assert isinstance(model, Classifier)
    found = (model.fixed(to_unit(batch)) for batch in parts(data.images, BATCH))
    if isinstance(data.images, Streamed):
        return DeviceImages(_stored(found, len(data), data.images.device), data.labels)
    return DeviceImages(torch.cat(list(found)), data.labels)


def _stored(features: Iterator[Tensor], number: int, device: torch.device) -> Streamed:
    """Features of so many images in a temporary file, which goes when nobody looks at it any more."""
    first = next(features)
    with tempfile.TemporaryFile() as file:
        kept = np.memmap(file, np.float32, "w+", shape=(number, *first.shape[1:]))
    start = 0
    for part in itertools.chain([first], features):
        kept[start : start + len(part)] = part.cpu().numpy()
        start += len(part)
    return Streamed(torch.from_numpy(np.asarray(kept)), torch.arange(number), device)
