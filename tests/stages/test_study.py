"""A small study through the command line adds up, and what cannot start says why."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flexnet.data.arrays import load_arrays, save_arrays
from flexnet.files import read_json, write_json
from flexnet.training.checkpoint import load_model, read_tensors, save_tensors

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
SPLITS = {"training": "train", "test": "test"}
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
    names = {"family": "fgsm", "model": "small-flexible", "protocol": "corrected", "asked": None}
    return names | {"settings": {**FGSM, **changes}}


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
        assert call("evaluate", fgsm_settings(), **study.fgsm_files, log=log) == 0
        run = {
            "weights": str(study.weights),
            "subset": str(study.subset),
            "manifests": [str(path.with_suffix(".json")) for path in study.images.values()],
            "title": "drawn objects",
        }
        settings = {"family": "fgsm", "figure": "fig4d", "protocol": "corrected", "series": series}
        settings |= {"band": "interval", "space": "pixel", "runs": {"flexible": [run]}}
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


def test_rows_of_another_protocol_are_refused(
    fails: Fails, finished: Study, told: dict[str, Any], tmp_path: Path
) -> None:
    """The evaluated rows are of the corrected protocol."""
    series = {"flexible": [str(finished.fgsm_files["output"])]}
    settings = {"family": "fgsm", "series": series, "figure": "fig4d", "protocol": "paper", **told}
    message = fails("collect", settings, output=tmp_path / "other.csv")
    assert "expected rows under the paper protocol; got those of ['corrected']" in message


def test_the_study_left_no_other_files_and_a_log(finished: Study) -> None:
    names = {"train", "test", "w", "fgsm.outcomes"}
    expected = {f"{name}.safetensors" for name in names} | {"train.json", "test.json", "subset.json"}
    assert {path.name for path in finished.folder.iterdir()} == expected | {
        *("h.csv", "fgsm.csv", "rows.csv", "rows.facts.json", "train.log")
    }
    assert load_model(finished.weights)[1]["model"] == "small-flexible"
    assert "small-flexible fgsm corrected: 80/80 images" in (finished.folder / "train.log").read_text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "smal"}, "network: expected a network; got 'smal'; did you mean 'small'?"),
        ({"options": {"widht": 1}}, "network 'small': unknown key 'widht'; expected keys among ["),
        ({"recipe": {"epoch": 1}}, "recipe: unknown key 'epoch'; expected keys among ["),
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
        ({"epsilons": [0, -0.1]}, "epsilons.1: expected a number of at least 0; got -0.1"),
        ({"epsilons": []}, "epsilons: expected a list of numbers, at least one; got []"),
        ({"space": "pixels"}, "space: expected one of ['normalised', 'pixel']; got 'pixels'"),
        ({"clamp": "loose"}, "clamp: expected 'valid', the only clamp of the space 'pixel'; got 'loose'"),
        ({"epsilons": [0, 8]}, "epsilons.1: expected at most 1, the whole range of the space 'pixel'; got 8"),
        ({"space": "normalised", "epsilons": [4]}, "epsilon of an attack: expected at most 2, the width"),
        ({"loss": "hinge"}, "loss: expected one of ["),
        ({"draws": 0}, "draws: expected a whole number of at least 1; got 0"),
        ({"drwas": 1}, "fgsm, protocol corrected: unknown key 'drwas'; expected keys among ["),
    ],
)
def test_an_attack_that_is_not_allowed_is_named(
    changes: dict[str, Any], message: str, finished: Study, fails: Fails, tmp_path: Path
) -> None:
    files = {**finished.fgsm_files, "output": tmp_path / "fgsm.csv"}
    assert message in fails("evaluate", fgsm_settings(**changes), **files)


def shapes(split: str, **options: int) -> dict[str, Any]:
    """Settings that generate a small split of the embedded dataset."""
    return {"dataset": "shapes", "split": split, "options": {"n": 100, "size": 28, "channels": 1} | options}


def test_images_of_another_size_are_refused(
    finished: Study, call: Call, fails: Fails, tmp_path: Path
) -> None:
    cut, chosen = tmp_path / "cut.safetensors", tmp_path / "subset.json"
    assert call("data", shapes("test", size=24), output=cut) == 0
    write_json(chosen, {key: value for key, value in read_json(finished.subset).items() if key != "data"})
    files = {**finished.fgsm_files, "test": cut, "subset": chosen, "output": tmp_path / "fgsm.csv"}
    message = fails("evaluate", fgsm_settings(), **files)
    assert f"{cut}: expected images of shape (1, 28, 28) for network 'small'; got (1, 24, 24)" in message


def test_weights_that_are_no_numbers_stop_the_job(finished: Study, fails: Fails, tmp_path: Path) -> None:
    tensors, metadata = read_tensors(finished.weights)
    tensors["head.1.weight"][0, 0] = torch.nan
    spoilt = tmp_path / "w.safetensors"
    save_tensors(spoilt, tensors, metadata)
    files = {**finished.fgsm_files, "weights": spoilt, "output": tmp_path / "fgsm.csv"}
    message = fails("evaluate", fgsm_settings(), **files)
    condition = "small-flexible seed 1, protocol corrected, epsilon 0, draw 0"
    assert (
        f"{condition}: expected finite logits, losses and gradients; got NaN or infinity for 80 of 80"
        in message
    )


def copied(study: Study, name: str, folder: Path, target: str) -> Path:
    """Copy an arrays file of a study with its manifest, under another name."""
    for ending in (".safetensors", ".json"):
        shutil.copy(getattr(study, name).with_suffix(ending), folder / f"{target}{ending}")
    return folder / f"{target}.safetensors"


@pytest.mark.parametrize("stage", ["subset", "train", "evaluate"])
@pytest.mark.parametrize(
    "change", ["pixel", "label", "manifest", "no manifest", "foreign", "split", "dataset"]
)
def test_images_that_are_not_what_was_prepared_are_refused(
    stage: str, change: str, finished: Study, call: Call, fails: Fails, tmp_path: Path
) -> None:
    """Before anything is chosen, trained or scored: changed bytes, exchanged files, another dataset's."""
    test = copied(finished, "test", tmp_path, "test")
    beside, arrays = test.with_suffix(".json"), load_arrays(test)
    if change == "pixel":
        arrays.images[3, 0, 14, 14] ^= 128
    elif change == "label":
        arrays.labels[0] = (arrays.labels[0] + 1) % 10
    if change in ("pixel", "label"):
        save_arrays(test, arrays)
    elif change == "manifest":
        write_json(beside, {**read_json(beside), "sha256": "0" * 64})
    elif change == "no manifest":
        beside.unlink()
    elif change == "foreign":
        beside.write_text('{"mine": 1}')
    elif change == "split":
        test = copied(finished, "training", tmp_path, "test")
    else:
        assert call("data", shapes("test", seed=5), output=test) == 0
        write_json(beside, {**read_json(beside), "dataset": "mnist"})
    files = {
        "subset": {"training": finished.training, "test": test, "output": tmp_path / "s.json"},
        "train": {
            **finished.train_files,
            "test": test,
            "weights": tmp_path / "w.safetensors",
            "history": tmp_path / "h.csv",
        },
        "evaluate": {**finished.fgsm_files, "test": test, "output": tmp_path / "fgsm.csv"},
    }[stage]
    expects = {name: {"dataset": "shapes", "split": split} for name, split in SPLITS.items()}
    row = {"source": "shapes28", "per_class": 30, "test_per_class": 8}
    settings = {
        "subset": {"row": row, "seed": 1, "run_seed": 0, "expects": expects},
        "train": train_settings(),
        "evaluate": fgsm_settings(),
    }[stage]
    message = fails(stage, settings, **files)
    assert str(test) in message or str(beside) in message
    named = {
        "pixel": "sha256",
        "label": "sha256",
        "manifest": "sha256",
        "no manifest": "there is no such file",
        "foreign": "got ['mine']",
        "split": "'train'",
        "dataset": "'mnist'",
    }
    assert named[change] in message


def test_without_expectations_exchanged_splits_are_still_refused(
    finished: Study, fails: Fails, tmp_path: Path
) -> None:
    settings = {"row": {"source": "shapes28"}, "seed": 1, "run_seed": 0}
    exchanged = {"training": finished.test, "test": finished.training}
    message = fails("subset", settings, **exchanged, output=tmp_path / "s.json")
    assert f"expected {finished.test} to have split 'train'; test.json beside it says 'test'" in message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training": ["1"]}, "training: expected a list of places in the split"),
        ({"scored": None}, "scored: expected a list of places in the split"),
        ({"training": [True]}, "training: expected a list of places in the split"),
        ({"split": "val"}, "split: expected train or test; got 'val'"),
        ({"training": [400]}, "subset: expected indices of the 400 images; got 1 indices up to 400"),
    ],
)
def test_a_subset_that_was_edited_is_refused(
    changes: dict[str, Any], message: str, finished: Study, fails: Fails, tmp_path: Path
) -> None:
    path = tmp_path / "subset.json"
    write_json(path, {**read_json(finished.subset), **changes})
    files = {**finished.train_files, "subset": path, "weights": tmp_path / "w", "history": tmp_path / "h.csv"}
    assert message in fails("train", train_settings(), **files)


READ = {"train": ("training", "test", "subset"), "evaluate": ("test", "subset", "weights")}


@pytest.mark.parametrize(("stage", "name"), [(stage, name) for stage in READ for name in READ[stage]])
def test_a_missing_or_damaged_file_is_named(
    stage: str, name: str, finished: Study, fails: Fails, tmp_path: Path
) -> None:
    files = dict(finished.train_files if stage == "train" else finished.fgsm_files)
    settings = train_settings() if stage == "train" else fgsm_settings()
    target = "weights" if stage == "train" else "output"
    files |= {target: tmp_path / "out.csv", "history": tmp_path / "h.csv"}
    if stage == "evaluate":
        del files["history"]
    damaged = tmp_path / f"damaged.{name}"
    assert f"{tmp_path / 'missing'}" in fails(stage, settings, **{**files, name: tmp_path / "missing"})
    damaged.write_bytes(getattr(finished, name).read_bytes()[:-50])
    assert str(damaged) in fails(stage, settings, **{**files, name: damaged})


def test_a_subset_that_asks_for_too_much_is_refused(finished: Study, fails: Fails, tmp_path: Path) -> None:
    settings = {"row": {"source": "shapes28", "per_class": 500}, "seed": 1, "run_seed": 0}
    message = fails("subset", settings, **finished.images, output=tmp_path / "s.json")
    assert "expected at least 500 images of class 0; there are 40" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"split": "val"}, "split: expected train or test; got 'val'"),
        ({"scored": [0, 1.5]}, "scored: expected a list of places in the split, from 0; got 1.5"),
        ({"scored": [0, 1, 0]}, "scored: expected every image once; got one twice"),
        ({"training": [True]}, "training: expected a list of places in the split, from 0; got True"),
        ({"training": "all"}, "training: expected a list of places in the split, from 0; got all"),
        ({"training": []}, "training: expected a list of places in the split, from 0; got []"),
        ({"seed": 1}, "expected the keys training, scored and split; check the path"),
    ],
)
def test_a_subset_that_would_choose_other_images_is_refused(
    content: dict[str, Any], message: str, finished: Study, fails: Fails, tmp_path: Path
) -> None:
    path = tmp_path / "subset.json"
    path.write_text(json.dumps({**read_json(finished.subset), **content}))
    files = {**finished.fgsm_files, "subset": path, "output": tmp_path / "fgsm.csv"}
    assert f"{path}: {message}" in fails("evaluate", fgsm_settings(), **files)


def test_a_missing_or_empty_table_is_named(fails: Fails, told: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    series = {"flexible": [str(path)]}
    settings = {"family": "fgsm", "figure": "fig4d", "protocol": "paper", "series": series, **told}
    assert f"{path}: expected a table here; found no file" in fails(
        "collect", settings, output=tmp_path / "o"
    )
    path.write_text("model,seed,protocol,epsilon,draw,n,correct,accuracy\n")
    assert f"{path}: expected at least one row; got none" in fails("collect", settings, output=tmp_path / "o")


def test_a_device_that_is_not_here_is_named(
    finished: Study, fails: Fails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEXNET_DEVICE", "tpu")
    files = {**finished.fgsm_files, "output": tmp_path / "fgsm.csv"}
    message = fails("evaluate", fgsm_settings(), **files)
    assert "device: expected one of ['cpu'" in message
    assert "got 'tpu'; use 'auto' or 'cpu'" in message


def test_the_program_ends_with_status_1_and_no_traceback(tmp_path: Path) -> None:
    """The same in a process of its own, as a workflow runs it."""
    target = tmp_path / "x.safetensors"
    settings = json.dumps({"dataset": "cifar10", "split": "test"})
    command = ["data", "--settings", settings, "--output", str(target)]
    environment = {key: value for key, value in os.environ.items() if key != "FLEXNET_DATA_MIRROR"}
    done = subprocess.run(
        [sys.executable, "-m", "flexnet", "stage", *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("flexnet data: error: expected cifar10/test from a mirror")
    assert "Traceback" not in done.stderr
