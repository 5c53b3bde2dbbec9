"""Reading a dataset from a local mirror: Parquet shards as on the Hugging Face hub.

Each row has a column `image` or `img` (a struct of `bytes`, an encoded image file, and `path`) and a
column `label`. Where the shards lie is said in `flexnet.data.layouts`.
"""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from flexnet.data.arrays import ImageArrays
from flexnet.data.catalogue import Dataset, accepted_counts, check_count
from flexnet.data.decode import DECODING_ERRORS, decode
from flexnet.data.layouts import find_shards
from flexnet.errors import DataError

FETCH_AGAIN = "fetch the file again"
# Rows decoded together. A dictionary may hold one huge image for all of them, of which each gets a copy.
BATCH_ROWS = 128
IMAGE_COLUMNS = ("image", "img")
# What pyarrow raises for damaged files, depending on where they break.
PARQUET_ERRORS = (pa.ArrowException, OSError, UnicodeError, OverflowError, MemoryError)
LFS_POINTER = b"version https://git-lfs"


@dataclass(frozen=True)
class Batch:
    """Some rows of a shard.

    Attributes:
        shard: the file.
        start: number of the first row, counted from 0.
        encoded: image files.
        paths: their original names, None where the shard has none.
        labels: int64, each within the classes of the dataset.
    """

    shard: Path
    start: int
    encoded: list[bytes | None]
    paths: list[str | None]
    labels: NDArray[np.int64]


def read_mirror(root: str | Path, record: Dataset, split: str) -> ImageArrays:
    """Read one split from the mirror folder `root`, checking it against the catalogue.

    Returns:
        images of shape (N, C, H, W) in the row order of the shards.

    Raises:
        Unavailable: if the mirror has nothing of the dataset or of the split.
        DataError: if a shard is missing, corrupt or of another layout, or if a count, a label, an image or
            the order of the classes is not what the catalogue says. The message names the file and the row.
        ConfigError: if the dataset has no such split.
    """
    accepted_counts(record, split)  # a wrong split name is a wrong configuration, not a missing file
    shards = find_shards(root, record, split)
    counts = [_count_rows(shard, record) for shard in shards]
    check_count(record, split, sum(counts), shards[0].parent)
    images = np.empty((sum(counts), record.channels, record.size, record.size), dtype=np.uint8)
    labels = np.empty(sum(counts), dtype=np.int64)
    start = 0
    for shard, count in zip(shards, counts, strict=True):
        _read_shard(shard, record, images[start : start + count], labels[start : start + count])
        start += count
    return ImageArrays(images, labels, record.classes)


def _count_rows(shard: Path, record: Dataset) -> int:
    with _opened(shard, record) as parquet:
        return int(parquet.metadata.num_rows)


@contextmanager
def _opened(shard: Path, record: Dataset) -> Iterator[pq.ParquetFile]:
    """Open a shard, checking its columns; report what pyarrow raises in terms of the file."""
    try:
        with pq.ParquetFile(shard, page_checksum_verification=True) as parquet:
            _check_columns(shard, parquet.schema_arrow)
            _check_classes(shard, parquet.schema_arrow, record)
            yield parquet
    except PARQUET_ERRORS as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if _is_pointer(shard):
            reason = "it is a pointer of Git LFS and not the file; `git lfs pull` fetches it"
        raise DataError(
            f"expected a Parquet file in {shard}; it is truncated or corrupt ({reason}); {FETCH_AGAIN}"
        ) from error


def _is_pointer(shard: Path) -> bool:
    try:
        with shard.open("rb") as stream:
            return stream.read(len(LFS_POINTER)) == LFS_POINTER
    except OSError:
        return False


def _image_column(schema: pa.Schema) -> str:
    """The name of the column of images: `img` where only that is there."""
    return next((name for name in IMAGE_COLUMNS if name in schema.names), IMAGE_COLUMNS[0])


def _check_columns(shard: Path, schema: pa.Schema) -> None:
    for column in (_image_column(schema), "label"):
        if schema.names.count(column) != 1:
            problem = "missing among" if column not in schema.names else "there twice among"
            raise DataError(
                f"expected the columns image and label in {shard}; {column!r} is {problem} {schema.names}; "
                f"name them so (img does for image too) or fetch another copy"
            )
    image, label = schema.field(_image_column(schema)).type, schema.field("label").type
    if not (_holds_bytes(image) and pa.types.is_integer(label)):
        raise DataError(
            f"expected image as a struct with `bytes` and label as an integer in {shard}; "
            f"got {image} and {label}; fetch another copy"
        )


def _holds_bytes(image: pa.DataType) -> bool:
    if not pa.types.is_struct(image) or image.get_field_index("bytes") < 0:
        return False
    kind = image.field("bytes").type
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _check_classes(shard: Path, schema: pa.Schema, record: Dataset) -> None:
    """Compare the classes that a shard names with the catalogue; names that it does not know are let be."""
    names = _class_names(schema)
    if names is None:
        return
    known = {_plain(name): label for label, name in enumerate(record.classes)}
    moved = [label for label, name in enumerate(names) if known.get(_plain(name), label) != label]
    if moved or len(names) != len(record.classes):
        raise DataError(
            f"expected the classes {list(record.classes)} in this order in {shard}; its metadata names "
            f"{names}; fetch a copy of {record.name} with the labels of the original"
        )


def _class_names(schema: pa.Schema) -> list[str] | None:
    """Class names that the hub's library keeps in a shard's metadata; None if there are none."""
    try:
        stored: Any = json.loads((schema.metadata or {})[b"huggingface"])
        names = stored["info"]["features"]["label"]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def _plain(name: str) -> str:
    """A class name without what copies write differently: "T - shirt / top" and "T-shirt/top" are one."""
    return re.sub(r"\W", "", name).lower()


def _read_shard(shard: Path, record: Dataset, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
    """Decode one shard into its slices of the arrays."""
    # Pillow releases the interpreter lock while it decodes: two threads help, their order is kept.
    with _opened(shard, record) as parquet, ThreadPoolExecutor(2) as pool:
        start, columns = 0, [_image_column(parquet.schema_arrow), "label"]
        for rows in parquet.iter_batches(BATCH_ROWS, columns=columns):
            batch = _batch(shard, start, rows, columns[0], len(record.classes))
            start += len(rows)
            if start > len(labels):
                break
            labels[batch.start : start] = batch.labels
            middle = len(rows) // 2
            jobs = [range(middle), range(middle, len(rows))]
            list(pool.map(lambda part, batch=batch: _decode_rows(batch, part, record, images), jobs))
    if start != len(labels):
        raise DataError(
            f"expected {len(labels):,} rows in {shard}, as its footer says; got another number; {FETCH_AGAIN}"
        )


def _batch(shard: Path, start: int, rows: pa.RecordBatch, column: str, classes: int) -> Batch:
    image = rows.column(column)
    # Unlike `field`, `flatten` gives nothing for a row that is empty as a whole.
    parts = dict(zip((field.name for field in image.type), image.flatten(), strict=True))
    paths = parts["path"].to_pylist() if "path" in parts else [None] * len(rows)
    labels = _labels(shard, start, rows.column("label"), classes)
    return Batch(shard, start, parts["bytes"].to_pylist(), paths, labels)


def _labels(shard: Path, start: int, column: pa.Array, classes: int) -> NDArray[np.int64]:
    for row, label in enumerate(column.to_pylist(), start):
        if label is None:
            raise DataError(f"expected a label in every row of {shard}; row {row} has none; {FETCH_AGAIN}")
        if not 0 <= label < classes:
            raise DataError(
                f"expected labels from 0 to {classes - 1} in {shard}; got {label} in row {row} (counted from "
                f"0); {FETCH_AGAIN} or check that it holds this dataset"
            )
    return np.asarray(column.to_pylist(), dtype=np.int64)


def _decode_rows(batch: Batch, rows: range, record: Dataset, images: NDArray[np.uint8]) -> None:
    for row in rows:
        try:
            images[batch.start + row] = decode(batch.encoded[row], record)
        except DECODING_ERRORS as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(
                f"expected a {record.size}x{record.size} image in row {batch.start + row} of {batch.shard}; "
                f"{reason}; the row, counted from 0, has path {batch.paths[row]!r} and label "
                f"{batch.labels[row]}; {FETCH_AGAIN}"
            ) from error
