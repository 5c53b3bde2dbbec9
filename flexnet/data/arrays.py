"""The one image file format of the package: uint8 images and int64 labels in a safetensors file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from flexnet.errors import DataError
from flexnet.files import atomic_path

# Said of any file that a user may name: it need not be one of ours, so it is not to be deleted.
REMEDY = "check the path, or prepare the dataset again"
# What reading a damaged or foreign file raises.
READING_ERRORS = (SafetensorError, DataError, OSError, ValueError, TypeError, KeyError, MemoryError)


@dataclass(frozen=True)
class ImageArrays:
    """A labelled set of images, in memory or mapped from a file.

    Attributes:
        images: uint8, shape (N, C, H, W), values 0 to 255.
        labels: int64, shape (N,), each in [0, len(classes)).
        classes: class names in label order.

    Raises:
        DataError: if a type, a shape or a label is not as above.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_types(self.images, self.labels)
        _check_labels(self.labels, len(self.classes))

    def __len__(self) -> int:
        return len(self.labels)


def save_arrays(path: str | Path, arrays: ImageArrays) -> None:
    """Write `arrays` atomically as safetensors: tensors `images` and `labels`, metadata `classes`.

    Raises:
        DataError: if they cannot be written, for want of room for instance; nothing is left then.
    """
    tensors: dict[str, NDArray[Any]] = {
        "images": np.ascontiguousarray(arrays.images),
        "labels": np.ascontiguousarray(arrays.labels),
    }
    try:
        with atomic_path(path) as temporary:
            save_file(tensors, temporary, metadata={"classes": json.dumps(list(arrays.classes))})
    except SafetensorError as error:
        raise DataError(
            f"{path}: expected room for the images; got: {error}; make room, or choose another place"
        ) from error


def load_arrays(path: str | Path) -> ImageArrays:
    """Read a file written by `save_arrays`.

    The images are mapped: they are read from the file where they are looked at, and need not fit in memory.
    Whoever writes to them changes them in memory alone.

    Raises:
        DataError: if the file is missing, truncated, of another format, or holds inconsistent arrays.
    """
    _check_exists(path)
    try:
        with safe_open(path, framework="numpy") as stored:
            classes = _classes(stored.metadata())
            images, labels = stored.get_slice("images"), stored.get_tensor("labels")
            shape, kind = images.get_shape(), images.get_dtype()
            empty = kind != "U8" or 0 in shape
            return ImageArrays(images[:] if empty else _mapped(path, shape), labels, classes)
    except READING_ERRORS as error:
        raise _damaged(path, error) from error


def _mapped(path: str | Path, shape: list[int]) -> NDArray[np.uint8]:
    """The images of a safetensors file, which lie behind the length of its header and the header."""
    with Path(path).open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        start = json.loads(stream.read(length))["images"]["data_offsets"][0]
    return np.asarray(np.memmap(path, np.uint8, "c", offset=8 + length + start, shape=tuple(shape)))


def _check_exists(path: str | Path) -> None:
    if not Path(path).is_file():
        raise DataError(f"expected image arrays in {path}; there is no such file; prepare the dataset first")


def _damaged(path: str | Path, error: Exception) -> DataError:
    return DataError(f"expected image arrays in {path}; the file is damaged or foreign ({error}); {REMEDY}")


def _classes(metadata: dict[str, str] | None) -> tuple[str, ...]:
    try:
        names = json.loads((metadata or {})["classes"])
    except (KeyError, ValueError) as error:
        raise DataError("its metadata has no list of classes") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError("its metadata `classes` is no list of names")
    return tuple(names)


def _check_types(images: object, labels: object) -> None:
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4:
        raise DataError(
            f"expected images as uint8 of shape (N, C, H, W); got {_describe(images)}; convert them"
        )
    if not isinstance(labels, np.ndarray) or labels.dtype != np.int64 or labels.shape != images.shape[:1]:
        raise DataError(
            f"expected labels as int64 of shape ({len(images)},), one for each image; "
            f"got {_describe(labels)}; convert them"
        )


def _check_labels(labels: NDArray[np.int64], classes: int) -> None:
    if len(labels) and not (labels.min() >= 0 and labels.max() < classes):
        raise DataError(
            f"expected labels from 0 to {classes - 1} for {classes} classes; "
            f"got {labels.min()} to {labels.max()}; name every class or correct the labels"
        )


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return type(value).__name__
