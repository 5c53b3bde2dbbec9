"""Batches: every image once per epoch, the stated share mirrored, no single image left alone."""

import numpy as np
import pytest
import torch

from flexnet.data.arrays import ImageArrays
from flexnet.errors import DataError
from flexnet.training.batches import DeviceImages, epoch_batches

CPU = torch.device("cpu")


def numbered(n: int) -> DeviceImages:
    """Images (n, 1, 1, 2) that hold their own number on the left and 0 on the right."""
    images = np.zeros((n, 1, 1, 2), dtype=np.uint8)
    images[:, 0, 0, 0] = np.arange(n) + 1
    return DeviceImages.load(ImageArrays(images, np.zeros(n, dtype=np.int64), ("a",)), None, CPU)


def epoch(data: DeviceImages, size: int, flip: float, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [images for images, _ in epoch_batches(data, size, flip, generator)]


def test_an_epoch_holds_every_image_once_in_another_order_per_seed() -> None:
    data = numbered(50)
    first, second = (torch.cat(epoch(data, 8, 0.0, seed)) for seed in (1, 2))
    numbers = (first[:, 0, 0, 0] * 255).round().int().tolist()
    assert sorted(numbers) == list(range(1, 51))
    assert not torch.equal(first, second)
    assert torch.equal(first, torch.cat(epoch(data, 8, 0.0, 1)))


def test_half_of_the_images_are_mirrored() -> None:
    images = torch.cat(epoch(numbered(200), 10, 0.5))
    mirrored = int((images[:, 0, 0, 0] == 0).sum())
    assert abs(mirrored - 100) < 4 * np.sqrt(50)
    assert int((images[:, 0, 0, 1] == 0).sum()) == 200 - mirrored


def test_a_single_image_joins_the_batch_before() -> None:
    assert [len(batch) for batch in epoch(numbered(21), 10, 0.0)] == [10, 11]
    assert [len(batch) for batch in epoch(numbered(22), 10, 0.0)] == [10, 10, 2]


def test_indices_out_of_range_are_an_error() -> None:
    arrays = ImageArrays(np.zeros((3, 1, 2, 2), np.uint8), np.zeros(3, np.int64), ("a",))
    for indices in ([0, 3], [-1], []):
        with pytest.raises(DataError, match="expected indices of the 3 images"):
            DeviceImages.load(arrays, indices, CPU)
