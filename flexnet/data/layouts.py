"""Where a folder keeps the Parquet shards of a dataset: a plain one, and those of the Hugging Face hub.

A dataset's folder in a mirror is `<name>` (`cifar10`), a copy of a repository (`uoft-cs/cifar10`), or the
hub's cache of one (`datasets--uoft-cs--cifar10`, also inside `hub`). In it, or in a folder of its
configuration (`plain_text`), of `data` or of `default`, lie

* `train-00000-of-00002.parquet`, with or without a checksum before the suffix, or `train.parquet`;
* `cifar10-train.parquet` or `train/0000.parquet`, as the hub's own converter wrote and writes them.

Letters may be large or small, and files and folders may be links.
"""

import re
from itertools import islice
from pathlib import Path

from flexnet.data.catalogue import Dataset, Unavailable
from flexnet.errors import DataError

# What the hub calls a split that has another name in the catalogue.
OTHER_NAMES = {"val": ("validation",)}
SHOWN = 12


def find_shards(root: str | Path, record: Dataset, split: str) -> list[Path]:
    """List the shards of a split in order.

    Raises:
        Unavailable: if the mirror has nothing of the dataset, or of this split.
        DataError: if it has the dataset in a layout that is not known, or shards are missing.
    """
    try:
        return _find_shards(Path(root), record, split)
    except OSError as error:
        raise DataError(
            f"expected a mirror folder in {root}; it cannot be read ({error}); check its permissions"
        ) from error


def _find_shards(root: Path, record: Dataset, split: str) -> list[Path]:
    folders = [folder for folder in _folders(root, record) if not _is_torchvision(root, folder, record)]
    if not folders:
        if root.is_dir() and _has(root, record, split):
            raise DataError(
                f"expected the folder {root / record.name} with shards of {split!r}; {root} holds some "
                f"itself ({_seen(root, '**/*')}); name the folder above it, with one folder per dataset"
            )
        raise Unavailable(
            f"expected the folder {root / record.name}; there is none; {root} holds {_seen(root, '*')}; "
            f"name the mirror's top folder"
        )
    for folder in folders:
        for place in _places(folder, record):
            if shards := _shards(place, record, split):
                return shards
    seen = "; ".join(f"{folder} holds {_seen(folder, '**/*')}" for folder in folders)
    others = [name for name in record.splits for folder in folders if _has(folder, record, name)]
    if others:
        raise Unavailable(
            f"expected {split}-00000-of-0000N.parquet in {folders[0]}; there is no shard of {split!r}; "
            f"{seen}; fetch it"
        )
    configs = ", ".join(f"{name}/" for name in (*record.configs, "data"))
    raise DataError(
        f"expected {record.name} as {split}-00000-of-0000N.parquet in {folders[0]}, or in {configs} there; "
        f"{seen}; arrange the files so, or take the folder out of the mirror to use another source"
    )


def _folders(root: Path, record: Dataset) -> list[Path]:
    """Folders of a mirror that belong to a dataset, the plain one first."""
    names = [record.name, *record.hub]
    names += [f"{place}datasets--{name.replace('/', '--')}" for name in record.hub for place in ("", "hub/")]
    found = [_inside(root, name) for name in names]
    return list(dict.fromkeys(_snapshot(folder) for folder in found if folder))


def _places(folder: Path, record: Dataset) -> list[Path]:
    found = [_inside(folder, name) for name in (*record.configs, "data", "default")]
    return [folder, *(place for place in found if place)]


def _has(folder: Path, record: Dataset, split: str) -> bool:
    return any(_shards(place, record, split) for place in _places(folder, record))


def _inside(folder: Path, name: str) -> Path | None:
    """The folder `name` inside another, however its letters are written; None if there is none."""
    for part in name.split("/"):
        if not folder.is_dir():
            return None
        entries = sorted(folder.iterdir(), key=lambda entry: (entry.name != part, entry.name))
        matching = [entry for entry in entries if entry.name.lower() == part.lower() and entry.is_dir()]
        if not matching:
            return None
        folder = matching[0]
    return folder


def _snapshot(folder: Path) -> Path:
    """The newest state of a repository in the hub's cache; any other folder as it is."""
    states = folder / "snapshots"
    if not (folder.name.lower().startswith("datasets--") and states.is_dir()):
        return folder
    main = folder / "refs" / "main"
    newest = states / main.read_text(encoding="utf-8").strip() if main.is_file() else states
    if newest.parent == states and ".." not in newest.name and newest.is_dir():  # never a place elsewhere
        return newest
    entries = [entry for entry in sorted(states.iterdir()) if entry.is_dir()]
    if len(entries) != 1:
        raise DataError(
            f"expected one state of the dataset in {states}; got {[entry.name for entry in entries]} and no "
            f"{main} that names one; download it again, or copy the right one to a folder of its own"
        )
    return entries[0]


def _is_torchvision(root: Path, folder: Path, record: Dataset) -> bool:
    """Whether a folder is torchvision's, which may share its root with a mirror."""
    own = root / record.folder
    return bool(record.folder) and own.is_dir() and own.is_relative_to(folder) and not _parquet(folder)


def _parquet(folder: Path) -> bool:
    return any(path.suffix.lower() == ".parquet" for path in folder.rglob("*"))


def _shards(place: Path, record: Dataset, split: str) -> list[Path]:
    """Shards of a split in one folder, in order; none if it has no file that could be one."""
    for name in (split, *OTHER_NAMES.get(split, ())):
        numbered = rf"(?:{re.escape(record.name)}-)?{re.escape(name)}-(\d+)-of-(\d+)(?:-[0-9a-f]+)?\.parquet"
        if found := _matching(place, numbered):
            return _complete(place, name, found)
        if found := _matching(place, rf"(?:{re.escape(record.name)}-)?{re.escape(name)}\.parquet"):
            return [path for _, path in found]
        inner = _inside(place, name)
        if inner and (found := _matching(inner, r"(\d{4})\.parquet")):
            return _complete(inner, name, found)
    return []


def _matching(folder: Path, pattern: str) -> list[tuple[re.Match[str], Path]]:
    names = ((re.fullmatch(pattern, path.name, re.IGNORECASE), path) for path in sorted(folder.iterdir()))
    return [(match, path) for match, path in names if match]


def _complete(folder: Path, split: str, found: list[tuple[re.Match[str], Path]]) -> list[Path]:
    """Check that shards are numbered without a gap; without a total, the last one counts as the last."""
    numbers = [int(match[1]) for match, _ in found]
    totals = sorted({int(match[2]) for match, _ in found if match.re.groups > 1}) or [max(numbers) + 1]
    if len(totals) > 1 or numbers != list(range(totals[0])):
        raise DataError(
            f"expected shards 0 to {totals[-1] - 1} of {split!r} in {folder}; got the numbers {numbers} "
            f"of {totals}; fetch the missing shards, and keep foreign ones elsewhere"
        )
    return [path for _, path in found]


def _seen(folder: Path, pattern: str) -> str:
    """What a folder holds, for a message: some of its files and folders."""
    if not folder.is_dir():
        return "nothing, because it is no folder"
    inside = ((path.relative_to(folder), "/" if path.is_dir() else "") for path in folder.glob(pattern))
    shown = (f"{path}{mark}" for path, mark in inside if not any(part[0] == "." for part in path.parts))
    found = list(islice(shown, SHOWN + 1))
    names = sorted(found[:SHOWN])
    return (", ".join(names) + (", ..." if len(found) > SHOWN else "")) or "nothing"
