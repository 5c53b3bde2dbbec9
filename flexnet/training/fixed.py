"""The part of a network that training never changes, computed once for each image and not in each epoch."""

import itertools
import tempfile
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from flexnet.networks.classifier import Classifier
from flexnet.training.batches import DeviceImages, to_unit
from flexnet.training.recipe import Recipe
from flexnet.training.streamed import Streamed, fits, parts

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

    That of images which stream, or that does not fit there, goes to a temporary file and streams from there.

    Raises:
        ConfigError: if the environment states no proper limit (`flexnet.training.streamed.fits`).
    """
    assert isinstance(model, Classifier)
    device = data.images.device
    found = (model.fixed(to_unit(batch)) for batch in parts(data.images, BATCH))
    first = next(found)
    shape, size = (len(data), *first.shape[1:]), len(data) * first[0].numel() * first.element_size()
    streams = isinstance(data.images, Streamed) or not fits(size, device)
    kept = _in_a_file(shape) if streams else first.new_empty(shape)
    start = 0
    for part in itertools.chain([first], found):
        kept[start : start + len(part)] = part
        start += len(part)
    return DeviceImages(Streamed(kept, torch.arange(len(data)), device) if streams else kept, data.labels)


def _in_a_file(shape: tuple[int, ...]) -> Tensor:
    """Room in a temporary file, which goes when nobody looks at it any more."""
    with tempfile.TemporaryFile() as file:
        return torch.from_numpy(np.asarray(np.memmap(file, np.float32, "w+", shape=shape)))
