"""Images that do not fit on the device: the same batches, weights and digests, a batch at a time."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from flexnet.data.arrays import ImageArrays, load_arrays, save_arrays
from flexnet.errors import ConfigError
from flexnet.training import streamed
from flexnet.training.batches import DeviceImages, digest_of, epoch_batches
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun
from flexnet.training.streamed import VARIABLE, Streamed, fits, free_memory, parts
from flexnet.training.trainer import train

CPU = torch.device("cpu")
CHOSEN = [7, 3, 55, 20, *range(21, 50)]
RUN = TrainingRun("tiny", 1, "small", {"input_size": 12, "width": 0.5, "classes": 3, "layer": {}}, Recipe())
AUGMENT: tuple[dict[str, Any], ...] = (
    {"kind": "crop", "padding": 2},
    {"kind": "flip", "probability": 0.5},
)


@pytest.fixture
def arrays(tmp_path: Path) -> ImageArrays:
    """Sixty grey images (60, 1, 12, 12) of three classes, mapped from their file."""
    images = np.random.default_rng(0).integers(0, 256, (60, 1, 12, 12), dtype=np.uint8)
    path = tmp_path / "images.safetensors"
    save_arrays(path, ImageArrays(images, np.arange(60) % 3, ("a", "b", "c")))
    return load_arrays(path)


@pytest.fixture
def both(arrays: ImageArrays, monkeypatch: pytest.MonkeyPatch) -> tuple[DeviceImages, DeviceImages]:
    """Chosen images in memory, and the same ones streaming."""
    monkeypatch.delenv(VARIABLE, raising=False)
    kept = DeviceImages.load(arrays, CHOSEN, CPU)
    monkeypatch.setenv(VARIABLE, "0")
    moving = DeviceImages.load(arrays, CHOSEN, CPU)
    assert isinstance(kept.images, Tensor)
    assert isinstance(moving.images, Streamed)
    return kept, moving


Both = tuple[DeviceImages, DeviceImages]


def test_images_are_mapped_from_their_file(arrays: ImageArrays) -> None:
    assert isinstance(arrays.images.base, np.memmap)


def test_images_that_stream_are_never_copied_whole(both: Both, arrays: ImageArrays) -> None:
    moving = both[1].images
    assert isinstance(moving, Streamed)
    assert moving.stored.data_ptr() == arrays.images.ctypes.data
    assert len(moving.stored) == 60


def test_what_streams_has_the_shape_type_and_parts_of_what_is_kept(both: Both) -> None:
    kept, moving = both
    assert isinstance(moving.images, Streamed)
    assert (moving.images.shape, moving.images.dtype) == (tuple(kept.images.shape), kept.images.dtype)
    assert (len(moving), moving.images.device) == (len(CHOSEN), kept.images.device)
    assert torch.equal(moving.labels, kept.labels)
    indices = torch.tensor([5, 0, 5])
    assert torch.equal(moving.images[indices], kept.images[indices])
    for size in (1, 10, 33, 100):
        pairs = zip(parts(moving.images, size), parts(kept.images, size), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)
        assert torch.equal(torch.cat(list(parts(moving.images, size))), kept.images)


@pytest.mark.parametrize("augment", [(), AUGMENT])
def test_an_epoch_has_the_same_batches(augment: tuple[dict[str, Any], ...], both: Both) -> None:
    kept, moving = (list(epoch_batches(data, 8, augment, torch.Generator().manual_seed(3))) for data in both)
    assert len(kept) == len(moving) == 4
    for (images, labels), (others, truth) in zip(kept, moving, strict=True):
        assert torch.equal(images, others)
        assert torch.equal(labels, truth)


def test_the_digest_is_that_of_all_images_in_order(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, moving = map(digest_of, both)
    monkeypatch.setattr("flexnet.training.batches.DIGEST_NUMBERS", 7 * both[0].images[0].numel())
    assert {kept, moving, *map(digest_of, both)} == {kept}
    turned = replace(both[0], images=both[0].images[torch.arange(len(CHOSEN) - 1, -1, -1)])
    assert digest_of(turned) != kept


def bytes_of(run: TrainingRun, data: DeviceImages, folder: Path) -> tuple[bytes, bytes]:
    folder.mkdir()
    weights, history = folder / "w.safetensors", folder / "h.csv"
    train(run, data, data, weights, history)
    return weights.read_bytes(), history.read_bytes()


@pytest.mark.parametrize("augment", [[], list(AUGMENT)])
def test_training_writes_the_same_bytes(augment: list[dict[str, Any]], both: Both, tmp_path: Path) -> None:
    run = replace(RUN, recipe=Recipe.from_mapping({"epochs": 2, "batch_size": 10, "augment": augment}))
    kept, moving = (bytes_of(run, data, tmp_path / name) for data, name in zip(both, "ab", strict=True))
    assert kept == moving


def test_training_asks_for_no_more_than_a_batch(
    both: Both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    given = Streamed.__getitem__

    def noted(self: Streamed, part: slice | Tensor) -> Tensor:
        asked.append(len(found := given(self, part)))
        return found

    monkeypatch.setattr(Streamed, "__getitem__", noted)
    monkeypatch.setattr("flexnet.training.batches.DIGEST_NUMBERS", 11 * both[0].images[0].numel())
    monkeypatch.setattr("flexnet.training.scoring.EVALUATION_BATCH", 11)
    bytes_of(replace(RUN, recipe=Recipe(epochs=1, batch_size=10)), both[1], tmp_path / "a")
    assert max(asked) == 11
    assert sum(asked) == 4 * len(CHOSEN)  # two digests, one epoch, one evaluation


# --- whether they fit -------------------------------------------------------------------------------


def test_half_of_what_is_free_may_be_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(streamed, "free_memory", lambda device: 2_000)
    assert [fits(size, CPU) for size in (0, 1_000, 1_001)] == [True, True, False]


def test_a_limit_may_be_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "free_memory", lambda device: 2_000)
    for text, largest in (("0", 0), ("1.5", 1_500_000), ("", 1_000)):
        monkeypatch.setenv(VARIABLE, text)
        assert (fits(largest, CPU), fits(largest + 1, CPU)) == (True, False)
    for text in ("much", "-1", "nan", "inf"):
        monkeypatch.setenv(VARIABLE, text)
        with pytest.raises(
            ConfigError, match=f"{VARIABLE}: expected a number of MB, 0 or more; got '{text}'"
        ):
            fits(1, CPU)


def test_the_free_memory_is_what_the_host_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "meminfo"
    told.write_text("MemTotal: 900 kB\nMemFree: 1 kB\nMemAvailable:     700 kB\nHugePages_Total: 0\n")
    monkeypatch.setattr(streamed, "MEMORY_FILE", told)
    assert free_memory(CPU) == 700 * 1024
    told.write_text("MemTotal: 900 kB\n")
    everything = free_memory(CPU)
    monkeypatch.setattr(streamed, "MEMORY_FILE", tmp_path / "none")
    assert free_memory(CPU) == everything > 10**8
