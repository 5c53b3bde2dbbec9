"""From name to file: order of the sources, one error for none, manifests that notice any change."""

import json
from pathlib import Path

import numpy as np
import pytest

from flexnet.data import prepare as room
from flexnet.data.arrays import ImageArrays, load_arrays, save_arrays
from flexnet.data.catalogue import Dataset, Unavailable
from flexnet.data.manifest import digest, verify
from flexnet.data.prepare import prepare
from flexnet.errors import ConfigError, DataError


@pytest.fixture(autouse=True)
def catalogue(tiny: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "DATASETS", {"tiny": tiny})
    for variable in (room.MIRROR_VARIABLE, room.TORCHVISION_VARIABLE):
        monkeypatch.delenv(variable, raising=False)


def _arrays(value: int) -> ImageArrays:
    return ImageArrays(np.full((6, 3, 8, 8), value, np.uint8), np.zeros(6, np.int64), ("a", "b", "c"))


def test_mirror_by_argument(mirror: Path, tmp_path: Path) -> None:
    target = tmp_path / "data" / "train.safetensors"
    manifest = prepare("tiny", "train", target, mirror=mirror, download=False)
    assert manifest == {
        "dataset": "tiny",
        "split": "train",
        "source": "mirror",
        "options": {},
        "n": 6,
        "shape": [3, 8, 8],
        "classes": ["a", "b", "c"],
        "class_counts": {"a": 2, "b": 2, "c": 2},
        "sha256": digest(load_arrays(target)),
    }
    assert verify(target) == manifest
    assert str(tmp_path) not in target.with_suffix(".json").read_text()


def test_mirror_by_environment(mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(room.MIRROR_VARIABLE, str(mirror))
    assert prepare("tiny", "train", tmp_path / "a.safetensors", download=False)["source"] == "mirror"


def test_sources_are_tried_in_order(mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object) -> ImageArrays:
        raise Unavailable("not here")

    monkeypatch.setattr(room, "read_torchvision", lambda *_: _arrays(1))
    monkeypatch.setattr(room, "read_download", lambda *_: _arrays(2))
    target = tmp_path / "a.safetensors"
    everywhere = {"torchvision_root": tmp_path, "download_root": tmp_path}
    assert prepare("tiny", "train", target, mirror=mirror, **everywhere)["source"] == "mirror"
    assert prepare("tiny", "train", target, mirror=tmp_path, **everywhere)["source"] == "torchvision"
    assert load_arrays(target).images.max() == 1
    monkeypatch.setattr(room, "read_torchvision", absent)
    assert prepare("tiny", "train", target, mirror=tmp_path, **everywhere)["source"] == "download"
    assert verify(target)["source"] == "download"


def test_damaged_mirror_is_not_passed_over(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "read_download", lambda *_: _arrays(2))
    (mirror / "tiny" / "train-00001-of-00002.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="truncated or corrupt"):
        prepare("tiny", "train", tmp_path / "a.safetensors", mirror=mirror)
    assert not (tmp_path / "a.safetensors").exists()


def test_no_source_names_all_three(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        prepare("tiny", "train", tmp_path / "a.safetensors", mirror=tmp_path / "gone", download=False)
    message = str(caught.value)
    assert "mirror: expected the folder" in message
    assert "torchvision: no root given; set FLEXNET_TORCHVISION_ROOT" in message
    assert "download: not allowed here" in message
    assert "Give a folder that holds it, or connect to the network" in message


def test_unknown_names(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a dataset among shapes, tiny; got 'imagenet'"):
        prepare("imagenet", "train", tmp_path / "a.safetensors")
    with pytest.raises(ConfigError, match="split of tiny among train, test; got 'val'"):
        prepare("tiny", "val", tmp_path / "a.safetensors")
    with pytest.raises(ConfigError, match=r"no options for tiny; got \['size'\]; remove them"):
        prepare("tiny", "train", tmp_path / "a.safetensors", options={"size": 8})


def test_embedded_dataset_needs_no_source(tmp_path: Path) -> None:
    target = tmp_path / "shapes.safetensors"
    manifest = prepare("shapes", "silhouettes", target, options={"n": 20, "size": 28, "channels": 1})
    assert (manifest["source"], manifest["n"], manifest["shape"]) == ("embedded", 20, [1, 28, 28])
    assert manifest["options"] == {"n": 20, "size": 28, "channels": 1, "seed": 0, "texture": "informative"}
    assert set(manifest["class_counts"].values()) == {2}
    assert verify(target) == manifest


def test_preparing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    written = []
    for name in ("a", "b"):
        prepare("shapes", "train", tmp_path / f"{name}.safetensors", options={"n": 10})
        written.append([(tmp_path / f"{name}{ending}").read_bytes() for ending in (".safetensors", ".json")])
    assert written[0] == written[1]


def test_verify_notices_one_changed_pixel(mirror: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.safetensors"
    prepare("tiny", "train", target, mirror=mirror)
    arrays = load_arrays(target)
    arrays.images[3, 1, 4, 4] ^= 1
    save_arrays(target, arrays)
    with pytest.raises(DataError, match=r"to be what a\.json says; sha256 differ; delete both"):
        verify(target)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "expected a manifest"), ("[]", "got list"), ("{}", "expected the keys dataset")],
)
def test_verify_refuses_a_damaged_manifest(text: str, message: str, mirror: Path, tmp_path: Path) -> None:
    prepare("tiny", "train", tmp_path / "a.safetensors", mirror=mirror)
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=message):
        verify(tmp_path / "a.safetensors")


def test_verify_without_manifest(mirror: Path, tmp_path: Path) -> None:
    save_arrays(tmp_path / "a.safetensors", _arrays(0))
    with pytest.raises(DataError, match=r"expected a manifest in .*a\.json"):
        verify(tmp_path / "a.safetensors")


def test_digest_depends_on_shape_pixels_and_labels() -> None:
    base = _arrays(0)
    wide = ImageArrays(base.images.reshape(6, 3, 4, 16), base.labels, base.classes)
    relabelled = ImageArrays(base.images, np.ones(6, np.int64), base.classes)
    assert len({digest(arrays) for arrays in (base, wide, relabelled, _arrays(1))}) == 4


def test_manifest_is_plain_json(mirror: Path, tmp_path: Path) -> None:
    manifest = prepare("tiny", "train", tmp_path / "a.safetensors", mirror=mirror)
    assert json.loads((tmp_path / "a.json").read_text()) == manifest
