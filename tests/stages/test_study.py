"""A small study through the command line adds up, and what cannot start says why."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flexnet.data.arrays import ImageArrays, load_arrays, save_arrays
from flexnet.files import read_json
from flexnet.networks.registry import NETWORKS
from flexnet.training.checkpoint import load_model

Call = Callable[..., int]
Fails = Callable[..., str]

FGSM: dict[str, Any] = {
    "space": "pixel",
    "clamp": "valid",
    "loss": "cross_entropy",
    "epsilons": [0, 0.1],
    "draws": 3,
    "eot_draws": 1,
    "counting": "all",
    "redraw": False,
}
RECIPE: dict[str, Any] = {"epochs": 4, "batch_size": 25, "learning_rate": 0.03, "weight_decay": 0.0}


class Study:
    """The files of one small study, and its jobs in order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.training, self.test = folder / "train.safetensors", folder / "test.safetensors"
        self.subset, self.weights = folder / "subset.json", folder / "w.safetensors"
        self.history, self.fgsm, self.rows = folder / "h.csv", folder / "fgsm.csv", folder / "rows.csv"

    @property
    def images(self) -> dict[str, Path]:
        return {"training": self.training, "test": self.test}

    @property
    def train_files(self) -> dict[str, Path]:
        return {**self.images, "subset": self.subset, "weights": self.weights, "history": self.history}

    @property
    def fgsm_files(self) -> dict[str, Path]:
        return {**self.images, "subset": self.subset, "weights": self.weights, "output": self.fgsm}


def train_settings(**changes: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "model": "small-flexible",
        "seed": 1,
        "network": "small",
        "options": {"width": 0.5, "layer": {"scheme": "learned"}},
        "recipe": RECIPE,
        "run_seed": 0,
    }
    return {**settings, **changes}


def fgsm_settings(**changes: Any) -> dict[str, Any]:
    attack = {**FGSM, **changes}
    return {"model": "small-flexible", "seed": 1, "protocol": "corrected", "fgsm": attack, "run_seed": 0}


@pytest.fixture(scope="module")
def finished(call: Call, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """data, subset, train, fgsm and collect on the embedded dataset, all through the command line."""
    study = Study(tmp_path_factory.mktemp("study"))
    row = {"source": "shapes28", "per_class": 30, "test_per_class": 8}
    series = {"flexible": [str(study.fgsm)]}
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLEXNET_DEVICE", "cpu")
        for split, n in (("train", 400), ("test", 100)):
            options = {"n": n, "size": 28, "channels": 1}
            settings = {"dataset": "shapes", "split": split, "options": options}
            target = study.folder / f"{split}.safetensors"
            assert call("data", settings, output=target) == 0
        settings = {"row": row, "seed": 1, "run_seed": 0}
        assert call("subset", settings, **study.images, output=study.subset) == 0
        log = study.folder / "train.log"
        assert call("train", train_settings(), **study.train_files, log=log) == 0
        assert call("fgsm", fgsm_settings(), **study.fgsm_files, log=log) == 0
        settings = {"figure": "fig4d", "protocol": "corrected", "series": series}
        assert call("collect", settings, output=study.rows) == 0
    torch.set_num_threads(threads)
    return study


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_study_scores_the_images_that_were_chosen(finished: Study) -> None:
    subset = read_json(finished.subset)
    labels = load_arrays(finished.test).labels[subset["scored"]]
    assert np.bincount(labels).tolist() == [8] * 10
    assert np.bincount(load_arrays(finished.training).labels[subset["training"]]).tolist() == [30] * 10
    history = table(finished.history)
    assert [(row["epoch"], row["split"]) for row in history] == [
        (str(epoch), split) for epoch in range(1, 5) for split in ("train", "test")
    ]
    assert {row["n"] for row in history if row["split"] == "train"} == {"300"}
    assert {row["n"] for row in history if row["split"] == "test"} == {"80"}


def test_every_row_adds_up(finished: Study) -> None:
    for row in [*table(finished.history), *table(finished.fgsm), *table(finished.rows)]:
        assert float(row["accuracy"]) == int(row["correct"]) / int(row["n"])
        assert 0 <= int(row["correct"]) <= int(row["n"])


def test_without_a_perturbation_the_accuracy_is_that_of_the_last_epoch(finished: Study) -> None:
    last = table(finished.history)[-1]
    clean = [row for row in table(finished.fgsm) if float(row["epsilon"]) == 0]
    assert [(row["n"], row["correct"], row["accuracy"]) for row in clean] == [
        (last["n"], last["correct"], last["accuracy"])
    ]


def test_the_attack_costs_accuracy_and_a_deterministic_model_has_one_repeat(finished: Study) -> None:
    clean, attacked = table(finished.fgsm)
    assert (clean["draw"], attacked["draw"], attacked["epsilon"]) == ("0", "0", "0.1")
    assert int(attacked["correct"]) < int(clean["correct"])


def test_collected_rows_are_the_evaluated_ones_with_their_labels(finished: Study) -> None:
    labels = {"figure": "fig4d", "series": "flexible"}
    assert table(finished.rows) == [{**labels, **row} for row in table(finished.fgsm)]
    assert list(table(finished.rows)[0])[:5] == ["figure", "protocol", "series", "model", "seed"]


def test_rows_of_another_protocol_are_left_out(
    call: Call, fails: Fails, finished: Study, tmp_path: Path
) -> None:
    """The evaluated rows are of the corrected protocol."""
    series = {"series": {"flexible": [str(finished.fgsm_files["output"])]}, "figure": "fig4d"}
    assert call("collect", series | {"protocol": "corrected"}, output=tmp_path / "rows.csv") == 0
    message = fails("collect", series | {"protocol": "paper"}, output=tmp_path / "other.csv")
    assert "expected rows under the paper protocol; got none" in message


def test_the_study_left_no_other_files_and_a_log(finished: Study) -> None:
    names = {"train", "test", "w"}
    expected = {f"{name}.safetensors" for name in names} | {"train.json", "test.json", "subset.json"}
    assert {path.name for path in finished.folder.iterdir()} == expected | {
        *("h.csv", "fgsm.csv", "rows.csv", "train.log")
    }
    assert load_model(finished.weights)[1]["model"] == "small-flexible"
    assert "small-flexible 1 corrected: 80/80 images" in (finished.folder / "train.log").read_text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "smal"}, f"network: expected one of {sorted(NETWORKS)}; got 'smal'"),
        ({"options": {"widht": 1}}, "network 'small': expected options among ["),
        ({"recipe": {"epoch": 1}}, "recipe: expected keys among ["),
        ({"recipe": {**RECIPE, "flip": 2}}, "recipe.flip: expected a probability in [0, 1]; got 2"),
        (
            {"network": "vgg16", "options": {}},
            "expected images of shape (3, 32, 32) for network 'vgg16'; got (1,",
        ),
        ({"options": {"classes": 3}}, "expected at most 3 classes for network 'small'; got 10"),
    ],
)
def test_a_training_job_that_cannot_start_says_why(
    changes: dict[str, Any], message: str, finished: Study, fails: Fails, tmp_path: Path
) -> None:
    files = {**finished.train_files, "weights": tmp_path / "w.safetensors", "history": tmp_path / "h.csv"}
    assert message in fails("train", train_settings(**changes), **files)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epsilons": [0, -0.1]}, "epsilon of the list epsilons: expected >= 0; got -0.1"),
        ({"epsilons": []}, "epsilons: expected at least one value, none of them twice; got []"),
        ({"space": "pixels"}, "space: expected one of ['normalised', 'pixel']; got 'pixels'"),
        ({"clamp": "loose"}, "clamp: expected one of ['valid']; got 'loose'"),
        ({"loss": "hinge"}, "loss: expected one of ["),
        ({"draws": 0}, "draws: expected a whole number >= 1; got 0"),
        ({"drwas": 1}, "fgsm: expected the keys ["),
    ],
)
def test_an_attack_that_is_not_allowed_is_named(
    changes: dict[str, Any], message: str, finished: Study, fails: Fails, tmp_path: Path
) -> None:
    files = {**finished.fgsm_files, "output": tmp_path / "fgsm.csv"}
    assert message in fails("fgsm", fgsm_settings(**changes), **files)


def test_images_of_another_size_are_refused(finished: Study, fails: Fails, tmp_path: Path) -> None:
    small = load_arrays(finished.test)
    cut = tmp_path / "cut.safetensors"
    save_arrays(cut, ImageArrays(small.images[:, :, 2:-2, 2:-2], small.labels, small.classes))
    files = {**finished.fgsm_files, "test": cut, "output": tmp_path / "fgsm.csv"}
    message = fails("fgsm", fgsm_settings(), **files)
    assert f"{cut}: expected images of shape (1, 28, 28) for network 'small'; got (1, 24, 24)" in message


READ = {"train": ("training", "test", "subset"), "fgsm": ("test", "subset", "weights")}


@pytest.mark.parametrize(("stage", "name"), [(stage, name) for stage in READ for name in READ[stage]])
def test_a_missing_or_damaged_file_is_named(
    stage: str, name: str, finished: Study, fails: Fails, tmp_path: Path
) -> None:
    files = dict(finished.train_files if stage == "train" else finished.fgsm_files)
    settings = train_settings() if stage == "train" else fgsm_settings()
    target = "weights" if stage == "train" else "output"
    files |= {target: tmp_path / "out.csv", "history": tmp_path / "h.csv"}
    if stage == "fgsm":
        del files["history"]
    damaged = tmp_path / f"damaged.{name}"
    assert f"{tmp_path / 'missing'}" in fails(stage, settings, **{**files, name: tmp_path / "missing"})
    damaged.write_bytes(getattr(finished, name).read_bytes()[:-50])
    assert str(damaged) in fails(stage, settings, **{**files, name: damaged})


def test_a_subset_that_asks_for_too_much_is_refused(finished: Study, fails: Fails, tmp_path: Path) -> None:
    settings = {"row": {"source": "shapes28", "per_class": 500}, "seed": 1, "run_seed": 0}
    message = fails("subset", settings, **finished.images, output=tmp_path / "s.json")
    assert "expected at least 500 images of class 0; there are 40" in message


def test_a_missing_or_empty_table_is_named(fails: Fails, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    settings = {"figure": "fig4d", "protocol": "paper", "series": {"flexible": [str(path)]}}
    assert f"{path}: expected a table of evaluated rows" in fails("collect", settings, output=tmp_path / "o")
    path.write_text("model,seed\n")
    assert f"{path}: expected at least one row; got none" in fails("collect", settings, output=tmp_path / "o")


def test_a_device_that_is_not_here_is_named(
    finished: Study, fails: Fails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEXNET_DEVICE", "tpu")
    files = {**finished.fgsm_files, "output": tmp_path / "fgsm.csv"}
    message = fails("fgsm", fgsm_settings(), **files)
    assert "device: expected one of ['cpu'" in message
    assert "got 'tpu'; use 'auto' or 'cpu'" in message


def test_the_program_ends_with_status_1_and_no_traceback(tmp_path: Path) -> None:
    """The same in a process of its own, as a workflow runs it."""
    target = tmp_path / "x.safetensors"
    settings = json.dumps({"dataset": "cifar10", "split": "test"})
    command = ["data", "--settings", settings, "--output", str(target)]
    environment = {key: value for key, value in os.environ.items() if key != "FLEXNET_DATA_MIRROR"}
    done = subprocess.run(
        [sys.executable, "-m", "flexnet", *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("flexnet data: error: expected cifar10/test from a mirror")
    assert "Traceback" not in done.stderr
