"""Batches: every image once per epoch, augmented as the generator says, no single image left alone."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from flexnet.data.arrays import ImageArrays
from flexnet.errors import ConfigError, DataError
from flexnet.training.batches import DeviceImages, epoch_batches
from flexnet.training.recipe import Recipe

CPU = torch.device("cpu")


def numbered(n: int) -> DeviceImages:
    """Images (n, 1, 1, 2) that hold their own number on the left and 0 on the right."""
    images = np.zeros((n, 1, 1, 2), dtype=np.uint8)
    images[:, 0, 0, 0] = np.arange(n) + 1
    return DeviceImages.load(ImageArrays(images, np.zeros(n, dtype=np.int64), ("a",)), None, CPU)


FLIP: dict[str, Any] = {"kind": "flip", "probability": 0.5}
ALL: tuple[dict[str, Any], ...] = (
    {"kind": "resized_crop", "scale": [0.3, 1]},
    {"kind": "crop", "padding": 2},
    FLIP,
)


def epoch(data: DeviceImages, size: int, *augment: dict[str, Any], seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [images for images, _ in epoch_batches(data, size, augment, generator)]


def noise(n: int) -> DeviceImages:
    """Images (n, 3, 8, 8) of noise, labelled by their place."""
    generator = torch.Generator().manual_seed(9)
    images = torch.randint(0, 256, (n, 3, 8, 8), dtype=torch.uint8, generator=generator)
    return DeviceImages(images, torch.arange(n))


def test_an_epoch_holds_every_image_once_in_another_order_per_seed() -> None:
    data = numbered(50)
    first, second = (torch.cat(epoch(data, 8, seed=seed)) for seed in (1, 2))
    numbers = (first[:, 0, 0, 0] * 255).round().int().tolist()
    assert sorted(numbers) == list(range(1, 51))
    assert not torch.equal(first, second)
    assert torch.equal(first, torch.cat(epoch(data, 8, seed=1)))


def test_half_of_the_images_are_mirrored() -> None:
    images = torch.cat(epoch(numbered(200), 10, FLIP))
    mirrored = int((images[:, 0, 0, 0] == 0).sum())
    assert abs(mirrored - 100) < 4 * np.sqrt(50)
    assert int((images[:, 0, 0, 1] == 0).sum()) == 200 - mirrored


def test_order_and_flips_are_those_of_one_permutation_and_one_draw_per_image() -> None:
    """What every run has drawn that mirrors images: other draws, or in another order, would be other runs."""
    data, generator = noise(23), torch.Generator().manual_seed(4)
    order = torch.randperm(23, generator=generator)
    mirrored = torch.rand(23, generator=generator) < 0.25
    expected = torch.where(mirrored[:, None, None, None], data.images.flip(-1), data.images)[order]
    found = torch.cat(epoch(data, 5, {"kind": "flip", "probability": 0.25}, seed=4))
    assert torch.equal(found, expected.float() / 255)


def test_without_augmentation_the_order_alone_is_drawn() -> None:
    data, generator = noise(9), torch.Generator().manual_seed(4)
    batches = list(epoch_batches(data, 4, (), generator))
    untouched = torch.Generator().manual_seed(4)
    order = torch.randperm(9, generator=untouched)
    assert torch.equal(torch.cat([images for images, _ in batches]), data.images[order].float() / 255)
    assert torch.equal(generator.get_state(), untouched.get_state())


def test_batches_of_any_size_hold_the_same_augmented_images() -> None:
    data = noise(20)
    whole = torch.cat(epoch(data, 20, *ALL))
    for size in (3, 7, 19):
        assert torch.equal(torch.cat(epoch(data, size, *ALL)), whole)
    assert not torch.equal(torch.cat(epoch(data, 20, *ALL, seed=1)), whole)


@pytest.mark.parametrize("skip", range(8))
def test_what_was_seen_is_skipped_and_what_follows_is_the_same(skip: int) -> None:
    data = noise(20)
    every = list(epoch_batches(data, 3, ALL, torch.Generator().manual_seed(0)))
    rest = list(epoch_batches(data, 3, ALL, torch.Generator().manual_seed(0), skip=skip))
    assert len(rest) == len(every) - skip
    for (images, labels), (expected, expected_labels) in zip(rest, every[skip:], strict=True):
        assert torch.equal(images, expected)
        assert torch.equal(labels, expected_labels)


def test_padding_that_does_not_fit_is_refused_before_the_first_batch() -> None:
    with pytest.raises(ConfigError, match=r"recipe\.augment: 0\.padding: expected less than 8.*; got 8"):
        epoch(noise(4), 2, {"kind": "crop", "padding": 8})


@pytest.mark.parametrize("n", [2, 3, 7, 8, 9, 12, 13, 14])
def test_a_recipe_knows_the_steps_of_an_epoch(n: int) -> None:
    assert Recipe(batch_size=4).steps(n) == len(epoch(numbered(n), 4))


def test_a_single_image_joins_the_batch_before() -> None:
    assert [len(batch) for batch in epoch(numbered(21), 10)] == [10, 11]
    assert [len(batch) for batch in epoch(numbered(22), 10)] == [10, 10, 2]


def test_indices_out_of_range_are_an_error() -> None:
    arrays = ImageArrays(np.zeros((3, 1, 2, 2), np.uint8), np.zeros(3, np.int64), ("a",))
    for indices in ([0, 3], [-1], []):
        with pytest.raises(DataError, match="expected indices of the 3 images"):
            DeviceImages.load(arrays, indices, CPU)


class Moves(TorchDispatchMode):
    """Counts copies from one device to another."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Do what was asked."""
        found = func(*args, **(kwargs or {}))
        given = args[0] if args else None
        self.count += isinstance(given, Tensor) and isinstance(found, Tensor) and given.device != found.device
        return found


def test_a_device_waits_for_no_copy_within_an_epoch() -> None:
    """What is drawn goes there once; the device has no numbers here, so that every machine can ask."""
    data = DeviceImages(
        torch.empty(50, 3, 8, 8, dtype=torch.uint8, device="meta"),
        torch.empty(50, dtype=torch.int64, device="meta"),
    )
    augment = [{"kind": "flip"}, {"kind": "crop", "padding": 2}]
    with Moves() as moves:
        sizes = [
            len(images) for images, _ in epoch_batches(data, 10, augment, torch.Generator().manual_seed(0))
        ]
    assert sizes == [10] * 5
    assert moves.count == 1 + len(augment)
