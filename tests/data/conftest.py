"""A tiny dataset and a function that writes it as a Parquet mirror."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from flexnet.data.arrays import ImageArrays
from flexnet.data.catalogue import Dataset
from flexnet.data.content import content_digest

TINY = Dataset(
    name="tiny",
    splits={"train": (6, 4), "test": (2,)},
    size=8,
    channels=3,
    classes=("a", "b", "c"),
    licence="none",
    citation="none",
    torchvision="FashionMNIST",
    folder="tiny/raw",
)


def encode(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def write_shard(
    path: Path,
    images: list[bytes | None],
    labels: list[int | None],
    column: str = "image",
    classes: list[str] | None = None,
) -> None:
    """Write a shard as the hub's library does, which keeps the names of the classes in the metadata."""
    rows = [{"bytes": data, "path": f"{row}.png"} for row, data in enumerate(images)]
    image = pa.array(rows, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    table = pa.table({column: image, "label": pa.array(labels, pa.int64())})
    if classes is not None:
        features = {column: {"_type": "Image"}, "label": {"names": classes, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


@pytest.fixture
def tiny(pixels: np.ndarray) -> Dataset:
    """The catalogue's entry, which knows the six images of `pixels` with the labels of `mirror`."""
    official = ImageArrays(pixels.transpose(0, 3, 1, 2), np.array([0, 1, 2, 0, 1, 2]), TINY.classes)
    return replace(TINY, contents={"train": {6: content_digest(official)}})


@pytest.fixture
def pixels() -> np.ndarray:
    """Six RGB images, (6, 8, 8, 3)."""
    return np.random.default_rng(1).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def shard() -> Callable[..., None]:
    return write_shard


@pytest.fixture
def png() -> Callable[..., bytes]:
    return encode


@pytest.fixture
def mirror(tmp_path: Path, pixels: np.ndarray) -> Path:
    """A mirror with the train split in two shards of four and two images, labels 0 1 2 0 1 2."""
    root, images = tmp_path / "mirror", [encode(image) for image in pixels]
    write_shard(root / "tiny" / "train-00000-of-00002.parquet", images[:4], [0, 1, 2, 0])
    write_shard(root / "tiny" / "train-00001-of-00002.parquet", images[4:], [1, 2])
    return root
