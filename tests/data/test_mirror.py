"""The Parquet mirror: exact pixels in order, and one clear error for each way of being damaged."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flexnet.data.catalogue import DATASETS, Dataset, Unavailable
from flexnet.data.mirror import read_mirror
from flexnet.errors import ConfigError, DataError

FIRST, SECOND = "train-00000-of-00002.parquet", "train-00001-of-00002.parquet"


def test_pixels_labels_and_order(mirror: Path, tiny: Dataset, pixels: np.ndarray) -> None:
    arrays = read_mirror(mirror, tiny, "train")
    assert np.array_equal(arrays.images, pixels.transpose(0, 3, 1, 2))
    assert arrays.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert arrays.classes == ("a", "b", "c")


def test_batches_smaller_than_a_shard_keep_the_order(
    mirror: Path, tiny: Dataset, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flexnet.data.mirror.BATCH_ROWS", 3)
    assert np.array_equal(read_mirror(mirror, tiny, "train").images, pixels.transpose(0, 3, 1, 2))


def test_grey_and_colour_are_converted(tmp_path: Path, tiny: Dataset, pixels: np.ndarray, shard, png) -> None:
    grey = pixels[..., 0]
    shard(tmp_path / "tiny" / "test-00000-of-00001.parquet", [png(grey[0]), png(grey[1] > 99)], [0, 1])
    images = read_mirror(tmp_path, tiny, "test").images
    assert np.array_equal(images[0], np.stack([grey[0]] * 3))
    one = read_mirror(tmp_path, replace(tiny, channels=1), "test").images
    assert np.array_equal(one[1, 0], np.where(grey[1] > 99, 255, 0))


def test_an_accepted_smaller_count(mirror: Path, tiny: Dataset, pixels: np.ndarray, shard, png) -> None:
    (mirror / "tiny" / FIRST).unlink()
    (mirror / "tiny" / SECOND).unlink()
    shard(
        mirror / "tiny" / "train-00000-of-00001.parquet", [png(image) for image in pixels[:4]], [0, 0, 1, 2]
    )
    assert len(read_mirror(mirror, tiny, "train")) == 4


def test_missing_folder(tmp_path: Path, tiny: Dataset) -> None:
    with pytest.raises(Unavailable, match=r"expected the folder .*tiny; there is none"):
        read_mirror(tmp_path / "nowhere", tiny, "train")


def test_no_shard_of_the_split(mirror: Path, tiny: Dataset) -> None:
    with pytest.raises(Unavailable, match=r"expected test-00000-of-0000N.parquet .* no shard of 'test'"):
        read_mirror(mirror, tiny, "test")


def test_unknown_split(mirror: Path, tiny: Dataset) -> None:
    with pytest.raises(ConfigError, match="split of tiny among train, test; got 'validation'"):
        read_mirror(mirror, tiny, "validation")


@pytest.mark.parametrize("lost", [FIRST, SECOND])
def test_lost_shard(lost: str, mirror: Path, tiny: Dataset) -> None:
    (mirror / "tiny" / lost).unlink()
    with pytest.raises(DataError, match=r"expected shards 0 to 1 of 'train' .* got the numbers \[\d\]"):
        read_mirror(mirror, tiny, "train")


def test_shards_of_two_numberings(mirror: Path, tiny: Dataset, pixels: np.ndarray, shard, png) -> None:
    shard(mirror / "tiny" / "train-00000-of-00001.parquet", [png(pixels[0])], [0])
    with pytest.raises(DataError, match=r"of \[1, 2\]; fetch the missing shards, and keep foreign ones"):
        read_mirror(mirror, tiny, "train")


@pytest.mark.parametrize("keep", [0, 3, 200, -6])
def test_truncated_shard(keep: int, mirror: Path, tiny: Dataset) -> None:
    path = mirror / "tiny" / SECOND
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=f"{SECOND}; it is truncated or corrupt .*fetch the file again"):
        read_mirror(mirror, tiny, "train")


def test_corrupt_page(mirror: Path, tiny: Dataset) -> None:
    path = mirror / "tiny" / FIRST
    data = bytearray(path.read_bytes())
    data[4:120] = b"\xff" * 116  # the page header behind the magic number
    path.write_bytes(data)
    with pytest.raises(DataError, match=f"{FIRST}"):
        read_mirror(mirror, tiny, "train")


@pytest.mark.parametrize("column", ["image", "label"])
def test_missing_column(column: str, mirror: Path, tiny: Dataset) -> None:
    path = mirror / "tiny" / SECOND
    pq.write_table(pq.read_table(path).drop_columns([column]), path)
    with pytest.raises(DataError, match=f"columns image and label in .*{SECOND}; '{column}' is missing"):
        read_mirror(mirror, tiny, "train")


def test_columns_of_another_type(mirror: Path, tiny: Dataset) -> None:
    path = mirror / "tiny" / SECOND
    pq.write_table(pa.table({"image": [b"x", b"y"], "label": [0, 1]}), path)
    with pytest.raises(DataError, match=r"image as a struct with `bytes` .* got binary and int64"):
        read_mirror(mirror, tiny, "train")


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (3, r"labels from 0 to 2 in .*; got 3 in row 1"),
        (-1, "got -1 in row 1"),
        (None, "a label in every row of .*; row 1 has none"),
    ],
)
def test_bad_label(label: int | None, message: str, mirror: Path, tiny: Dataset, pixels, shard, png) -> None:
    shard(mirror / "tiny" / SECOND, [png(image) for image in pixels[4:]], [0, label])
    with pytest.raises(DataError, match=message):
        read_mirror(mirror, tiny, "train")


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: None, "the row has no image"),
        (lambda data: b"no image at all", "cannot identify image file"),
        (lambda data: b"", "cannot identify image file"),
        (_cut, "expected a 8x8 image in row 1"),
    ],
)
def test_undecodable_image(
    spoil: Callable[[bytes], bytes | None], message: str, mirror: Path, tiny: Dataset, pixels, shard, png
) -> None:
    shard(mirror / "tiny" / SECOND, [png(pixels[4]), spoil(png(pixels[5]))], [0, 1])
    with pytest.raises(DataError, match=f"image in row 1 of .*{SECOND}") as caught:
        read_mirror(mirror, tiny, "train")
    assert message in str(caught.value)
    assert "the row, counted from 0, has path '1.png' and label 1; fetch" in str(caught.value)


def test_image_of_another_size(mirror: Path, tiny: Dataset, pixels, shard, png) -> None:
    shard(mirror / "tiny" / SECOND, [png(pixels[4]), png(pixels[5, :, :7])], [0, 1])
    with pytest.raises(DataError, match=r"8x8 image in row 1 .*the image has 7x8 pixels"):
        read_mirror(mirror, tiny, "train")


def test_wrong_number_of_rows(mirror: Path, tiny: Dataset, pixels, shard, png) -> None:
    shard(mirror / "tiny" / SECOND, [png(pixels[4])], [0])
    with pytest.raises(DataError, match=r"expected 6 or 4 images in tiny/train; .* holds 5"):
        read_mirror(mirror, tiny, "train")


def test_catalogue_is_consistent() -> None:
    assert {name: len(record.classes) for name, record in DATASETS.items()} == dict.fromkeys(DATASETS, 10)
    assert len(DATASETS["cifar10g"].splits) == 6
    assert DATASETS["mnist"].splits["test"] == (10_000, 3_000)


def test_real_fashion_mnist() -> None:
    root = os.environ.get("FLEXNET_DATA_MIRROR")
    if not root or not (Path(root) / "fashion_mnist").is_dir():
        pytest.skip("FLEXNET_DATA_MIRROR names no mirror that holds fashion_mnist")
    arrays = read_mirror(root, DATASETS["fashion_mnist"], "test")
    assert arrays.images.shape == (10_000, 1, 28, 28)
    assert np.bincount(arrays.labels).tolist() == [1000] * 10
    # Mean brightness of the official test set.
    assert arrays.images.mean() == pytest.approx(73.1466, abs=1e-3)
