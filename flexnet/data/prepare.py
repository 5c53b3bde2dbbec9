"""From a dataset's name to an arrays file: finds the first source that has it, checks it, writes it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flexnet.data.archives import intact
from flexnet.data.arrays import ImageArrays
from flexnet.data.catalogue import DATASETS, Dataset, Unavailable, accepted_counts
from flexnet.data.content import check_wanted, content_digest, judge_content
from flexnet.data.download import download as read_download
from flexnet.data.download import read_torchvision
from flexnet.data.manifest import Manifest, check_target, manifest_of, store
from flexnet.data.mirror import read_mirror
from flexnet.data.reshape import check_options, reshape
from flexnet.data.shapes.splits import SHAPES, generate_split
from flexnet.errors import ConfigError, DataError

MIRROR_VARIABLE = "FLEXNET_DATA_MIRROR"
TORCHVISION_VARIABLE = "FLEXNET_TORCHVISION_ROOT"
OFFICIAL = "fetch the official files"
OWN_DOWNLOAD = "delete that folder, which this program filled, and run again"
SOURCES = ("mirror", "torchvision", "download")


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
    content: str = "official",
) -> Manifest:
    """Write one split as an arrays file, with its manifest beside it.

    Sources are tried in this order: the mirror folder, the torchvision root, the official download.
    A source that has nothing of the dataset is passed over; one that has it damaged, in a layout that is
    not known, or with other images or labels than the official ones is an error.

    Args:
        dataset: "shapes" (embedded, needs no source) or a name of the catalogue.
        split: a split of that dataset.
        target: the file to write, `<name>.safetensors`; the manifest gets the suffix `.json`.
        mirror: mirror folder; where None, the environment variable FLEXNET_DATA_MIRROR.
        torchvision_root: torchvision's root; where None, the variable FLEXNET_TORCHVISION_ROOT.
        download: whether the official download may be tried.
        download_root: where downloads are kept; where None, `downloads` beside the target.
        options: of "shapes": n, size, channels, seed, texture; of real images: size and channels, to which
            they are brought after their content was checked (`flexnet.data.reshape`).
        content: "official", or "other" to accept other images and labels of the same number, size and
            classes; the manifest says which they are.

    Returns:
        the manifest.

    Raises:
        ConfigError: if the dataset, the split, an option, `content` or the target's suffix is not allowed.
        DataError: if a source is damaged or has other content, or if none has the dataset; the message
            names all that were tried, why each failed and what to do.
    """
    check_target(target)
    check_wanted(content)
    if dataset == SHAPES:
        return _generate(split, target, options or {}, content)
    record = _known(dataset)
    accepted_counts(record, split)
    check_options(options or {})
    places = (
        _folder(mirror, MIRROR_VARIABLE),
        _folder(torchvision_root, TORCHVISION_VARIABLE),
        Path(download_root or Path(target).parent / "downloads") if download else None,
    )
    kind, arrays = read_first(record, split, *places)
    folder = dict(zip(SOURCES, places, strict=True))[kind]
    remedy = OWN_DOWNLOAD if kind == "download" and not download_root else OFFICIAL
    found = content_digest(arrays)
    judged = judge_content(
        *(record, split, arrays, found, content),
        where=f"the {kind} folder {folder}",
        remedy=remedy,
        intact=lambda: kind != "mirror" and intact(str(folder), record),
    )
    names: dict[str, Any] = {"dataset": dataset, "split": split, "source": kind, "content": judged}
    arrays, done = reshape(arrays, options or {})
    return store(target, arrays, manifest_of(arrays, **names, content_digest=found, options=done))


def _generate(split: str, target: str | Path, options: Mapping[str, Any], content: str) -> Manifest:
    if content != "official":
        raise ConfigError(
            f"content: expected none for {SHAPES}, which is generated; got {content!r}; remove it"
        )
    arrays, used = generate_split(split, options)
    manifest = manifest_of(
        arrays,
        dataset=SHAPES,
        split=split,
        source="embedded",
        content="generated",
        content_digest=content_digest(arrays),
        options=used,
    )
    return store(target, arrays, manifest)


def _folder(named: str | Path | None, variable: str) -> Path | None:
    """A source's folder, given as an argument or by the environment; None if neither names one."""
    place = named or os.environ.get(variable)
    return Path(place).expanduser() if place else None


def read_first(
    record: Dataset,
    split: str,
    mirror: str | Path | None,
    torchvision_root: str | Path | None,
    download_root: str | Path | None,
) -> tuple[str, ImageArrays]:
    """Read a split from the first source that has it; a place that is None (or empty) is passed over.

    Nothing is downloaded while a folder that was named does not exist: its name may be mistyped.

    Returns:
        the source, "mirror", "torchvision" or "download", and the images.

    Raises:
        DataError: if a source has it damaged, or if none has it.
        ConfigError: if the dataset has no such split.
    """
    absent = [str(place) for place in (mirror, torchvision_root) if place and not Path(place).is_dir()]
    refusal = "not allowed here"
    if absent and download_root:
        refusal, download_root = f"not tried, because there is no folder {absent[0]}", None
    sources = (
        ("mirror", read_mirror, mirror, f"no folder given; set {MIRROR_VARIABLE}"),
        ("torchvision", read_torchvision, torchvision_root, f"no root given; set {TORCHVISION_VARIABLE}"),
        ("download", read_download, download_root, refusal),
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
