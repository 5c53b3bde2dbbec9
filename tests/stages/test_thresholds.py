"""The stage that scores all seeds of a model, from its command line to its table."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flexnet.cli import main
from flexnet.data.arrays import ImageArrays
from flexnet.data.manifest import manifest_of, store
from flexnet.files import write_json
from flexnet.tables.columns import THRESHOLDS
from flexnet.tables.frames import read_checked
from flexnet.training.batches import DeviceImages
from flexnet.training.checkpoint import read_tensors, save_tensors
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun
from flexnet.training.trainer import train

ATTACK = {"space": "normalised", "clamp": "loose", "loss": "cross_entropy", "epsilons": [0, 0.1]}
CLASSES = tuple("abcdefghij")
ORIGIN = {"dataset": "noise", "split": "test", "source": "test", "content": "generated", "content_digest": ""}
LAYERS: dict[str, dict[str, Any]] = {
    "flexible": {"scheme": "learned"},
    "uniform": {"scheme": "uniform", "value": 0.1},
    "baseline": {"scheme": "conv"},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images of twelve pixels and two trained seeds of three small networks."""
    monkeypatch.setenv("FLEXNET_DEVICE", "cpu")
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (60, 1, 12, 12), dtype=np.uint8)
    labels = np.arange(60, dtype=np.int64) % 10
    arrays = ImageArrays(images, labels, CLASSES)
    store(tmp_path / "images.safetensors", arrays, manifest_of(arrays, **ORIGIN))
    write_json(
        tmp_path / "subset.json", {"training": list(range(60)), "scored": list(range(40)), "split": "test"}
    )
    data = DeviceImages(torch.from_numpy(images), torch.from_numpy(labels))
    for name, layer in LAYERS.items():
        options = {"input_size": 12, "width": 0.25, "layer": layer}
        for seed in (1, 2):
            run = TrainingRun(name, seed, "small", options, Recipe(epochs=1, batch_size=20, flip=0))
            weights = tmp_path / f"{name}{seed}.safetensors"
            train(run, data, data, weights, weights.with_suffix(".csv"))
    return tmp_path


def call(folder: Path, model: str, at_test: Any, seeds: tuple[int, ...] = (1, 2)) -> int:
    settings = {"model": model, "at_test": at_test, "protocols": {"paper": ATTACK, "corrected": ATTACK}}
    files = [
        word for name in ("training", "test") for word in (f"--{name}", str(folder / "images.safetensors"))
    ]
    weights = [str(folder / f"{model}{seed}.safetensors") for seed in seeds]
    return main(
        [
            *(
                "thresholds",
                "--settings",
                json.dumps(settings),
                *files,
                "--subset",
                str(folder / "subset.json"),
            ),
            *("--weights", *weights, "--output", str(folder / "rows.csv")),
        ]
    )


def test_interventions_give_a_row_for_every_seed_protocol_and_epsilon(folder: Path) -> None:
    assert call(folder, "flexible", {"interventions": ["shuffled"]}) == 0
    rows = read_checked(folder / "rows.csv", THRESHOLDS)
    assert len(rows) == 2 * 2 * 2 * 2
    assert set(rows["seed"]) == {1, 2}
    assert set(rows["intervention"]) == {"trained", "shuffled"}
    assert (rows["n"] == 40).all()
    trained = rows[rows["intervention"] == "trained"]
    assert trained["threshold_shift"].max() < 0.1 < rows["threshold_shift"].max()


def test_a_sweep_has_thresholds_and_no_gates(folder: Path) -> None:
    assert call(folder, "uniform", {"sweep": [0, 0.5]}) == 0
    rows = read_checked(folder / "rows.csv", THRESHOLDS)
    assert sorted(set(rows["threshold"])) == [0, 0.5]
    assert "intervention" not in rows.columns
    assert "max_share" not in rows.columns


def test_networks_without_a_gate_leave_its_numbers_empty(folder: Path) -> None:
    assert call(folder, "baseline", {}, seeds=(1,)) == 0
    rows = read_checked(folder / "rows.csv", THRESHOLDS)
    assert set(rows["intervention"]) == {"trained"}
    assert rows["max_share"].isna().all()


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("features.0.threshold", "intervention trained: gates of layer 'features.0'"),
        ("head.1.weight", "intervention trained, protocol paper, epsilon 0, draw 0: expected finite logits"),
    ],
)
def test_a_seed_that_is_no_numbers_is_named(
    folder: Path, name: str, condition: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors, metadata = read_tensors(folder / "flexible2.safetensors")
    tensors[name].view(-1)[0] = torch.nan
    save_tensors(folder / "flexible2.safetensors", tensors, metadata)
    assert call(folder, "flexible", {"interventions": ["shuffled"]}) == 1
    error = capsys.readouterr().err
    assert f"flexible seed 2, {condition}" in error
    assert "40 of 40 images" in error
    assert not (folder / "rows.csv").exists()


@pytest.mark.parametrize(
    ("at_test", "message"),
    [
        ({"sweep": [0], "interventions": ["shuffled"]}, "expected either 'interventions' or 'sweep'"),
        ({"interventions": ["shaken"]}, "got 'shaken'"),
        ({"interventions": ["shuffled", "normal(0,-1)"]}, "deviation >= 0; got 'normal(0,-1)'"),
    ],
)
def test_a_wrong_setting_is_one_message_and_no_file(
    folder: Path, at_test: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(folder, "flexible", at_test) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not (folder / "rows.csv").exists()
