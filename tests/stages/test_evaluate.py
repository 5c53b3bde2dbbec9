"""The stage that asks trained models, all seeds of one, from its command line to its table."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from flexnet.corruptions import corrupt
from flexnet.data.arrays import ImageArrays, load_arrays
from flexnet.data.manifest import manifest_of, store
from flexnet.errors import DataError
from flexnet.evaluation.accuracy import correct_per_image
from flexnet.families.registry import family_of
from flexnet.files import write_json
from flexnet.networks.registry import build
from flexnet.stages.command import main
from flexnet.stages.evaluate import _subjects, some_of
from flexnet.tables.columns import rows_of
from flexnet.tables.frames import read_checked
from flexnet.tables.outcomes import outcomes_path, read_outcomes, write_outcomes
from flexnet.tables.values import read_values
from flexnet.training.batches import DeviceImages, digest_of
from flexnet.training.checkpoint import load_model, read_tensors, save_model, save_tensors
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun
from flexnet.training.trainer import train

ATTACK = {"space": "normalised", "clamp": "loose", "loss": "cross_entropy", "epsilons": [0, 0.1]}
SPLITS = ("training", "test")
CLASSES = tuple("abcdefghij")
ORIGIN = {"dataset": "noise", "split": "test", "source": "test", "content": "generated", "content_digest": ""}
LAYERS: dict[str, dict[str, Any]] = {
    "flexible": {"scheme": "learned"},
    "uniform": {"scheme": "uniform", "value": 0.1},
    "baseline": {"scheme": "conv"},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images of sixteen pixels and two trained seeds of three small networks."""
    monkeypatch.setenv("FLEXNET_DEVICE", "cpu")
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (60, 1, 16, 16), dtype=np.uint8)
    labels = np.arange(60, dtype=np.int64) % 10
    arrays = ImageArrays(images, labels, CLASSES)
    store(tmp_path / "images.safetensors", arrays, manifest_of(arrays, **ORIGIN))
    write_json(
        tmp_path / "subset.json", {"training": list(range(60)), "scored": list(range(40)), "split": "test"}
    )
    data = DeviceImages(torch.from_numpy(images), torch.from_numpy(labels))
    for name, layer in LAYERS.items():
        options = {"input_size": 16, "width": 0.25, "layer": layer}
        for seed in (1, 2):
            run = TrainingRun(name, seed, "small", options, Recipe(epochs=1, batch_size=20, flip=0))
            weights = tmp_path / f"{name}{seed}.safetensors"
            train(run, data, data, weights, weights.with_suffix(".csv"))
    return tmp_path


def call(folder: Path, model: str, family: str, asked: Any, *, seeds: Any = (1, 2), **more: Any) -> int:
    told = {"family": family, "model": model, "protocol": "paper", "settings": ATTACK, "asked": asked}
    images = [word for name in SPLITS for word in (f"--{name}", str(folder / "images.safetensors"))]
    weights = [str(folder / f"{model}{seed}.safetensors") for seed in seeds]
    files = ["--subset", str(folder / "subset.json"), "--output", str(folder / "rows.csv")]
    settings = json.dumps({**told, **more.get("told", {})})
    return main(["evaluate", "--settings", settings, *images, *files, "--weights", *weights])


def rows_in(folder: Path, family: str) -> pd.DataFrame:
    return read_checked(folder / "rows.csv", rows_of(family_of(family)))


def test_interventions_give_a_row_for_every_seed_and_epsilon(folder: Path) -> None:
    assert call(folder, "flexible", "interventions", ["shuffled"]) == 0
    rows = rows_in(folder, "interventions")
    assert len(rows) == 2 * 2 * 2
    assert set(rows["seed"]) == {1, 2}
    assert set(rows["intervention"]) == {"trained", "shuffled"}
    assert (rows["n"] == 40).all()
    trained = rows[rows["intervention"] == "trained"]
    assert trained["threshold_shift"].max() < 0.1 < rows["threshold_shift"].max()


def test_a_sweep_has_thresholds_and_no_gates(folder: Path) -> None:
    assert call(folder, "uniform", "sweep", [0, 0.5]) == 0
    rows = rows_in(folder, "sweep")
    assert sorted(set(rows["threshold"])) == [0, 0.5]
    assert "intervention" not in rows.columns
    assert "max_share" not in rows.columns


def test_networks_without_a_gate_leave_its_numbers_empty(folder: Path) -> None:
    assert call(folder, "baseline", "interventions", None, seeds=(1,)) == 0
    rows = rows_in(folder, "interventions")
    assert set(rows["intervention"]) == {"trained"}
    assert rows["max_share"].isna().all()


def test_the_outcome_of_every_image_is_kept(folder: Path) -> None:
    """In the order of the images: those that a model gets right by itself, row by row."""
    assert call(folder, "flexible", "interventions", None) == 0
    table = read_values(folder / "rows.csv", rows_of(family_of("interventions")))
    right, images = read_outcomes(table)
    arrays = load_arrays(folder / "images.safetensors")
    scored = DeviceImages.load(arrays, list(range(40)), torch.device("cpu"))
    assert images == digest_of(scored)
    assert right.shape == (4, 40)
    for row, seed in ((0, 1), (2, 2)):
        model = load_model(folder / f"flexible{seed}.safetensors")[0]
        expected = correct_per_image(model, scored.images, scored.labels, batch_size=7, device="cpu")
        assert right[row].tolist() == expected.tolist()


@pytest.mark.parametrize("change", ["other counts", "cut", "missing"])
def test_outcomes_of_another_run_are_refused(folder: Path, change: str) -> None:
    assert call(folder, "flexible", "interventions", None) == 0
    kept = outcomes_path(folder / "rows.csv")
    if change == "other counts":
        write_outcomes(kept, np.zeros((4, 40), dtype=bool), "")
    elif change == "cut":
        kept.write_bytes(kept.read_bytes()[:-1])
    else:
        kept.unlink()
    with pytest.raises(DataError, match="rows.outcomes.safetensors: expected"):
        read_outcomes(read_values(folder / "rows.csv", rows_of(family_of("interventions"))))


def test_the_released_codes_counting_is_kept_image_by_image(folder: Path) -> None:
    odd = ATTACK | {"counting": "drop_last_of_batch", "batch": 10, "draws": 2}
    assert call(folder, "baseline", "fgsm", None, seeds=(1,), told={"settings": odd}) == 0
    table = read_values(folder / "rows.csv", rows_of(family_of("fgsm")))
    right, _ = read_outcomes(table)
    assert right.sum(axis=1).tolist() == table.values["correct"]
    assert set(table.values["n"]) == {40}


def test_weights_of_another_model_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, "flexible", "fgsm", None, told={"model": "baseline"}) == 1
    assert "expected weights of the model baseline; got those of flexible" in capsys.readouterr().err


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
    assert call(folder, "flexible", "interventions", ["shuffled"]) == 1
    error = capsys.readouterr().err
    assert f"flexible seed 2, {condition}" in error
    assert "40 of 40 images" in error
    assert not (folder / "rows.csv").exists()


@pytest.mark.parametrize(
    ("asked", "told", "message"),
    [
        (["shaken"], {}, "got 'shaken'"),
        (["shuffled", "normal(0,-1)"], {}, "deviation >= 0; got 'normal(0,-1)'"),
        (None, {"family": "intervention"}, "got 'intervention'; did you mean 'interventions'?"),
        (
            None,
            {"settings": {**ATTACK, "epsilon": 1}},
            "interventions, protocol paper: unknown key 'epsilon'",
        ),
    ],
)
def test_a_wrong_setting_is_one_message_and_no_file(
    folder: Path, asked: Any, told: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(folder, "flexible", "interventions", asked, told=told) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not (folder / "rows.csv").exists()


FOG = {"corruptions": ["fog", "gaussian_noise"], "severities": [5]}


def test_all_seeds_are_asked_side_by_side_and_written_one_after_the_other(folder: Path) -> None:
    assert call(folder, "flexible", "corruptions", None, told={"settings": FOG}) == 0
    rows = rows_in(folder, "corruptions")
    assert rows["seed"].tolist() == [1] * 3 + [2] * 3
    assert rows["corruption"].tolist() == ["none", "fog", "gaussian_noise"] * 2
    right, _ = read_outcomes(read_values(folder / "rows.csv", rows_of(family_of("corruptions"))))
    assert right.sum(axis=1).tolist() == rows["correct"].tolist()
    scored = DeviceImages.load(
        load_arrays(folder / "images.safetensors"), list(range(40)), torch.device("cpu")
    )
    for place, name in ((1, "fog"), (2, "gaussian_noise")):
        images = corrupt(scored.images[:], name, 5)
        for seed in (1, 2):
            model = load_model(folder / f"flexible{seed}.safetensors")[0]
            expected = correct_per_image(model, images, scored.labels, batch_size=40, device="cpu")
            assert right[3 * (seed - 1) + place].tolist() == expected.tolist()


def test_an_image_is_corrupted_alike_whichever_others_are_scored(folder: Path) -> None:
    found = []
    for scored in (range(40), [31, 7, 38, 2]):
        write_json(folder / "subset.json", {"training": [0], "scored": list(scored), "split": "test"})
        assert call(folder, "flexible", "corruptions", None, seeds=(1,), told={"settings": FOG}) == 0
        found.append(read_outcomes(read_values(folder / "rows.csv", rows_of(family_of("corruptions"))))[0])
    assert found[1].tolist() == found[0][:, [31, 7, 38, 2]].tolist()


def test_a_set_with_a_missing_file_is_one_message_and_no_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"settings": {**FOG, "folder": str(folder)}}
    assert call(folder, "flexible", "corruptions", None, told=told) == 1
    assert "missing are ['fog.npy', 'gaussian_noise.npy', 'labels.npy']" in capsys.readouterr().err
    assert not (folder / "rows.csv").exists()


PGD = {"space": "pixel", "clamp": "valid", "epsilons": [0.1], "steps": [3], "surrogate": "other"}


def attacked(folder: Path, *others: str, seeds: Any = (1, 2), **told: Any) -> int:
    """Ask the two flexible networks, or those of some seeds, under PGD through others."""
    told = {"family": "pgd", "model": "flexible", "protocol": "paper", "asked": None, "settings": PGD} | told
    words = [word for name in SPLITS for word in (f"--{name}", str(folder / "images.safetensors"))]
    words += ["--subset", str(folder / "subset.json"), "--output", str(folder / "rows.csv")]
    words += ["--weights", *(str(folder / f"flexible{seed}.safetensors") for seed in seeds)]
    words += ["--others", *(f"surrogate={folder / name}.safetensors" for name in others)]
    return main(["evaluate", "--settings", json.dumps(told), *words])


def outcomes_of(folder: Path, seed: int) -> list[list[bool]]:
    """Image by image, for each row of a seed under PGD."""
    table = read_values(folder / "rows.csv", rows_of(family_of("pgd")))
    right, _ = read_outcomes(table)
    return [row.tolist() for row, own in zip(right, table.values["seed"], strict=True) if own == seed]


def test_every_seed_is_attacked_through_its_own_surrogate(folder: Path) -> None:
    """Each seed by itself gives the rows that both give together."""
    for place, name in enumerate(("flexible1", "flexible2", "baseline1", "baseline2")):
        tensors, metadata = read_tensors(folder / f"{name}.safetensors")
        generator = torch.Generator().manual_seed(place)
        for part, _ in load_model(folder / f"{name}.safetensors")[0].named_parameters():
            tensors[part].normal_(generator=generator)  # after one epoch a seed answers all images alike
        save_tensors(folder / f"{name}.safetensors", tensors, metadata)
    images = load_arrays(folder / "images.safetensors").images
    with torch.inference_mode():  # the second seed is right about all of them
        told = load_model(folder / "flexible2.safetensors")[0].eval()(torch.from_numpy(images) / 255)
    arrays = ImageArrays(images, told.argmax(1).numpy(), CLASSES)
    store(folder / "images.safetensors", arrays, manifest_of(arrays, **ORIGIN))
    assert attacked(folder, "baseline1", "baseline2") == 0
    both, second = rows_in(folder, "pgd"), outcomes_of(folder, 2)
    assert set(both["attack"]) == {"none", "white", "black"}
    assert attacked(folder, "baseline1", "baseline1") == 0
    first = rows_in(folder, "pgd")
    assert both[both["seed"] == 1].equals(first[first["seed"] == 1])
    assert outcomes_of(folder, 2) != second  # the other's surrogate is another
    assert attacked(folder, "baseline2", seeds=(2,)) == 0
    assert outcomes_of(folder, 2) == second
    assert attacked(folder, "flexible1", "flexible2") == 0  # its own gradient twice
    own = rows_in(folder, "pgd").set_index("attack")["correct"]
    assert own["white"].tolist() == own["black"].tolist()
    assert attacked(folder, "flexible2", "flexible1") == 0  # each the other's
    crossed = rows_in(folder, "pgd").set_index("attack")["correct"]
    assert crossed["white"].tolist() != crossed["black"].tolist()


def test_as_many_surrogates_as_seeds_are_needed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert attacked(folder, "baseline1") == 1
    error = capsys.readouterr().err
    assert "--others surrogate: expected a file for each of the 2 files of --weights; got 1" in error


def test_a_surrogate_for_other_images_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"input_size": 14, "width": 0.25, "layer": LAYERS["baseline"]}
    network = build("small", **options)
    save_model(folder / "wide1.safetensors", network, "small", options, model="wide", seed="1")
    assert attacked(folder, "wide1", "wide1") == 1
    error = capsys.readouterr().err
    assert "expected a network for images of (channels, size, classes) (1, 16, 10)" in error
    assert "got wide for (1, 14, 10); name another surrogate" in error


def test_some_of_the_images_are_the_same_for_all_and_of_all_classes(folder: Path) -> None:
    assert attacked(folder, "baseline1", "baseline2", settings={**PGD, "images": 12}) == 0
    table = read_values(folder / "rows.csv", rows_of(family_of("pgd")))
    right, images = read_outcomes(table)
    assert right.shape == (6, 12)
    arrays = load_arrays(folder / "images.safetensors")
    scored = DeviceImages.load(arrays, list(range(40)), torch.device("cpu"))
    few = some_of(scored, 12)
    assert images == digest_of(few)
    # Labels go round by tens: every fourth image would be of five classes.
    assert len(set(few.labels.tolist())) > 5
    assert some_of(scored, 40) is some_of(scored, None) is scored


def test_some_of_the_images_keep_their_numbers_in_their_set(folder: Path) -> None:
    """By its number an image is found in a corrupted set, and by it what is random in it is drawn."""
    chosen = [(7 * place) % 60 for place in range(40)]
    write_json(folder / "subset.json", {"training": [0], "scored": chosen, "split": "test"})
    images = folder / "images.safetensors"
    files = Namespace(
        weights=[folder / "baseline1.safetensors"], others=None, subset=folder / "subset.json",
        **dict.fromkeys(SPLITS, images),
    )  # fmt: skip
    (asked,) = _subjects("baseline", files, torch.device("cpu"), 12)
    assert asked.numbers is not None
    assert len(asked.numbers) == 12
    assert np.array_equal(asked.scored.images[:].numpy(), load_arrays(images).images[list(asked.numbers)])
