"""Reading a dataset from a local mirror in Hugging Face's Parquet layout.

A mirror folder holds `<dataset>/<split>-<shard>-of-<shards>.parquet`; each row has a column `image`
(a struct of `bytes`, an encoded image file, and `path`) and a column `label`.
"""

import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from flexnet.data.arrays import ImageArrays
from flexnet.data.catalogue import Dataset, Unavailable, accepted_counts, check_count
from flexnet.errors import DataError

FETCH_AGAIN = "fetch the file again"
# Rows decoded together: 1,024 encoded 224-pixel images are some 15 MB.
BATCH_ROWS = 1024
# What Pillow raises for broken image files, depending on the format and on where they break.
DECODING_ERRORS = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


def read_mirror(root: str | Path, record: Dataset, split: str) -> ImageArrays:
    """Read one split from the mirror folder `root`, checking it against the catalogue.

    Returns:
        images of shape (N, C, H, W) in the row order of the shards.

    Raises:
        Unavailable: if the folder, the dataset's folder in it or the split is missing.
        DataError: if a shard is missing, corrupt or of another layout, or if a count, a label or an
            image is not what the catalogue says. The message names the file and the row.
        ConfigError: if the dataset has no such split.
    """
    accepted_counts(record, split)  # a wrong split name is a wrong configuration, not a missing file
    shards = find_shards(root, record.name, split)
    counts = [_count_rows(shard) for shard in shards]
    check_count(record, split, sum(counts), shards[0].parent)
    images = np.empty((sum(counts), record.channels, record.size, record.size), dtype=np.uint8)
    labels = np.empty(sum(counts), dtype=np.int64)
    start = 0
    for shard, count in zip(shards, counts, strict=True):
        _read_shard(shard, record, images[start : start + count], labels[start : start + count])
        start += count
    return ImageArrays(images, labels, record.classes)


def find_shards(root: str | Path, name: str, split: str) -> list[Path]:
    """List the shards of a split in order.

    Raises:
        Unavailable: if there is none.
        DataError: if their numbering has a gap or mixes two totals.
    """
    folder = Path(root) / name
    if not folder.is_dir():
        raise Unavailable(f"expected the folder {folder}; there is none; name the mirror's top folder")
    pattern = re.compile(rf"{re.escape(split)}-(\d{{5}})-of-(\d{{5}})\.parquet")
    found = [(match, path) for path in sorted(folder.iterdir()) if (match := pattern.fullmatch(path.name))]
    if not found:
        raise Unavailable(
            f"expected {split}-00000-of-0000N.parquet in {folder}; there is no shard of {split!r}; fetch it"
        )
    numbers = [int(match[1]) for match, _ in found]
    totals = sorted({int(match[2]) for match, _ in found})
    if len(totals) > 1 or numbers != list(range(totals[0])):
        raise DataError(
            f"expected shards 0 to {totals[-1] - 1} of {split!r} in {folder}; got the numbers {numbers} "
            f"of {totals}; fetch the missing shards or remove foreign ones"
        )
    return [path for _, path in found]


def _count_rows(shard: Path) -> int:
    with _opened(shard) as parquet:
        return int(parquet.metadata.num_rows)


@contextmanager
def _opened(shard: Path) -> Iterator[pq.ParquetFile]:
    """Open a shard, checking its columns; report what pyarrow raises in terms of the file."""
    try:
        with pq.ParquetFile(shard) as parquet:
            _check_columns(shard, parquet.schema_arrow)
            yield parquet
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"expected a Parquet file in {shard}; it is truncated or corrupt ({reason}); {FETCH_AGAIN}"
        ) from error


def _check_columns(shard: Path, schema: pa.Schema) -> None:
    for column in ("image", "label"):
        if column not in schema.names:
            raise DataError(
                f"expected the columns image and label in {shard}; {column!r} is missing among "
                f"{schema.names}; rename the columns or fetch another copy"
            )
    image, label = schema.field("image").type, schema.field("label").type
    if not (pa.types.is_struct(image) and image.get_field_index("bytes") >= 0 and pa.types.is_integer(label)):
        raise DataError(
            f"expected image as a struct with `bytes` and label as an integer in {shard}; "
            f"got {image} and {label}; fetch another copy"
        )


def _read_shard(shard: Path, record: Dataset, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
    """Decode one shard into its slices of the arrays."""
    # Pillow releases the interpreter lock while it decodes: two threads help, their order is kept.
    with _opened(shard) as parquet, ThreadPoolExecutor(2) as pool:
        start = 0
        for batch in parquet.iter_batches(BATCH_ROWS, columns=["image", "label"]):
            stop = start + len(batch)
            labels[start:stop] = _labels(shard, start, batch.column("label"), len(record.classes))
            encoded = batch.column("image").field("bytes").to_pylist()
            middle = len(encoded) // 2
            jobs = [(start, encoded[:middle]), (start + middle, encoded[middle:])]
            list(pool.map(lambda job: _decode_rows(shard, record, job[0], job[1], images), jobs))
            start = stop


def _labels(shard: Path, start: int, column: pa.Array, classes: int) -> NDArray[np.int64]:
    if column.null_count:
        raise DataError(f"expected a label in every row of {shard}; some are empty; {FETCH_AGAIN}")
    labels: NDArray[np.int64] = column.to_numpy(zero_copy_only=False).astype(np.int64)
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"expected labels from 0 to {classes - 1} in {shard}; got {labels[row]} in row {start + row}; "
            f"{FETCH_AGAIN} or check that it holds this dataset"
        )
    return labels


def _decode_rows(
    shard: Path, record: Dataset, start: int, encoded: list[bytes | None], images: NDArray[np.uint8]
) -> None:
    for row, data in enumerate(encoded, start):
        try:
            images[row] = _decode(data, record)
        except DECODING_ERRORS as error:
            raise DataError(
                f"expected a {record.size}x{record.size} image in row {row} of {shard}; {error}; "
                f"{FETCH_AGAIN}"
            ) from error


def _decode(data: bytes | None, record: Dataset) -> NDArray[np.uint8]:
    """Decode an image file to (C, H, W); the size is checked before any pixel is decoded."""
    if data is None:
        raise ValueError("the row has no image")
    with Image.open(io.BytesIO(data)) as image:
        if image.size != (record.size, record.size):
            raise ValueError(f"the image has {image.width}x{image.height} pixels")
        pixels = np.asarray(image.convert("L" if record.channels == 1 else "RGB"))
    return pixels[np.newaxis] if record.channels == 1 else pixels.transpose(2, 0, 1)
