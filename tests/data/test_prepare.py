"""From name to file: order of the sources, one error for none, manifests that notice any change."""

import json
from pathlib import Path

import numpy as np
import pytest

from flexnet.data import prepare as room
from flexnet.data.arrays import ImageArrays, load_arrays, save_arrays
from flexnet.data.catalogue import Dataset, Unavailable
from flexnet.data.content import content_digest
from flexnet.data.manifest import digest, load_verified, origin, store, verify
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
        "content": "official",
        "content_digest": content_digest(load_arrays(target)),
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
    everywhere = {"torchvision_root": tmp_path, "download_root": tmp_path, "content": "other"}
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
    for options, message in (
        ({"sise": 8}, r"expected options of images among size, channels; got \['sise'\]; remove them"),
        ({"size": 8.0}, "size: expected a whole number of pixels, at least 1; got 8.0"),
        ({"size": 0}, "size: expected a whole number of pixels, at least 1; got 0"),
        ({"channels": 2}, r"channels: expected 1 \(grey\) or 3 \(colour\); got 2"),
        ({"channels": True}, "channels: expected .*; got True"),
    ):
        with pytest.raises(ConfigError, match=message):
            prepare("tiny", "train", tmp_path / "a.safetensors", options=options)


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
    [
        ("{", "expected a manifest"),
        ("[]", "got list"),
        ("{}", "expected the keys dataset"),
        ("\xff", "expected a manifest"),
        ("[" * 100_000, "expected a manifest"),
    ],
)
def test_verify_refuses_a_damaged_manifest(text: str, message: str, mirror: Path, tmp_path: Path) -> None:
    prepare("tiny", "train", tmp_path / "a.safetensors", mirror=mirror)
    (tmp_path / "a.json").write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match=message) as caught:
        verify(tmp_path / "a.safetensors")
    assert "delete" not in str(caught.value)  # it may be another program's file


def test_verify_without_manifest(mirror: Path, tmp_path: Path) -> None:
    save_arrays(tmp_path / "a.safetensors", _arrays(0))
    with pytest.raises(DataError, match=r"expected a manifest in .*a\.json"):
        verify(tmp_path / "a.safetensors")


def test_a_manifest_that_was_edited_is_noticed(mirror: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.safetensors"
    manifest = prepare("tiny", "train", target, mirror=mirror)
    for key, value in (("n", 7), ("shape", [3, 4, 16]), ("class_counts", {"a": 6}), ("classes", "abc")):
        target.with_suffix(".json").write_text(json.dumps({**manifest, key: value}))
        with pytest.raises(DataError, match=rf"a\.json says; {key} differ; delete both"):
            verify(target)


@pytest.mark.parametrize("keep", [0, 100, -1])
def test_damaged_images_beside_their_manifest_are_ours_to_delete(
    keep: int, mirror: Path, tmp_path: Path
) -> None:
    target = tmp_path / "a.safetensors"
    prepare("tiny", "train", target, mirror=mirror)
    target.write_bytes(target.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"a\.safetensors; .*a\.json says that it was made here: delete both"):
        verify(target)


def test_random_changes_of_prepared_images_are_noticed(mirror: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.safetensors"
    prepare("tiny", "train", target, mirror=mirror)
    whole, generator = target.read_bytes(), np.random.default_rng(0)
    for place in generator.choice(len(whole), 60, replace=False):
        data = bytearray(whole)
        data[place] ^= generator.integers(1, 256)
        target.write_bytes(data)
        with pytest.raises(DataError, match=str(target)):
            load_verified(target)
    target.write_bytes(whole)
    assert len(load_verified(target)[0]) == 6


def test_the_file_of_another_split_or_dataset_is_refused(mirror: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.safetensors"
    manifest = prepare("tiny", "train", target, mirror=mirror)
    assert load_verified(target, origin(manifest))[1] == manifest
    for key, value in (("split", "test"), ("dataset", "cifar10"), ("sha256", "0")):
        with pytest.raises(DataError, match=rf"{target} to have {key} '{value}'; a\.json beside it says"):
            load_verified(target, {**origin(manifest), key: value})


@pytest.mark.parametrize("name", ["train.json", "train", "train.csv"])
def test_no_file_is_overwritten_by_a_manifest(name: str, mirror: Path, tmp_path: Path) -> None:
    beside = tmp_path / "train.json"
    beside.write_text("mine")
    with pytest.raises(ConfigError, match=rf"ends in \.safetensors; got .*{name}"):
        prepare("tiny", "train", tmp_path / name, mirror=mirror)
    with pytest.raises(ConfigError, match=rf"ends in \.safetensors; got .*{name}"):
        store(tmp_path / name, _arrays(0), {})
    assert beside.read_text() == "mine"


def test_digest_depends_on_shape_pixels_and_labels() -> None:
    base = _arrays(0)
    wide = ImageArrays(base.images.reshape(6, 3, 4, 16), base.labels, base.classes)
    relabelled = ImageArrays(base.images, np.ones(6, np.int64), base.classes)
    assert len({digest(arrays) for arrays in (base, wide, relabelled, _arrays(1))}) == 4


def test_manifest_is_plain_json(mirror: Path, tmp_path: Path) -> None:
    manifest = prepare("tiny", "train", tmp_path / "a.safetensors", mirror=mirror)
    assert json.loads((tmp_path / "a.json").read_text()) == manifest
