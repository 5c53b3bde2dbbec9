"""The stages `corrupt` and `corrupted`: from an arrays file to a folder, and back to an arrays file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flexnet.corruptions import NAMES, corrupt
from flexnet.data.arrays import ImageArrays
from flexnet.data.manifest import load_verified, manifest_of, store

Call = Callable[..., int]
Fails = Callable[..., str]
SETTINGS = {"corruptions": ["fog", "frost"], "constants": "auto", "seed": 3}
CLASSES = [f"class {number}" for number in range(10)]
TAKEN = {"corruption": "frost", "severity": 2, "classes": CLASSES}


@pytest.fixture
def images(call: Call, tmp_path: Path) -> Path:
    path = tmp_path / "in" / "test.safetensors"
    assert (
        call("data", {"dataset": "shapes", "split": "test", "options": {"n": 10, "size": 32}}, output=path)
        == 0
    )
    return path


def test_there_and_back(images: Path, call: Call, tmp_path: Path) -> None:
    place, output = tmp_path / "set", tmp_path / "frost.safetensors"
    settings = SETTINGS | {"corruptions": "all"}
    assert call("corrupt", settings, images=images, output=place, log=tmp_path / "log") == 0
    assert "950/950 images" in (tmp_path / "log").read_text()
    assert sorted(path.stem for path in place.glob("*.npy")) == sorted([*NAMES, "labels"])
    assert call("corrupted", TAKEN, folder=place, output=output) == 0
    clean, _ = load_verified(images)
    found, manifest = load_verified(output)
    expected = corrupt(torch.from_numpy(clean.images), "frost", 2, seed=3).numpy()
    assert np.array_equal(found.images, expected)
    assert np.array_equal(found.labels, clean.labels)
    assert found.classes == tuple(CLASSES)
    assert (manifest["source"], manifest["split"]) == ("corrupted", "frost_synthetic-2")


def test_some_corruptions_alone_are_written(images: Path, call: Call, tmp_path: Path) -> None:
    assert call("corrupt", SETTINGS, images=images, output=tmp_path / "set") == 0
    assert {path.stem for path in (tmp_path / "set").glob("*.npy")} == {"fog", "frost", "labels"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"corruptions": ["fgo"]}, "corruption: expected a corruption; got 'fgo'; did you mean 'fog'?"),
        ({"corruptions": []}, "corruptions: expected 'all' or a list of different names; got []"),
        ({"corruptions": ["fog", "fog"]}, "corruptions: expected 'all' or a list of different names"),
        ({"corruptions": "fog"}, "corruptions: expected 'all' or a list of different names; got 'fog'"),
        ({"corruptions": [1]}, "corruption: expected a corruption"),
        ({"constants": 32}, "constants: expected 'auto', 'cifar' or 'imagenet'; got 32"),
        ({"seed": "0"}, "seed: expected an integer; got '0'"),
        ({"severity": 3}, "unknown key 'severity'"),
    ],
)
def test_wrong_settings_are_named_and_leave_nothing(
    change: dict[str, Any], message: str, images: Path, fails: Fails, tmp_path: Path
) -> None:
    assert message in fails("corrupt", SETTINGS | change, images=images, output=tmp_path / "set")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_images_that_are_missing_or_too_small_are_named(fails: Fails, tmp_path: Path) -> None:
    missing = tmp_path / "in.safetensors"
    assert "there is no such file" in fails("corrupt", SETTINGS, images=missing, output=tmp_path / "set")
    arrays = ImageArrays(np.zeros((1, 3, 12, 12), np.uint8), np.array([0]), ("a",))
    names = {"dataset": "d", "split": "test", "source": "embedded", "content": "generated"}
    store(missing, arrays, manifest_of(arrays, **names, content_digest=""))
    message = fails("corrupt", SETTINGS, images=missing, output=tmp_path / "set")
    assert "images: expected at least 16 x 16 pixels; got 12 x 12" in message
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"severity": 6}, "severity: expected an integer from 1 to 5"),
        ({"corruption": "frots"}, "did you mean 'frost'?"),
        ({"classes": 10}, "classes: expected the names of the classes as a list; got 10"),
        ({"classes": ["one"]}, "expected labels below 1, the number of classes; got 9"),
        ({"seed": 1}, "unknown key 'seed'"),
    ],
)
def test_wrong_wishes_for_a_set_are_named(
    change: dict[str, Any], message: str, fails: Fails, tmp_path: Path
) -> None:
    for name in NAMES:
        np.save(tmp_path / f"{name}.npy", np.zeros((50, 16, 16, 3), np.uint8))
    np.save(tmp_path / "labels.npy", np.tile(np.arange(10, dtype=np.uint8), 5))
    output = tmp_path / "out" / "x.safetensors"
    assert message in fails("corrupted", TAKEN | change, folder=tmp_path, output=output)
    assert not output.exists()
