"""From a dataset's name to an arrays file: finds the first source that has it, checks it, writes it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flexnet.data.arrays import ImageArrays, save_arrays
from flexnet.data.catalogue import DATASETS, Dataset, Unavailable, accepted_counts
from flexnet.data.download import download as read_download
from flexnet.data.download import read_torchvision
from flexnet.data.manifest import Manifest, manifest_of, manifest_path, write_manifest
from flexnet.data.mirror import read_mirror
from flexnet.data.shapes.splits import SHAPES, generate_split
from flexnet.errors import ConfigError, DataError

MIRROR_VARIABLE = "FLEXNET_DATA_MIRROR"
TORCHVISION_VARIABLE = "FLEXNET_TORCHVISION_ROOT"


def prepare(
    dataset: str,
    split: str,
    target: str | Path,
    *,
    mirror: str | Path | None = None,
    torchvision_root: str | Path | None = None,
    download: bool = True,
    download_root: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> Manifest:
    """Write one split as an arrays file, with its manifest beside it.

    Sources are tried in this order: the mirror folder, the torchvision root, the official download.
    A source that has nothing of the dataset is passed over; one that has it damaged is an error.

    Args:
        dataset: "shapes" (embedded, needs no source) or a name of the catalogue.
        split: a split of that dataset.
        target: the safetensors file to write; the manifest gets the suffix `.json`.
        mirror: mirror folder; where None, the environment variable FLEXNET_DATA_MIRROR.
        torchvision_root: torchvision's root; where None, the variable FLEXNET_TORCHVISION_ROOT.
        download: whether the official download may be tried.
        download_root: where downloads are kept; where None, `downloads` beside the target.
        options: for "shapes" only: n, size, channels, seed, texture.

    Returns:
        the manifest.

    Raises:
        ConfigError: if the dataset, the split or an option is unknown.
        DataError: if a source is damaged, or if none has the dataset; the message names all that were
            tried, why each failed and what to do.
    """
    if dataset == SHAPES:
        arrays, used = generate_split(split, options or {})
        return _write(
            target, arrays, manifest_of(arrays, dataset=dataset, split=split, source="embedded", options=used)
        )
    record = _known(dataset)
    accepted_counts(record, split)
    if options:
        raise ConfigError(f"expected no options for {dataset}; got {sorted(options)}; remove them")
    places = (
        mirror or os.environ.get(MIRROR_VARIABLE),
        torchvision_root or os.environ.get(TORCHVISION_VARIABLE),
        (download_root or Path(target).parent / "downloads") if download else None,
    )
    kind, arrays = read_first(record, split, *places)
    return _write(target, arrays, manifest_of(arrays, dataset=dataset, split=split, source=kind))


def read_first(
    record: Dataset,
    split: str,
    mirror: str | Path | None,
    torchvision_root: str | Path | None,
    download_root: str | Path | None,
) -> tuple[str, ImageArrays]:
    """Read a split from the first source that has it; a place that is None (or empty) is passed over.

    Returns:
        the source, "mirror", "torchvision" or "download", and the images.

    Raises:
        DataError: if a source has it damaged, or if none has it.
        ConfigError: if the dataset has no such split.
    """
    sources = (
        ("mirror", read_mirror, mirror, f"no folder given; set {MIRROR_VARIABLE}"),
        ("torchvision", read_torchvision, torchvision_root, f"no root given; set {TORCHVISION_VARIABLE}"),
        ("download", read_download, download_root, "not allowed here"),
    )
    failures = []
    for kind, read, place, absence in sources:
        try:
            if place:
                return kind, read(place, record, split)
            failures.append(f"{kind}: {absence}")
        except Unavailable as error:
            failures.append(f"{kind}: {error}")
    raise DataError(
        f"expected {record.name}/{split} from a mirror, a torchvision root or the official download; none "
        f"has it\n  " + "\n  ".join(failures) + "\nGive a folder that holds it, or connect to the network"
    )


def _known(dataset: str) -> Dataset:
    if dataset not in DATASETS:
        known = ", ".join(sorted([*DATASETS, SHAPES]))
        raise ConfigError(f"expected a dataset among {known}; got {dataset!r}; correct the name")
    return DATASETS[dataset]


def _write(target: str | Path, arrays: ImageArrays, manifest: Manifest) -> Manifest:
    # No manifest may ever stand beside images that it does not describe.
    manifest_path(target).unlink(missing_ok=True)
    save_arrays(target, arrays)
    write_manifest(target, manifest)
    return manifest
