"""A dataset of three classes whose splits have names of their own, from the mirror to a figure's facts."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from flexnet.data.arrays import load_arrays
from flexnet.data.catalogue import DATASETS, Dataset
from flexnet.files import read_json, write_json
from flexnet.tables.facts import facts_path, read_facts

Call = Callable[..., int]
Fails = Callable[..., str]

THREE = Dataset(
    name="three",
    splits={"learn": (90, 60), "check": (45,), "drawn": (9,)},
    size=32,
    channels=3,
    classes=("a", "b", "c"),
    licence="none",
    citation="none",
    roles={"train": "learn", "test": "check"},
)
ROW = {"source": "three", "per_class": 15, "test_per_class": 6}
EXPECTS = {
    "training": {"dataset": "three", "split": "learn"},
    "test": {"dataset": "three", "split": "check"},
}
OPTIONS = {"classes": 3, "input_size": 16, "width": 0.25, "layer": {"scheme": "learned"}}
RECIPE = {"epochs": 2, "batch_size": 10}
ATTACK = {"space": "pixel", "clamp": "valid", "loss": "cross_entropy", "epsilons": [0, 0.1]}


@pytest.fixture(autouse=True)
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mirror has fewer training images than the official dataset."""
    monkeypatch.setitem(DATASETS, "three", THREE)
    random = np.random.default_rng(0)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    for split, number in (("learn", 60), ("check", 45), ("drawn", 9)):
        rows = []
        for _ in range(number):
            stream = io.BytesIO()
            Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(stream, "PNG")
            rows.append({"bytes": stream.getvalue(), "path": "a.png"})
        path = tmp_path / "mirror" / "three" / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        labels = pa.array([row % 3 for row in range(number)], pa.int64())
        pq.write_table(pa.table({"image": pa.array(rows, kind), "label": labels}), path)
    monkeypatch.setenv("FLEXNET_DATA_MIRROR", str(tmp_path / "mirror"))


def prepared(call: Call, folder: Path, split: str) -> Path:
    """A split in grey at half its size."""
    target = folder / f"{split}.safetensors"
    settings = {"dataset": "three", "split": split, "content": "other"}
    assert call("data", settings | {"options": {"size": 16, "channels": 1}}, output=target) == 0
    return target


def study(call: Call, folder: Path) -> dict[str, Path]:
    """All stages; files by what they are."""
    images = {"training": prepared(call, folder, "learn"), "test": prepared(call, folder, "check")}
    subset, weights = folder / "subset.json", folder / "w.safetensors"
    history, rows = folder / "h.csv", folder / "results/rows/paper/fig4d.csv"
    settings = {"row": ROW, "seed": 1, "run_seed": 0, "expects": EXPECTS}
    assert call("subset", settings, **images, output=subset) == 0
    told: dict[str, Any] = {"model": "m", "seed": 1, "network": "small", "options": OPTIONS, "recipe": RECIPE}
    files = {**images, "subset": subset, "weights": weights}
    assert call("train", {**told, "run_seed": 0}, **files, history=history) == 0
    told = {"family": "fgsm", "model": "m", "protocol": "paper", "settings": ATTACK, "asked": None}
    assert call("evaluate", told, **files, output=folder / "fgsm.csv") == 0
    run = {"weights": str(weights), "subset": str(subset), "title": "Three"}
    run["manifests"] = [str(path.with_suffix(".json")) for path in images.values()]  # type: ignore[assignment]
    told = {"family": "fgsm", "figure": "fig4d", "protocol": "paper", "band": "sem", "space": "pixel"}
    told |= {"series": {"m": [str(folder / "fgsm.csv")]}, "runs": {"m": [run]}}
    rows.parent.mkdir(parents=True)
    assert call("collect", told, output=rows) == 0
    names = {"subset": subset, "weights": weights, "history": history, "rows": rows}
    return names | {"fgsm": folder / "fgsm.csv", "outcomes": folder / "fgsm.outcomes.safetensors"}


def test_classes_and_numbers_are_those_that_are_there(call: Call, tmp_path: Path) -> None:
    made = study(call, tmp_path)
    (facts,) = read_facts(str(facts_path(made["rows"]))).series
    assert (facts.classes, facts.training_images, facts.scored_images, facts.content) == (
        3,
        45,
        18,
        "unknown",
    )
    subset = read_json(made["subset"])
    assert subset["split"] == "test"
    assert [subset["data"][role]["split"] for role in ("train", "test")] == ["learn", "check"]
    labels = load_arrays(tmp_path / "check.safetensors").labels[subset["scored"]]
    assert np.bincount(labels).tolist() == [6, 6, 6]
    manifest = read_json(tmp_path / "learn.json")
    assert (manifest["n"], manifest["shape"], manifest["class_counts"]) == (
        *(60, [1, 16, 16]),
        {"a": 20, "b": 20, "c": 20},
    )


def test_all_seeds_are_scored_on_the_same_held_out_images(call: Call, tmp_path: Path) -> None:
    """What a seed trains on is its own; what is held out never changes, or seeds could not be compared."""
    images = {"training": prepared(call, tmp_path, "learn"), "test": prepared(call, tmp_path, "check")}
    row = {"source": "three", "per_class": 5, "holdout_per_class": 6, "score": "holdout"}
    found = []
    for seed in (1, 2):
        settings = {"row": row, "seed": seed, "run_seed": 0, "expects": EXPECTS}
        assert call("subset", settings, **images, output=tmp_path / "s.json") == 0
        found.append(read_json(tmp_path / "s.json"))
    assert found[0]["scored"] == found[1]["scored"]
    assert found[0]["training"] != found[1]["training"]
    assert {(each["split"], len(each["scored"]), len(each["training"])) for each in found} == {
        ("train", 18, 15)
    }
    assert not any(set(each["scored"]) & set(each["training"]) for each in found)


def test_a_study_whose_images_stream_writes_the_same_bytes(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    for name, limit in (("kept", "1"), ("moving", "0")):
        (tmp_path / name).mkdir()
        monkeypatch.setenv("FLEXNET_IMAGE_MEMORY", limit)
        made = study(call, tmp_path / name)
        written.append({key: made[key].read_bytes() for key in made})
    assert written[0] == written[1]


def test_a_network_with_fewer_logits_than_classes_is_refused(
    call: Call, fails: Fails, tmp_path: Path
) -> None:
    files = {**study(call, tmp_path), **{"training": tmp_path / "learn.safetensors"}}
    files = {key: files[key] for key in ("training", "subset")} | {"test": tmp_path / "check.safetensors"}
    told = {"model": "m", "seed": 1, "network": "small", "options": {**OPTIONS, "classes": 2}}
    out = {"weights": tmp_path / "v.safetensors", "history": tmp_path / "v.csv"}
    message = fails("train", {**told, "recipe": RECIPE, "run_seed": 0}, **files, **out)
    assert "expected at most 2 classes for network 'small'; got 3" in message


# --- a dataset that is only judged ------------------------------------------------------------------


def judged(call: Call, folder: Path, **row: Any) -> Path:
    """The subset file of the split that has no counterpart to train on."""
    drawn, subset = prepared(call, folder, "drawn"), folder / "drawn-subset.json"
    expects = {"test": {"dataset": "three", "split": "drawn"}}
    settings = {"row": {"source": "drawn", **row}, "seed": 1, "run_seed": 0, "expects": expects}
    assert call("subset", settings, test=drawn, output=subset) == 0
    return subset


def test_images_to_be_judged_on_are_chosen_without_any_to_train_on(call: Call, tmp_path: Path) -> None:
    found = read_json(judged(call, tmp_path, test_per_class=2))
    assert (found["training"], len(found["scored"]), found["split"]) == ([], 6, "test")
    assert set(found["data"]) == {"test"}


def test_a_network_that_was_trained_elsewhere_is_asked_about_them(call: Call, tmp_path: Path) -> None:
    made, subset = study(call, tmp_path), judged(call, tmp_path)
    told = {"family": "fgsm", "model": "m", "protocol": "paper", "settings": ATTACK, "asked": None}
    drawn = tmp_path / "drawn.safetensors"
    files = {"training": drawn, "test": drawn, "subset": subset, "weights": made["weights"]}
    assert call("evaluate", told, **files, output=tmp_path / "drawn.csv") == 0
    assert (tmp_path / "drawn.csv").read_text().splitlines()[1].split(",")[5] == "9"


def test_no_network_is_trained_on_them(call: Call, fails: Fails, tmp_path: Path) -> None:
    subset, drawn = judged(call, tmp_path), tmp_path / "drawn.safetensors"
    told = {"model": "m", "seed": 1, "network": "small", "options": OPTIONS, "recipe": RECIPE, "run_seed": 0}
    files = {"training": drawn, "test": drawn, "subset": subset, "weights": tmp_path / "v.safetensors"}
    message = fails("train", told, **files, history=tmp_path / "v.csv")
    assert f"{subset}: expected images to train on; got none, its dataset can only be judged on" in message


def test_a_file_that_lost_its_training_images_is_not_taken_for_such_a_dataset(
    call: Call, fails: Fails, tmp_path: Path
) -> None:
    made = study(call, tmp_path)
    write_json(made["subset"], {**read_json(made["subset"]), "training": []})
    told = {"model": "m", "seed": 1, "network": "small", "options": OPTIONS, "recipe": RECIPE, "run_seed": 0}
    images = {"training": tmp_path / "learn.safetensors", "test": tmp_path / "check.safetensors"}
    files = {**images, "subset": made["subset"], "weights": tmp_path / "v.safetensors"}
    message = fails("train", told, **files, history=tmp_path / "v.csv")
    assert "subset.json: training: expected a list of places in the split, from 0; got []" in message


def test_training_images_that_are_asked_for_must_be_there(call: Call, fails: Fails, tmp_path: Path) -> None:
    drawn = prepared(call, tmp_path, "drawn")
    expects = {"test": {"dataset": "three", "split": "drawn"}}
    for key in ("per_class", "holdout_per_class"):
        settings = {"row": {"source": "drawn", key: 2}, "seed": 1, "run_seed": 0, "expects": expects}
        message = fails("subset", settings, test=drawn, output=tmp_path / "s.json")
        assert f"{key}: expected nothing of training images where there are none; got 2" in message


def test_another_number_of_images_than_the_catalogue_accepts_is_refused(
    fails: Fails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DATASETS, "three", replace(THREE, splits={**THREE.splits, "learn": (90,)}))
    told = {"dataset": "three", "split": "learn", "content": "other"}
    message = fails("data", told, output=tmp_path / "a.safetensors")
    assert "expected 90 images in three/learn" in message
    assert json.dumps(60) in message
