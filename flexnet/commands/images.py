"""The images that a command is about: a dataset by name, prepared images, or arrays of one's own."""

import lzma
import struct
import zipfile
import zlib
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flexnet.corruptions.headers import claimed
from flexnet.data.arrays import ImageArrays, load_arrays
from flexnet.data.manifest import load_verified
from flexnet.errors import ConfigError, DataError
from flexnet.files import cache_folder
from flexnet.jobs import import_needed

# An archive of images may be packed, but not more than images can be; up to so many bytes do no harm.
MOST_FOLDED, PLENTY = 100, 1 << 26
# What damaged and foreign archives raise: RuntimeError is of encrypted ones.
NO_ARRAYS = (
    *(OSError, ValueError, KeyError, EOFError, MemoryError, OverflowError, RuntimeError, TypeError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, SyntaxError, struct.error),
)
MOST_CLASSES = 100_000  # a greater label is something else
HELP = (
    "name of a dataset (cifar10, shapes, ...; cifar10:train for another split than test), a file of images "
    "that the study prepared (data/cifar10/test.safetensors), or an .npz file with `images` (N, H, W, C) or "
    "(N, H, W) in uint8 and `labels` (N,)"
)


def add_images(parser: ArgumentParser) -> None:
    """Add the arguments that say which images."""
    parser.add_argument("images", help=HELP)
    parser.add_argument("--n", type=int, default=None, help="so many of the images, drawn by --seed (all)")
    parser.add_argument("--seed", type=int, default=0, help="of every random draw (0)")


def images_of(given: str, n: int | None, seed: int, *, most: int | None = None) -> ImageArrays:
    """The images that the arguments name, and of them as many as asked for, in their order.

    Args:
        given: as typed.
        n: how many; None: all, or `most`.
        seed: of the choice.
        most: of a command that cannot look at all.

    Raises:
        ConfigError: if the dataset is unknown, fewer images or none are there, or the seed is negative.
        DataError: if a file is missing, damaged, or of another layout.
    """
    if seed < 0:
        raise ConfigError(f"--seed: expected 0 or a greater whole number; got {seed}; correct it")
    arrays = _all(given)
    if n is None:
        n = min(len(arrays), most or len(arrays))
    if not 1 <= n <= len(arrays):
        raise ConfigError(f"--n: expected 1 to {len(arrays)}, the images of {given}; got {n}; correct it")
    if n == len(arrays):
        return arrays
    chosen = np.sort(np.random.default_rng(seed).choice(len(arrays), n, replace=False))
    return ImageArrays(arrays.images[chosen], arrays.labels[chosen], arrays.classes)


def _all(given: str) -> ImageArrays:
    if given.endswith(".npz"):
        return _own(Path(given))
    if given.endswith(".safetensors"):
        return _prepared(given)
    dataset, _, split = given.partition(":")
    prepare = import_needed("flexnet.data.prepare").prepare
    with TemporaryDirectory() as folder:
        target = Path(folder) / "images.safetensors"
        prepare(dataset, split or "test", target, download_root=cache_folder() / "downloads")
        found = load_arrays(target)
        return ImageArrays(np.array(found.images), found.labels, found.classes)


def _prepared(given: str) -> ImageArrays:
    try:
        return load_verified(given)[0]
    except RecursionError as error:
        raise DataError(
            f"{given}: expected images that the study prepared; got a header without end; check the path"
        ) from error


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """An array of an archive, which is looked at before memory is taken for it: it may claim any size."""
    part = archive.getinfo(name)
    if part.file_size > max(PLENTY, MOST_FOLDED * part.compress_size):
        raise ValueError(f"{name}, whose {part.compress_size:,} bytes unfold to {part.file_size:,}")
    with archive.open(part) as stream:
        shape, kind, size = claimed(stream)
    if not 0 <= size <= part.file_size:
        raise ValueError(f"{name}, whose {part.file_size:,} bytes claim to be {kind} of shape {shape}")
    with archive.open(part) as stream:
        return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))


def _own(path: Path) -> ImageArrays:
    """Images and labels of a user's own; their classes have numbers for names."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = {name: _array(archive, f"{name}.npy") for name in ("images", "labels")}
    except NO_ARRAYS as error:
        raise DataError(
            f"{path}: expected arrays `images` and `labels`; got: {str(error)[:200]}; write them with "
            "numpy.savez"
        ) from error
    images, labels = found["images"], found["labels"]
    images = images[..., None] if images.ndim == 3 else images
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3) or not images.size:
        raise DataError(
            f"{path}: expected images of shape (N, H, W, 3), (N, H, W, 1) or (N, H, W) in uint8; got "
            f"{images.dtype} of shape {images.shape}; convert them"
        )
    fitting = labels.dtype.kind in "iu" and labels.shape == images.shape[:1]
    if not fitting or labels.min() < 0 or labels.max() >= MOST_CLASSES:
        raise DataError(
            f"{path}: expected {len(images)} labels as whole numbers from 0 to {MOST_CLASSES - 1}; got "
            f"{labels.dtype} of shape {labels.shape}; convert them"
        )
    names = tuple(map(str, range(int(labels.max()) + 1)))
    return ImageArrays(np.ascontiguousarray(images.transpose(0, 3, 1, 2)), labels.astype(np.int64), names)
