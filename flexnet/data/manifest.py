"""The small text file beside prepared images that says what they are and lets them be checked.

A workflow depends on the manifest instead of the images: it changes exactly when they do.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from flexnet.data.arrays import ImageArrays, load_arrays
from flexnet.errors import DataError
from flexnet.files import read_json, write_json

Manifest = dict[str, Any]


def manifest_path(target: str | Path) -> Path:
    """Where the manifest of the arrays file `target` lies: the same name with suffix `.json`."""
    return Path(target).with_suffix(".json")


def manifest_of(
    arrays: ImageArrays, *, dataset: str, split: str, source: str, options: Mapping[str, Any] | None = None
) -> Manifest:
    """Describe prepared images; holds no path and no time, so that equal images give equal text.

    Args:
        arrays: the images.
        dataset: name of the dataset.
        split: name of the split.
        source: "mirror", "torchvision", "download" or "embedded".
        options: how an embedded dataset was generated.

    Returns:
        dataset, split, source, options, n, shape (C, H, W), classes, class_counts (by name) and sha256.
    """
    counts = np.bincount(arrays.labels, minlength=len(arrays.classes)).tolist()
    return {
        "dataset": dataset,
        "split": split,
        "source": source,
        "options": dict(options or {}),
        "n": len(arrays),
        "shape": list(arrays.images.shape[1:]),
        "classes": list(arrays.classes),
        "class_counts": dict(zip(arrays.classes, counts, strict=True)),
        "sha256": digest(arrays),
    }


def digest(arrays: ImageArrays) -> str:
    """SHA-256 of the shape, the pixel bytes and the labels (little-endian int64), as 64 hex digits."""
    state = hashlib.sha256(str(arrays.images.shape).encode())
    state.update(np.ascontiguousarray(arrays.images).data)
    state.update(arrays.labels.astype("<i8").tobytes())
    return state.hexdigest()


def write_manifest(target: str | Path, manifest: Manifest) -> Path:
    """Write the manifest of the arrays file `target` and return its path."""
    path = manifest_path(target)
    write_json(path, manifest)
    return path


def verify(target: str | Path) -> Manifest:
    """Check that an arrays file still is what its manifest says.

    Returns:
        the manifest.

    Raises:
        DataError: if the file or its manifest is missing or damaged, or if they disagree.
    """
    arrays, path = load_arrays(target), manifest_path(target)
    stored = _read_manifest(path)
    keys = ("dataset", "split", "source", "options")
    if any(key not in stored for key in keys):
        raise DataError(
            f"expected the keys {', '.join(keys)} in {path}; got {sorted(stored)}; prepare it again"
        )
    actual = manifest_of(arrays, **{key: stored[key] for key in keys})
    differing = sorted(key for key in actual if actual[key] != stored.get(key))
    if differing:
        raise DataError(
            f"expected {target} to be what {path.name} says; {', '.join(differing)} differ; "
            f"delete both and prepare the dataset again"
        )
    return stored


def _read_manifest(path: Path) -> Manifest:
    try:
        manifest = read_json(path)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"expected a manifest in {path}; {error}; prepare the dataset again") from error
    if not isinstance(manifest, dict):
        raise DataError(f"expected a JSON object in {path}; got {type(manifest).__name__}; prepare it again")
    return manifest
