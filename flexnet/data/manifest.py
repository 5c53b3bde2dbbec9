"""The small text file beside prepared images that says what they are and lets them be checked.

A workflow depends on the manifest instead of the images: it changes exactly when they do.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from flexnet.data.arrays import ImageArrays, load_arrays, save_arrays
from flexnet.errors import ConfigError, DataError
from flexnet.files import read_json, write_json

Manifest = dict[str, Any]
# What every manifest says; the first three tell one file from any other.
ORIGIN = ("dataset", "split", "sha256")
KEYS = (*ORIGIN, "source", "content", "content_digest", "options", "n", "shape", "classes", "class_counts")


def manifest_path(target: str | Path) -> Path:
    """Where the manifest of the arrays file `target` lies: the same name with suffix `.json`."""
    return Path(target).with_suffix(".json")


def manifest_of(
    arrays: ImageArrays,
    *,
    dataset: str,
    split: str,
    source: str,
    content: str,
    content_digest: str,
    options: Mapping[str, Any] | None = None,
) -> Manifest:
    """Describe prepared images; holds no path and no time, so that equal images give equal text.

    Args:
        arrays: the images.
        dataset: name of the dataset.
        split: name of the split.
        source: "mirror", "torchvision", "download" or "embedded".
        content: "official", "other" or "unknown" (`flexnet.data.content.judge_content`), or "generated".
        content_digest: digest of images and labels in any order (`flexnet.data.content.content_digest`); of
            real images as they came, before they were brought to another size.
        options: how an embedded dataset was generated, or to what real images were brought.

    Returns:
        all of these, n, shape (C, H, W), classes, class_counts (by name) and sha256 (`digest`).
    """
    return {
        "dataset": dataset,
        "split": split,
        "source": source,
        "content": content,
        "content_digest": content_digest,
        "options": dict(options or {}),
        **_measured(arrays),
    }


def _measured(arrays: ImageArrays) -> Manifest:
    """The part of a manifest that follows from the images."""
    counts = np.bincount(arrays.labels, minlength=len(arrays.classes)).tolist()
    return {
        "n": len(arrays),
        "shape": list(arrays.images.shape[1:]),
        "classes": list(arrays.classes),
        "class_counts": dict(zip(arrays.classes, counts, strict=True)),
        "sha256": digest(arrays),
    }


def digest(arrays: ImageArrays) -> str:
    """SHA-256 of the shape, the pixel bytes and the labels (little-endian int64), as 64 hex digits.

    It costs a sixth of a second for the 150 MB of CIFAR-10's training images, where the processor has
    instructions for it; BLAKE2b, without any, costs twice that.
    """
    state = hashlib.sha256(str(arrays.images.shape).encode())
    state.update(np.ascontiguousarray(arrays.images).data)
    state.update(arrays.labels.astype("<i8").tobytes())
    return state.hexdigest()


def check_target(target: str | Path) -> None:
    """Check the name of an arrays file to be written: beside another, its manifest could replace a file.

    Raises:
        ConfigError: if it does not end in `.safetensors`.
    """
    if Path(target).suffix != ".safetensors":
        raise ConfigError(f"expected a file name that ends in .safetensors; got {target}; rename it")


def store(target: str | Path, arrays: ImageArrays, manifest: Manifest) -> Manifest:
    """Write an arrays file and its manifest; return the manifest.

    Raises:
        ConfigError: if the file's name does not end in `.safetensors`.
    """
    check_target(target)
    # No manifest may ever stand beside images that it does not describe.
    manifest_path(target).unlink(missing_ok=True)
    save_arrays(target, arrays)
    write_json(manifest_path(target), manifest)
    return manifest


def load_verified(
    target: str | Path, expected: Mapping[str, Any] | None = None
) -> tuple[ImageArrays, Manifest]:
    """Load an arrays file that still is what its manifest says, and what the caller expects it to be.

    Args:
        target: the arrays file, with its manifest beside it.
        expected: values of the manifest that the caller knows, such as `dataset`, `split` and `sha256`.

    Returns:
        the images and the manifest.

    Raises:
        DataError: if the file or its manifest is missing or damaged, if they disagree, or if they are of
            another dataset or split.
    """
    path = manifest_path(target)
    if not Path(target).is_file():
        raise DataError(
            f"expected image arrays in {target}; there is no such file; prepare the dataset first"
        )
    stored = read_manifest(path, target)
    _check_expected(target, stored, expected or {})
    try:
        arrays = load_arrays(target)
    except DataError as error:
        raise DataError(
            f"{error}; {path.name} says that it was made here: delete both and run again"
        ) from error
    _compare(target, arrays, stored)
    return arrays, stored


def verify(target: str | Path) -> Manifest:
    """Check that an arrays file still is what its manifest says (`load_verified`); return the manifest.

    Raises:
        DataError: if it is not.
    """
    return load_verified(target)[1]


def origin(manifest: Manifest) -> Manifest:
    """The part of a manifest that tells one arrays file from any other: dataset, split and digest."""
    return {key: manifest[key] for key in ORIGIN}


def _check_expected(target: str | Path, stored: Manifest, expected: Mapping[str, Any]) -> None:
    for key in filter(expected.__contains__, KEYS):
        if stored[key] != expected[key]:
            raise DataError(
                f"expected {target} to have {key} {expected[key]!r}; {manifest_path(target).name} beside it "
                f"says {stored[key]!r}; give the file of the right dataset and split"
            )


def _compare(target: str | Path, arrays: ImageArrays, stored: Manifest) -> None:
    actual = _measured(arrays)
    differing = sorted(key for key in actual if actual[key] != stored[key])
    if differing:
        raise DataError(
            f"expected {target} to be what {manifest_path(target).name} says; {', '.join(differing)} differ; "
            f"delete both and prepare the dataset again"
        )


def read_manifest(path: str | Path, target: str | Path | None = None) -> Manifest:
    """Read a manifest; `target` is the arrays file that it describes, if that has an unusual name.

    Raises:
        DataError: if it is missing, damaged or another file.
    """
    path = Path(path)
    target = target or path.with_suffix(".safetensors")
    again = f"{target} cannot be checked without it; prepare the dataset again"
    try:
        manifest = read_json(path)
    except FileNotFoundError as error:
        raise DataError(f"expected a manifest in {path}; there is no such file; {again}") from error
    except (OSError, json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"expected a manifest in {path}; {error}; {again}") from error
    if not isinstance(manifest, dict):
        raise DataError(f"expected a JSON object in {path}; got {type(manifest).__name__}; {again}")
    if not set(KEYS) <= set(manifest):
        raise DataError(f"expected the keys {', '.join(KEYS)} in {path}; got {sorted(manifest)}; {again}")
    return manifest
