"""Batches from uint8 images that live on the compute device, or stream to it: no workers."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from flexnet.data.arrays import ImageArrays
from flexnet.errors import DataError
from flexnet.training.augmentations import draw
from flexnet.training.streamed import Pixels, Streamed, fits, parts

DIGEST_NUMBERS = 1 << 24  # that are looked at at once; no digest depends on it


@dataclass(frozen=True)
class DeviceImages:
    """Images (N, C, H, W) as uint8 and labels (N,) as int64, on one device.

    Images that do not fit there are `Streamed`: only parts of them are tensors. Where a fixed part of a
    network was computed beforehand, its output (N, ...) stands for the images.
    """

    images: Pixels
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def load(cls, arrays: ImageArrays, indices: list[int] | None, device: torch.device) -> "DeviceImages":
        """Copy the chosen images (all if `indices` is None) to the device; those that do not fit stream.

        Raises:
            DataError: if an index is out of range.
            ConfigError: if the environment states no proper limit (`flexnet.training.streamed.fits`).
        """
        chosen = np.arange(len(arrays.labels)) if indices is None else np.asarray(indices, dtype=np.int64)
        if len(chosen) == 0 or chosen.min() < 0 or chosen.max() >= len(arrays.labels):
            raise DataError(
                f"subset: expected indices of the {len(arrays.labels)} images; got {len(chosen)} indices"
                f"{f' up to {chosen.max()}' if len(chosen) else ''}; make the subset again"
            )
        labels = torch.from_numpy(arrays.labels[chosen]).to(device)
        if not fits(len(chosen) * arrays.images[0].nbytes, device):
            stored = torch.from_numpy(arrays.images)
            return cls(Streamed(stored, torch.from_numpy(chosen), device), labels)
        return cls(torch.from_numpy(arrays.images[chosen]).to(device), labels)


def digest_of(data: DeviceImages) -> str:
    """Digest (16 hexadecimal digits) of images and labels in their order."""
    digest = hashlib.blake2b(digest_size=8)
    for values in (data.images, data.labels):
        digest.update(str(tuple(values.shape)).encode())
        size = max(1, DIGEST_NUMBERS // max(1, math.prod(values.shape[1:])))
        for part in parts(values, size):
            digest.update(part.cpu().contiguous().numpy().data)
    return digest.hexdigest()


def to_unit(images: Tensor) -> Tensor:
    """Convert uint8 images to float32 in [0, 1]; what was computed from images already stays as it is."""
    return images if images.is_floating_point() else images.float().div_(255)


def epoch_batches(
    data: DeviceImages,
    batch_size: int,
    augment: Sequence[Mapping[str, Any]],
    generator: torch.Generator,
    *,
    skip: int = 0,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield one epoch of shuffled, augmented batches of images in [0, 1].

    Args:
        data: the training images.
        batch_size: images per batch; a single image left over joins the batch before it, because
            batch normalisation needs two.
        augment: what is done to the images, as a recipe has it.
        generator: of the order, and after it of what is random in each augmentation; on the CPU, so that
            every device sees the same.
        skip: number of batches at the start to leave out, because they were seen before.

    Raises:
        ConfigError: if an augmentation cannot be done to images of this size.
    """
    device = data.images.device
    order = torch.randperm(len(data), generator=generator).to(device)  # once: each copy makes a GPU wait
    augmentations = draw(augment, data.images.shape, generator, device)
    parts = list(torch.split(order, batch_size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    for part in parts[skip:]:
        images = _taken(data.images, part)
        for augmentation in augmentations:
            images = augmentation.apply(images, part)
        yield to_unit(images), data.labels[part]


def _taken(images: Pixels, part: Tensor) -> Tensor:
    """The images of some indices; of a tensor by selection, which a CPU does seven times as fast."""
    return images[part] if isinstance(images, Streamed) else images.index_select(0, part)
