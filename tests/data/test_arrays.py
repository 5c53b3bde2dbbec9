"""The image file format: exact round trip, damaged files, inconsistent arrays."""

from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import save_file

from flexnet.data.arrays import ImageArrays, load_arrays, save_arrays
from flexnet.errors import DataError


@pytest.fixture
def arrays() -> ImageArrays:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (7, 3, 5, 4), dtype=np.uint8)
    return ImageArrays(images, np.array([0, 1, 1, 0, 2, 2, 1]), ("cat", "dög", "T-shirt/top"))


def test_round_trip_is_exact(arrays: ImageArrays, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "train.safetensors"
    save_arrays(path, arrays)
    loaded = load_arrays(path)
    assert np.array_equal(loaded.images, arrays.images)
    assert np.array_equal(loaded.labels, arrays.labels)
    assert (loaded.images.dtype, loaded.labels.dtype) == (np.uint8, np.int64)
    assert loaded.classes == arrays.classes
    assert [entry.name for entry in path.parent.iterdir()] == ["train.safetensors"]


def test_views_are_written_in_their_own_order(arrays: ImageArrays, tmp_path: Path) -> None:
    turned = ImageArrays(arrays.images.transpose(0, 1, 3, 2)[::-1], arrays.labels[::-1], arrays.classes)
    save_arrays(tmp_path / "a.safetensors", turned)
    assert np.array_equal(load_arrays(tmp_path / "a.safetensors").images, turned.images)


@pytest.mark.parametrize("keep", [0, 5, 60, -1])
def test_truncated_file_is_a_data_error(keep: int, arrays: ImageArrays, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_arrays(path, arrays)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(
        DataError, match=r"a\.safetensors; the file is damaged .*prepare the dataset again"
    ) as error:
        load_arrays(path)
    assert "delete" not in str(error.value)  # the path may be a user's own file


def test_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.safetensors; there is no such file; prepare the dataset"):
        load_arrays(tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    "metadata", [None, {"classes": "not json"}, {"classes": '"cat"'}, {"classes": "[1]"}]
)
def test_foreign_metadata(metadata: dict[str, str] | None, arrays: ImageArrays, tmp_path: Path) -> None:
    tensors = {"images": arrays.images, "labels": arrays.labels}
    save_file(tensors, tmp_path / "a.safetensors", metadata=metadata)
    with pytest.raises(DataError, match="damaged or foreign"):
        load_arrays(tmp_path / "a.safetensors")


def test_file_without_images(tmp_path: Path) -> None:
    save_file({"weights": np.zeros(3)}, tmp_path / "a.safetensors", metadata={"classes": "[]"})
    with pytest.raises(DataError, match="images"):
        load_arrays(tmp_path / "a.safetensors")


def test_stored_label_out_of_range_names_the_file(arrays: ImageArrays, tmp_path: Path) -> None:
    tensors = {"images": arrays.images, "labels": arrays.labels}
    save_file(tensors, tmp_path / "a.safetensors", metadata={"classes": '["only", "two"]'})
    with pytest.raises(DataError, match=r"a\.safetensors.*labels from 0 to 1 for 2 classes; got 0 to 2"):
        load_arrays(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 1, 4, 4), np.float32), np.zeros(2, np.int64), "uint8 of shape .* got float32"),
        (np.zeros((2, 4, 4), np.uint8), np.zeros(2, np.int64), r"got uint8 of shape \(2, 4, 4\)"),
        (
            np.zeros((2, 1, 4, 4), np.uint8),
            np.zeros(3, np.int64),
            r"shape \(2,\).* got int64 of shape \(3,\)",
        ),
        (np.zeros((2, 1, 4, 4), np.uint8), np.zeros(2, np.int32), "labels as int64 .* got int32"),
        (
            np.zeros((2, 1, 4, 4), np.uint8),
            np.array([0, -1]),
            "labels from 0 to 0 for 1 classes; got -1 to 0",
        ),
    ],
)
def test_inconsistent_arrays_are_rejected(images, labels, message: str) -> None:
    with pytest.raises(DataError, match=message):
        ImageArrays(images, labels, ("one",))


def test_images_for_which_there_is_no_room_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(tensors: object, path: Path, **_: object) -> None:
        path.write_bytes(b"half")
        raise SafetensorError("No space left on device")

    monkeypatch.setattr("flexnet.data.arrays.save_file", full)
    images = np.zeros((2, 1, 4, 4), dtype=np.uint8)
    with pytest.raises(DataError, match=r"a\.safetensors: expected room for the images; got: No space left"):
        save_arrays(tmp_path / "a.safetensors", ImageArrays(images, np.zeros(2, dtype=np.int64), ("a", "b")))
    assert list(tmp_path.iterdir()) == []
