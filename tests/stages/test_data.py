"""The stage that prepares data: sources, and what is wrong with them."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from flexnet.data.arrays import load_arrays
from flexnet.files import read_json

Call = Callable[..., int]
Fails = Callable[..., str]


def test_an_unknown_dataset_or_split_is_named_with_those_there_are(fails: Fails, tmp_path: Path) -> None:
    target = tmp_path / "x.safetensors"
    message = fails("data", {"dataset": "cifar11", "split": "train"}, output=target)
    assert "expected a dataset among cifar10, " in message
    assert "shapes; got 'cifar11'" in message
    message = fails("data", {"dataset": "cifar10", "split": "val"}, output=target)
    assert "expected a split of cifar10 among train, test; got 'val'" in message
    settings = {"dataset": "shapes", "split": "test", "options": {"sise": 16}}
    assert "expected options of shapes among n, size" in fails("data", settings, output=target)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"dataset": ["cifar10"], "split": "train"},
            "dataset: expected a value of type str; got ['cifar10']",
        ),
        ({"dataset": "cifar10", "split": 1}, "split: expected a value of type str; got 1"),
        ({"dataset": "shapes", "split": "train", "options": [1]}, "options: expected a value of type dict"),
        ({"dataset": "cifar10", "split": "train", "content": ["other"]}, "content: expected one of ["),
    ],
)
def test_settings_of_another_type_are_named(
    settings: dict[str, Any], message: str, fails: Fails, tmp_path: Path
) -> None:
    assert message in fails("data", settings, output=tmp_path / "x.safetensors")


def test_without_any_source_all_three_are_named(
    fails: Fails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    monkeypatch.setenv("FLEXNET_DATA_MIRROR", str(mirror))
    message = fails("data", {"dataset": "cifar10", "split": "train"}, output=tmp_path / "x.safetensors")
    assert "expected cifar10/train from a mirror, a torchvision root or the official download" in message
    assert f"mirror: expected the folder {mirror / 'cifar10'}; there is none" in message
    assert "torchvision: no root given; set FLEXNET_TORCHVISION_ROOT" in message
    assert "download: not allowed here" in message


@pytest.fixture
def shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write the one shard of cifar10g/contours: a hundred grey images, some of them different."""

    def write(
        size: int = 224, labels: dict[int, int] | None = None, sizes: dict[int, int] | None = None
    ) -> Path:
        def image(side: int) -> dict[str, Any]:
            stream = io.BytesIO()
            Image.fromarray(np.full((side, side), 7, dtype=np.uint8)).save(stream, "PNG")
            return {"bytes": stream.getvalue(), "path": "a.png"}

        images, names = [image(size)] * 100, [row % 10 for row in range(100)]
        for row, label in (labels or {}).items():
            names[row] = label
        for row, side in (sizes or {}).items():
            images[row] = image(side)
        path = tmp_path / "mirror" / "cifar10g" / "contours-00000-of-00001.parquet"
        path.parent.mkdir(parents=True)
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        pq.write_table(
            pa.table({"image": pa.array(images, kind), "label": pa.array(names, pa.int64())}), path
        )
        monkeypatch.setenv("FLEXNET_DATA_MIRROR", str(tmp_path / "mirror"))
        return path

    return write


CONTOURS = {"dataset": "cifar10g", "split": "contours"}


def test_a_mirror_is_read(call: Call, shard: Callable[..., Path], tmp_path: Path) -> None:
    shard()
    assert call("data", {**CONTOURS, "content": "other"}, output=tmp_path / "x.safetensors") == 0
    assert load_arrays(tmp_path / "x.safetensors").images.shape == (100, 1, 224, 224)
    manifest = read_json(tmp_path / "x.json")
    assert (manifest["source"], manifest["content"]) == ("mirror", "other")


def test_other_content_is_refused_by_name(shard: Callable[..., Path], fails: Fails, tmp_path: Path) -> None:
    shard()
    message = fails("data", CONTOURS, output=tmp_path / "x.safetensors")
    assert "expected the official images and labels of cifar10g/contours" in message
    assert f"the mirror folder {tmp_path / 'mirror'} has others" in message
    assert "or write `content: other` into its row of `sources`" in message


@pytest.mark.parametrize(("text", "allowed"), [("0", False), ("false", False), ("NO", False), ("off", None)])
def test_a_download_is_forbidden_in_plain_words(
    text: str, allowed: bool | None, fails: Fails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEXNET_DOWNLOAD", text)
    message = fails("data", {"dataset": "mnist", "split": "test"}, output=tmp_path / "x.safetensors")
    assert (
        "download: not allowed here" if allowed is False else "FLEXNET_DOWNLOAD: expected one of"
    ) in message


def test_a_truncated_parquet_file_is_named(shard: Callable[..., Path], fails: Fails, tmp_path: Path) -> None:
    path = shard()
    path.write_bytes(path.read_bytes()[:-100])
    message = fails("data", CONTOURS, output=tmp_path / "x.safetensors")
    assert f"expected a Parquet file in {path}; it is truncated or corrupt" in message
    assert "fetch the file again" in message


def test_a_label_out_of_range_is_named_with_its_row(
    shard: Callable[..., Path], fails: Fails, tmp_path: Path
) -> None:
    path = shard(labels={42: 10})
    message = fails("data", CONTOURS, output=tmp_path / "x.safetensors")
    assert f"expected labels from 0 to 9 in {path}; got 10 in row 42" in message


def test_an_image_of_another_size_is_named_with_its_row(
    shard: Callable[..., Path], fails: Fails, tmp_path: Path
) -> None:
    path = shard(sizes={17: 200})
    message = fails("data", CONTOURS, output=tmp_path / "x.safetensors")
    assert f"expected a 224x224 image in row 17 of {path}; the image has 200x200 pixels" in message


def test_a_damaged_source_leaves_no_manifest_beside_it(
    shard: Callable[..., Path], fails: Fails, tmp_path: Path
) -> None:
    shard(labels={0: -1})
    fails("data", CONTOURS, output=tmp_path / "deep" / "x.safetensors")
    assert not (tmp_path / "deep").exists() or not list((tmp_path / "deep").iterdir())
