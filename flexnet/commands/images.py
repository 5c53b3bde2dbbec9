"""The images that a command is about: a dataset by name, prepared images, or arrays of one's own."""

import os
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from flexnet.data.arrays import ImageArrays
from flexnet.errors import ConfigError, DataError
from flexnet.jobs import import_needed

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


def images_of(given: str, n: int | None = None, seed: int = 0) -> ImageArrays:
    """The images that the arguments name, and of them as many as asked for, in their order.

    Raises:
        ConfigError: if the dataset is unknown, or fewer images or none are there.
        DataError: if a file is missing, damaged, or of another layout.
    """
    arrays = _all(given)
    if n is None:
        return arrays
    if not 1 <= n <= len(arrays):
        raise ConfigError(f"--n: expected 1 to {len(arrays)}, the images of {given}; got {n}; correct it")
    chosen = np.sort(np.random.default_rng(seed).choice(len(arrays), n, replace=False))
    return ImageArrays(arrays.images[chosen], arrays.labels[chosen], arrays.classes)


def _all(given: str) -> ImageArrays:
    if given.endswith(".npz"):
        return _own(Path(given))
    if given.endswith(".safetensors"):
        manifest = import_needed("flexnet.data.manifest")
        arrays: ImageArrays = manifest.load_verified(given)[0]
        return arrays
    dataset, _, split = given.partition(":")
    prepare = import_needed("flexnet.data.prepare").prepare
    arrays_file = import_needed("flexnet.data.arrays")
    with TemporaryDirectory() as folder:
        target = Path(folder) / "images.safetensors"
        prepare(dataset, split or "test", target, download_root=_downloads())
        found: ImageArrays = arrays_file.load_arrays(target)
        return ImageArrays(np.array(found.images), found.labels, found.classes)


def _downloads() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "flexnet" / "downloads"


def _own(path: Path) -> ImageArrays:
    """Images and labels of a user's own; their classes have numbers for names."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in ("images", "labels")}
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DataError(
            f"{path}: expected arrays `images` and `labels`; got: {error}; write them with numpy.savez"
        ) from error
    images, labels = found["images"], found["labels"]
    images = images[..., None] if images.ndim == 3 else images
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3) or not len(images):
        raise DataError(
            f"{path}: expected images of shape (N, H, W, 3), (N, H, W, 1) or (N, H, W) in uint8; got "
            f"{images.dtype} of shape {images.shape}; convert them"
        )
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1] or labels.min() < 0:
        raise DataError(
            f"{path}: expected {len(images)} labels as whole numbers from 0; got {labels.dtype} of shape "
            f"{labels.shape}; convert them"
        )
    names = tuple(map(str, range(int(labels.max()) + 1)))
    return ImageArrays(np.ascontiguousarray(images.transpose(0, 3, 1, 2)), labels.astype(np.int64), names)
