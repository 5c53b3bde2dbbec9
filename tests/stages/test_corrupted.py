"""The stage `corrupted`: from a folder in the layout of CIFAR-10-C to an arrays file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flexnet.corruptions import NAMES, corrupt
from flexnet.corruptions.folder import write_corrupted
from flexnet.data.manifest import load_verified

Call = Callable[..., int]
Fails = Callable[..., str]
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


def test_what_is_taken_is_what_was_written(images: Path, call: Call, tmp_path: Path) -> None:
    place, output = tmp_path / "set", tmp_path / "frost.safetensors"
    clean, _ = load_verified(images)
    write_corrupted(place, torch.from_numpy(clean.images), clean.labels, seed=3)
    assert call("corrupted", TAKEN, folder=place, output=output) == 0
    found, manifest = load_verified(output)
    expected = corrupt(torch.from_numpy(clean.images), "frost", 2, seed=3).numpy()
    assert np.array_equal(found.images, expected)
    assert np.array_equal(found.labels, clean.labels)
    assert found.classes == tuple(CLASSES)
    assert (manifest["source"], manifest["split"]) == ("corrupted", "frost_synthetic-2")


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
