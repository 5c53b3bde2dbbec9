"""The part of a network that training never changes, computed once for each image and not in each epoch."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from flexnet.networks.classifier import Classifier
from flexnet.training.batches import DeviceImages, to_unit
from flexnet.training.recipe import Recipe

BATCH = 100


def trained_part(model: nn.Module, recipe: Recipe) -> Callable[[Tensor], Tensor] | None:
    """What remains to be computed in each epoch, or None if that is the whole model.

    A stem counts as fixed only if every image is always seen as it is: augmented images are others.
    """
    if isinstance(model, Classifier) and not isinstance(model.stem, nn.Identity):
        return None if recipe.augmentations() else model.rest
    return None


@torch.no_grad()
def fixed_features(model: nn.Module, data: DeviceImages) -> DeviceImages:
    """The stem's output for each image (N, ...) in float32, with the labels, on the same device."""
    assert isinstance(model, Classifier)
    parts = [model.fixed(to_unit(batch)) for batch in torch.split(data.images, BATCH)]
    return DeviceImages(torch.cat(parts), data.labels)
