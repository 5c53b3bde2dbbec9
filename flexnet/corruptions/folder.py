"""Corrupted sets as folders in the layout of CIFAR-10-C, which other tools read and write as well.

    fog.npy      (5 n, H, W, C) in uint8: the n images at severity 1, then the same at severity 2, ...
    ...          one file for each corruption
    labels.npy   (5 n,) in uint8: the n labels, five times

A folder that is written here also has `flexnet.json`, which says how it was made, and of what images. The
published CIFAR-10-C has none, and is read just so.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from flexnet.corruptions.constants import AUTO, check_name, check_severity
from flexnet.corruptions.corrupting import corrupt
from flexnet.corruptions.names import NAMES, SEVERITIES, SYNTHETIC
from flexnet.corruptions.origin import DIGITS, KEY, digests_of
from flexnet.corruptions.places import LABELS, require_complete
from flexnet.errors import ConfigError, DataError
from flexnet.files import read_json, write_json

NOTE: Final = "flexnet.json"
BYTES_AT_ONCE: Final = 1 << 26  # of images that are given to `corrupt`
REMEDY: Final = "get or make the whole set again"

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class CorruptedSet:
    """A corrupted set in a folder; images are read when they are asked for.

    Attributes:
        folder: where it lies.
        names: corruptions that were looked for and are all there.
        labels: of the images in their order, (n,) in int64; the same for all corruptions and severities.
        shape: (C, H, W) of an image.
        made: how it was made, if that was here.
    """

    folder: Path
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    shape: tuple[int, int, int]
    made: dict[str, Any] | None

    def __len__(self) -> int:
        return len(self.labels)

    def images(self, name: str, severity: int) -> Images:
        """The images of one corruption at one severity, (n, C, H, W) in uint8.

        Raises:
            ConfigError: if the severity is not 1 to 5, or the corruption is not among `names`.
            DataError: if the file is not there any more, or has changed.
        """
        return self.chosen(name, severity, slice(None))

    def chosen(self, name: str, severity: int, numbers: Sequence[int] | slice) -> Images:
        """Some images of one corruption at one severity, by their numbers; no others are read.

        Raises:
            ConfigError: as `images`.
            DataError: as `images`.
        """
        check_name(name)
        check_severity(severity)
        if name not in self.names:
            raise ConfigError(
                f"corruption: expected one of {list(self.names)} in {self.folder}; got {name!r}"
            )
        stored = _load(self.folder / f"{name}.npy")
        _check_images(self.folder / f"{name}.npy", stored, len(self), self.shape)
        part = stored[(severity - 1) * len(self) : severity * len(self)][numbers]
        return np.ascontiguousarray(part.transpose(0, 3, 1, 2))

    def label_of(self, name: str) -> str:
        """What results call a corruption: where we made it with other ingredients, by a name of its own."""
        return name if self.made is None else SYNTHETIC.get(name, name)


def open_corrupted(folder: str | Path, names: Sequence[str] = NAMES) -> CorruptedSet:
    """Open a corrupted set, published or made here, and check that it is whole.

    Args:
        folder: with the files of the layout.
        names: corruptions that it must have.

    Raises:
        ConfigError: if a name is unknown.
        DataError: if a file is missing, pickled, damaged, or of another type or shape than the others tell.
    """
    place = Path(folder)
    for name in names:
        check_name(name)
    require_complete(place, names)
    labels = _labels(place / f"{LABELS}.npy")
    first = _load(place / f"{names[0]}.npy")
    height, width, channels = first.shape[1:] if first.ndim == 4 else (0, 0, 0)
    shape = (channels, height, width)
    for name in names:
        _check_images(place / f"{name}.npy", _load(place / f"{name}.npy"), len(labels), shape)
    note = place / NOTE
    made = _note(note, len(labels)) if note.is_file() else None
    return CorruptedSet(place, tuple(names), labels, shape, made)


def write_corrupted(
    folder: str | Path,
    images: torch.Tensor,
    labels: NDArray[np.int64],
    *,
    names: Sequence[str] = NAMES,
    seed: int = 0,
    constants: str = AUTO,
    report: Callable[[int], None] = lambda n: None,
) -> None:
    """Corrupt a set of images at all five severities and write it as a folder, whole or not at all.

    Args:
        folder: to make; nothing may be there.
        images: (n, C, H, W) in uint8, on the device that is to do it.
        labels: (n,), each from 0 to 255.
        names: the corruptions.
        seed: as for `corrupt`; image i of the set has the number i.
        constants: as for `corrupt`.
        report: is told the number of images that were finished since it was last told.

    Raises:
        ConfigError: if there is something in the folder, or an argument is not allowed.
        DataError: if the labels do not fit.
    """
    place = Path(folder)
    if place.exists():
        raise ConfigError(f"expected no folder {place}; there is one; name another, or delete it")
    if labels.shape != (len(images),) or not len(labels) or labels.min() < 0 or labels.max() > 255:
        raise DataError(
            f"expected {len(images)} labels from 0 to 255; got the shape {labels.shape}; correct them"
        )
    for name in names:  # before hours of work, not after
        for severity in SEVERITIES:
            corrupt(images[:1], name, severity, seed, constants=constants)
    with _whole(place) as temporary:
        for name in names:
            _write(temporary / f"{name}.npy", images, name, seed, constants, report)
        np.save(temporary / f"{LABELS}.npy", np.tile(labels, len(SEVERITIES)).astype(np.uint8))
        made = {"corruptions": list(names), "seed": seed, "constants": constants, "n": len(images)}
        synthetic = {name: label for name, label in SYNTHETIC.items() if name in names}
        write_json(temporary / NOTE, made | {"synthetic": synthetic, KEY: "".join(digests_of(images))})


def _write(
    path: Path, images: torch.Tensor, name: str, seed: int, constants: str, report: Callable[[int], None]
) -> None:
    n, channels, height, width = images.shape
    size = max(1, BYTES_AT_ONCE // images[0].numel())
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(SEVERITIES) * n, height, width, channels)}
    # One part after the other, and not into a mapped file: there a full disk ends the program without a word.
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for severity in SEVERITIES:
            for start in range(0, n, size):
                part = images[start : start + size]
                numbers = range(start, start + len(part))
                done = corrupt(part, name, severity, seed, indices=numbers, constants=constants)
                stream.write(done.permute(0, 2, 3, 1).contiguous().cpu().numpy().tobytes())
                report(len(part))


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A temporary folder that becomes `folder` on success and is removed on failure."""
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _load(path: Path) -> NDArray[Any]:
    """Map an array of a file into memory, without ever unpickling anything."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(
            f"{path}: expected an array without pickled objects; got: {error}; {REMEDY}"
        ) from error
    if not isinstance(found, np.ndarray):
        raise DataError(f"{path}: expected one array; got an archive of several; {REMEDY}")
    return found


def _labels(path: Path) -> NDArray[np.int64]:
    stored = _load(path)
    times = len(SEVERITIES)
    if stored.ndim != 1 or not len(stored) or len(stored) % times or stored.dtype.kind not in "iu":
        raise DataError(
            f"{path}: expected the labels {times} times one after the other, as integers; got "
            f"{stored.dtype} of shape {stored.shape}; {REMEDY}"
        )
    found = stored.reshape(times, -1)
    if not (found == found[0]).all():
        raise DataError(f"{path}: expected the same labels at every severity; got others; {REMEDY}")
    return np.asarray(found[0], dtype=np.int64)


def _check_images(path: Path, stored: NDArray[Any], n: int, shape: tuple[int, int, int]) -> None:
    channels, height, width = shape
    expected = (len(SEVERITIES) * n, height, width, channels)
    if stored.dtype != np.uint8 or stored.shape != expected or channels not in (1, 3):
        raise DataError(
            f"{path}: expected uint8 of shape ({len(SEVERITIES) * n}, H, W, C) with 1 or 3 channels, as many "
            f"as the labels, and all corruptions alike; got {stored.dtype} of shape {stored.shape}; {REMEDY}"
        )


def _note(path: Path, n: int) -> dict[str, Any]:
    try:
        found = read_json(path)
    except ValueError as error:
        raise DataError(
            f"{path}: expected JSON that says how the set was made; got: {error}; {REMEDY}"
        ) from error
    if not isinstance(found, dict):
        raise DataError(f"{path}: expected a JSON object that says how the set was made; {REMEDY}")
    kept = found.get(KEY)  # sets of before they were kept have none
    if kept is not None and not (isinstance(kept, str) and len(kept) == DIGITS * n):
        raise DataError(f"{path}: expected digests of {n} images; {REMEDY}")
    return found
