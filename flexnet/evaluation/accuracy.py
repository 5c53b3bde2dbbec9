"""Accuracy on clean images, image by image."""

import numpy as np
import torch
from torch import Tensor, nn

from flexnet.errors import DataError
from flexnet.layers.tracing import evaluation_mode
from flexnet.training.batches import to_unit


def on_device(
    images: np.ndarray | Tensor, labels: np.ndarray | Tensor, device: torch.device | str
) -> tuple[Tensor, Tensor]:
    """Bring uint8 images (N, C, H, W) and integer labels (N,) to the device, copying arrays only.

    Raises:
        DataError: if a shape or the type of the images is another, or there are no images.
    """
    pixels, classes = _tensor(images).to(device), _tensor(labels).to(device, torch.int64)
    if (
        pixels.dtype != torch.uint8
        or pixels.ndim != 4
        or classes.shape != pixels.shape[:1]
        or not len(pixels)
    ):
        raise DataError(
            "evaluation: expected uint8 images (N, C, H, W) and labels (N,) with N >= 1; "
            f"got {pixels.dtype} {tuple(pixels.shape)} and {tuple(classes.shape)}; "
            "pass the arrays of a dataset as they are stored"
        )
    return pixels, classes


def _tensor(values: np.ndarray | Tensor) -> Tensor:
    # torch.tensor copies: arrays read from a file may be read-only, which from_numpy warns about.
    return values if isinstance(values, Tensor) else torch.tensor(values)


@torch.inference_mode()
def correct_per_image(
    model: nn.Module,
    images: np.ndarray | Tensor,
    labels: np.ndarray | Tensor,
    *,
    batch_size: int,
    device: torch.device | str,
) -> Tensor:
    """Whether the model, in eval mode, classifies each image correctly.

    Args:
        model: takes images in [0, 1] and returns logits (N, K); lies on `device`.
        images: uint8, (N, C, H, W), arrays or tensors.
        labels: true classes, (N,).
        batch_size: images per pass; the last batch holds what is left.
        device: where to compute.

    Returns:
        bool, (N,), on `device`.

    Raises:
        DataError: if images and labels have another type or shape.
    """
    pixels, classes = on_device(images, labels, device)
    with evaluation_mode(model):
        batches = zip(torch.split(pixels, batch_size), torch.split(classes, batch_size), strict=True)
        return torch.cat([model(to_unit(batch)).argmax(dim=1) == truth for batch, truth in batches])


def count_correct(
    model: nn.Module,
    images: np.ndarray | Tensor,
    labels: np.ndarray | Tensor,
    *,
    batch_size: int,
    device: torch.device | str,
) -> int:
    """Number of images that the model classifies correctly; arguments as for `correct_per_image`."""
    outcomes = correct_per_image(model, images, labels, batch_size=batch_size, device=device)
    return int(outcomes.sum())
