"""Reading a dataset through torchvision: from a folder that it filled before, or by downloading it.

torchvision checks the MD5 of what it downloads, and of CIFAR-10's files each time before it reads them.
"""

import fcntl
import pickle
import socket
import struct
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flexnet.data._torchvision import import_torchvision
from flexnet.data.archives import SIZE
from flexnet.data.arrays import ImageArrays
from flexnet.data.catalogue import Dataset, Unavailable, accepted_counts, check_count
from flexnet.data.decode import DECODING_ERRORS, decode
from flexnet.errors import DataError

# A dead connection is given up after this long; torchvision itself would wait for ever.
TIMEOUT_SECONDS = 60.0
# What torchvision and urllib raise for a missing, damaged or unreachable file.
READING_ERRORS = (
    *(OSError, RuntimeError, ValueError, TypeError, AssertionError, EOFError, ImportError, LookupError),
    *(struct.error, zlib.error, tarfile.TarError, pickle.UnpicklingError),
)


def read_torchvision(root: str | Path, record: Dataset, split: str) -> ImageArrays:
    """Read one split from a folder that torchvision filled (its `root` argument); downloads nothing.

    Raises:
        Unavailable: if torchvision does not offer the dataset or the folder has none of its files.
        DataError: if its files are there but damaged or incomplete.
        ConfigError: if the dataset has no such split.
    """
    _check_offered(record, split)
    folder = Path(root) / record.folder
    if not folder.is_dir() or not any(folder.iterdir()):
        raise Unavailable(f"expected torchvision's files in {folder}; there are none; download them")
    try:
        return _read(root, record, split, download=False)
    except READING_ERRORS as error:
        raise DataError(
            f"expected {record.name}/{split} in {folder}; torchvision cannot read it "
            f"({_first_line(error)}); download it again, or name another root"
        ) from error


def download(root: str | Path, record: Dataset, split: str) -> ImageArrays:
    """Download one split from its official place into `root`, checksums verified, and read it.

    Files that are there already are used. Several processes may ask for one root: they take turns.

    Raises:
        Unavailable: if torchvision does not offer the dataset or the download fails.
        DataError: if what was downloaded has not the expected number of images.
        ConfigError: if the dataset has no such split.
    """
    _check_offered(record, split)
    try:
        Path(root).mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(Path(root)), _timeout(TIMEOUT_SECONDS):
            return _read(root, record, split, download=True)
    except READING_ERRORS as error:
        raise Unavailable(
            f"expected to download {record.name}/{split} to {root}; it failed ({_first_line(error)}); "
            f"check the connection and what is there already, and try again"
        ) from error


def _check_offered(record: Dataset, split: str) -> None:
    accepted_counts(record, split)
    if record.torchvision is None:
        raise Unavailable(f"expected a dataset of torchvision; it does not offer {record.name}; use a mirror")


def _read(root: str | Path, record: Dataset, split: str, *, download: bool) -> ImageArrays:
    import_torchvision()
    from torchvision import datasets

    source = getattr(datasets, str(record.torchvision))
    if record.torchvision == "Imagenette":
        opened = source(root, split=split, size=SIZE, download=download, loader=Path)
        images, labels = _load_photos(opened, record)
    else:
        opened = source(root, train=split == "train", download=download)
        images = _channels_first(np.asarray(opened.data))
        labels = np.asarray(opened.targets, dtype=np.int64)
    check_count(record, split, len(labels), root)
    _check_shape(images, record, root)
    return ImageArrays(images, labels, record.classes)  # of the catalogue, whose order torchvision shares


def _check_shape(images: NDArray[np.uint8], record: Dataset, root: str | Path) -> None:
    expected = (record.channels, record.size, record.size)
    if images.dtype != np.uint8 or images.shape[1:] != expected:
        raise DataError(
            f"expected {record.name} as uint8 images of shape {expected} in {root}; got {images.dtype} of "
            f"shape {images.shape[1:]}; download it again"
        )


def _channels_first(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, H, W) or (N, H, W, C) to contiguous (N, C, H, W)."""
    if pixels.ndim == 3:
        return pixels[:, np.newaxis]
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))


def _load_photos(photos: Any, record: Dataset) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Decode photos of any size to squares."""
    images = np.empty((len(photos), record.channels, record.size, record.size), dtype=np.uint8)
    labels = np.empty(len(photos), dtype=np.int64)
    for index, (path, label) in enumerate(photos):
        try:
            images[index], labels[index] = decode(path.read_bytes(), record), label
        except DECODING_ERRORS as error:
            raise DataError(
                f"expected an image in {path}; {_first_line(error)}; download the archive again"
            ) from error
    return images, labels


@contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    """Hold a lock on `root`: jobs for `train` and `test` often download the same archive at once."""
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0].rstrip(": ") if str(error) else type(error).__name__
