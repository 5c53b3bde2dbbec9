"""The loop: it learns, repeats to the byte, resumes to the same weights, and stops when the loss breaks."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flexnet.data.arrays import ImageArrays
from flexnet.data.manifest import manifest_of, store
from flexnet.errors import DataError, TrainingError
from flexnet.files import canonical_json, write_json
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.training.batches import DeviceImages
from flexnet.training.checkpoint import load_model, read_tensors, save_tensors
from flexnet.training.recipe import Recipe
from flexnet.training.run import Run, TrainingRun, build_model
from flexnet.training.trainer import Trainer, train

RECIPE = Recipe(epochs=3, batch_size=20, learning_rate=0.05, weight_decay=0.0, flip=0.0, step_size=2)
OPTIONS: dict[str, Any] = {"input_size": 12, "width": 0.5, "layer": {"scheme": "learned"}}
RUN = TrainingRun("tiny", 1, "small", OPTIONS, RECIPE, checkpoint_seconds=0.0)


def arrays(n: int, seed: int) -> ImageArrays:
    """Grey images (n, 1, 12, 12) with a bright row whose place is the class."""
    generator = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int64) % 10
    images = generator.integers(0, 120, size=(n, 1, 12, 12), dtype=np.uint8)
    images[np.arange(n), 0, labels + 1] = 250
    return ImageArrays(images, labels, tuple("abcdefghij"))


def images(n: int, seed: int) -> DeviceImages:
    return DeviceImages.load(arrays(n, seed), None, torch.device("cpu"))


def trained(run: TrainingRun, folder: Path) -> tuple[bytes, bytes]:
    """Train in a folder; return the bytes of weights and history."""
    weights, history = folder / "w.safetensors", folder / "h.csv"
    train(run, images(200, 0), images(100, 1), weights, history, folder / "log")
    return weights.read_bytes(), history.read_bytes()


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "h.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_it_learns_and_the_history_tells(tmp_path: Path) -> None:
    trained(replace(RUN, recipe=replace(RECIPE, epochs=6)), tmp_path)
    test = [row for row in rows(tmp_path) if row["split"] == "test"]
    assert [int(row["epoch"]) for row in test] == [1, 2, 3, 4, 5, 6]
    assert float(test[-1]["accuracy"]) > 0.9
    assert all(float(row["accuracy"]) == int(row["correct"]) / int(row["n"]) for row in test)
    assert [float(row["learning_rate"]) for row in test[:3]] == pytest.approx([0.05, 0.05, 0.035])


def test_the_weights_file_scores_what_the_history_says(tmp_path: Path) -> None:
    trained(RUN, tmp_path)
    model, metadata = load_model(tmp_path / "w.safetensors")
    data = images(100, 1)
    with torch.inference_mode():
        correct = int((model(data.images.float() / 255).argmax(1) == data.labels).sum())
    assert correct == int(rows(tmp_path)[-1]["correct"])
    assert (metadata["model"], metadata["seed"], metadata["epoch"]) == ("tiny", "1", "3")


def test_training_images_are_scored_as_those_of_the_test_and_that_changes_nothing_else(
    tmp_path: Path,
) -> None:
    """A layer that draws at random: what is drawn for the one must not change what the other sees."""
    options = {**OPTIONS, "layer": {"scheme": "random"}}
    recipe = replace(RECIPE, evaluate_every=2)
    folders = {name: tmp_path / name for name in ("without", "with")}
    for name, folder in folders.items():
        folder.mkdir()
        train_it = replace(RUN, options=options, recipe=replace(recipe, score_training=name == "with"))
        trained(train_it, folder)
    tensors = [read_tensors(folder / "w.safetensors")[0] for folder in folders.values()]
    assert all(torch.equal(value, tensors[1][name]) for name, value in tensors[0].items())
    plain, both = (rows(folder) for folder in folders.values())
    assert [row for row in both if row["split"] != "train_eval"] == plain
    scored = [row for row in both if row["split"] == "train_eval"]
    assert [(row["epoch"], row["n"]) for row in scored] == [("2", "200"), ("3", "200")]


def test_scored_training_images_are_seen_by_the_network_as_it_is_after_the_epoch(tmp_path: Path) -> None:
    trained(replace(RUN, recipe=replace(RECIPE, score_training=True)), tmp_path)
    model, _ = load_model(tmp_path / "w.safetensors")
    data = images(200, 0)
    with torch.inference_mode():
        logits = model(data.images.float() / 255)
    last = [row for row in rows(tmp_path) if row["split"] == "train_eval"][-1]
    assert int((logits.argmax(1) == data.labels).sum()) == int(last["correct"])
    assert float(torch.nn.functional.cross_entropy(logits, data.labels)) == pytest.approx(float(last["loss"]))
    learning = [row for row in rows(tmp_path) if row["split"] == "train"][-1]
    assert float(learning["loss"]) != pytest.approx(float(last["loss"]), rel=1e-3)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    first, again = trained(RUN, folders[0]), trained(RUN, folders[1])
    assert first == again
    assert first[0] != trained(replace(RUN, seed=2), folders[2])[0]


def test_training_leaves_the_random_state_of_the_caller(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trained(replace(RUN, recipe=replace(RECIPE, epochs=1)), tmp_path)
    assert torch.equal(torch.rand(3), expected)


def test_a_zero_rate_would_keep_the_initial_weights(tmp_path: Path) -> None:
    recipe = replace(RECIPE, epochs=1, learning_rate=1e-30)
    trained(replace(RUN, recipe=recipe), tmp_path)
    model, _ = load_model(tmp_path / "w.safetensors")
    for name, value in build_model(RUN).state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name


def test_bf16_trains_with_weights_and_thresholds_in_float32(tmp_path: Path) -> None:
    trained(replace(RUN, recipe=replace(RECIPE, precision="bf16", epochs=6)), tmp_path)
    tensors, _ = read_tensors(tmp_path / "w.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    assert float(rows(tmp_path)[-1]["accuracy"]) > 0.9


def job(tmp_path: Path, recipe: Recipe) -> Callable[[Path], list[str]]:
    """A training job on 3,000 images of noise: its command, by the folder that its files go to."""
    for split, n in (("train", 3000), ("test", 100)):
        data = arrays(n, len(split))
        said = {"dataset": "noise", "split": split, "source": "test", "content": "generated"}
        store(tmp_path / f"{split}.safetensors", data, manifest_of(data, **said, content_digest=""))
    write_json(
        tmp_path / "s.json", {"training": list(range(3000)), "scored": list(range(100)), "split": "test"}
    )
    told: dict[str, Any] = {"network": "small", "options": OPTIONS, "recipe": recipe.told()}
    settings = {"model": "tiny", "seed": 1, "run_seed": 0, **told}

    def command(folder: Path) -> list[str]:
        files = {"weights": folder / "w.safetensors", "history": folder / "h.csv", "log": folder / "log"}
        inputs = {name: tmp_path / f"{name}.safetensors" for name in ("test",)}
        inputs |= {"training": tmp_path / "train.safetensors", "subset": tmp_path / "s.json"}
        arguments = [str(part) for name, path in {**files, **inputs}.items() for part in (f"--{name}", path)]
        settled = ["--settings", canonical_json(settings), "--threads", "1"]
        return [sys.executable, "-m", "flexnet", "stage", "train", *settled, *arguments]

    return command


def test_a_run_killed_in_the_middle_of_an_epoch_ends_with_the_same_weights(tmp_path: Path) -> None:
    """kill -9 while the loop is inside an epoch, then the same command again."""
    command = job(tmp_path, replace(RECIPE, epochs=3, batch_size=4))
    environment = os.environ | {"FLEXNET_DEVICE": "cpu"}
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    subprocess.run(command(whole), env=environment, check=True)
    victim = subprocess.Popen(command(broken), env=environment | {"FLEXNET_CHECKPOINT_SECONDS": "0"})
    checkpoint = broken / "w.checkpoint"
    deadline = time.monotonic() + 60
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    victim.send_signal(signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    assert checkpoint.exists()
    assert not (broken / "w.safetensors").exists()
    assert not (broken / "h.csv").exists()
    subprocess.run(command(broken), env=environment, check=True)
    assert "resuming after epoch" in (broken / "log").read_text()
    for name in ("w.safetensors", "h.csv"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name
    assert not checkpoint.exists()


@pytest.mark.parametrize("seconds", ["0", "1000"], ids=["checkpoint", "weights"])
def test_a_disk_that_is_full_is_one_message_that_names_the_file(seconds: str, tmp_path: Path) -> None:
    """No file may grow beyond 4 KB, so that writing fails as it does on a full disk."""
    command = job(tmp_path, replace(RECIPE, epochs=1, batch_size=1000))
    environment = os.environ | {"FLEXNET_CHECKPOINT_SECONDS": seconds, "FLEXNET_DEVICE": "cpu"}
    limited = ["sh", "-c", 'ulimit -f 8 && exec "$@"', "sh", *command(tmp_path / "full")]
    done = subprocess.run(limited, env=environment, capture_output=True, text=True)
    name = "w.checkpoint" if seconds == "0" else "w.safetensors"
    message = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert message.startswith("flexnet train: error: ")
    assert f"'{tmp_path / 'full' / name}'; there was no room for {tmp_path / 'full'}" in message
    left = {path.name for path in (tmp_path / "full").iterdir()}
    assert left <= {"log", "h.csv"}  # never half a file


def test_a_checkpoint_of_another_recipe_is_not_taken_up(tmp_path: Path) -> None:
    longer = replace(RUN, recipe=replace(RECIPE, epochs=2, learning_rate=0.01))
    (tmp_path / "a").mkdir()
    expected = trained(longer, tmp_path / "a")
    model = build_model(RUN)
    tensors = {name: value + 1 for name, value in model.state_dict().items()}
    save_tensors(tmp_path / "w.checkpoint", tensors, {"identity": "other", "epoch": "1", "history": "[]"})
    assert trained(longer, tmp_path) == expected


def test_a_loss_that_is_no_longer_finite_stops_the_job_and_names_the_last_good_state(tmp_path: Path) -> None:
    run = replace(RUN, recipe=replace(RECIPE, learning_rate=1e18, momentum=0.0))
    with pytest.raises(
        TrainingError, match=r"tiny seed 1: .*no longer finite in epoch 1; the last good checkpoint: epoch 0"
    ):
        trained(run, tmp_path)
    assert not (tmp_path / "w.safetensors").exists()
    assert not (tmp_path / "h.csv").exists()


def test_the_last_good_checkpoint_is_named_with_its_epoch(tmp_path: Path) -> None:
    late = replace(RUN, recipe=replace(RECIPE, step_size=2, gamma=1e25, momentum=0.0))
    with pytest.raises(
        TrainingError,
        match=r"in epoch 3; the last good checkpoint: epoch 2( and \d steps)? in .*checkpoint",
    ):
        trained(late, tmp_path)


def test_random_and_learned_layers_of_one_seed_see_the_same_images(tmp_path: Path) -> None:
    """The order of the images belongs to the seed, not to the model, so models pair seed by seed."""
    same = [replace(RUN, model=name, recipe=replace(RECIPE, epochs=1)) for name in ("one", "two")]
    assert build_model(same[0]).state_dict().keys() == build_model(same[1]).state_dict().keys()
    weights = [next(iter(build_model(run).parameters())) for run in same]
    assert not torch.equal(*weights)


def test_a_trained_threshold_is_saved(tmp_path: Path) -> None:
    trained(RUN, tmp_path)
    model, _ = load_model(tmp_path / "w.safetensors")
    layer = next(module for module in model.modules() if isinstance(module, FlexibleConv2d))
    assert layer.threshold.shape == (1, 6, 8, 8)


def test_a_weights_file_knows_the_run_that_wrote_it() -> None:
    run = TrainingRun("m", 4, "small", {"width": 0.1}, Recipe(epochs=3, flip=0.25), run_seed=7, code="abc")
    assert Run.from_metadata(run.metadata()) == Run("m", 4, "small", {"width": 0.1}, run_seed=7, code="abc")


def test_damaged_and_foreign_weights_are_named(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{}")
    with pytest.raises(DataError, match="damaged.safetensors: expected a complete safetensors file"):
        load_model(damaged)
    foreign = tmp_path / "foreign.safetensors"
    save_tensors(foreign, {"a": torch.zeros(1)}, {})
    with pytest.raises(DataError, match="it was not written by a training job of flexnet"):
        load_model(foreign)
    save_tensors(foreign, {"a": torch.zeros(1)}, {"network": "small", "options": "{}"})
    with pytest.raises(DataError, match="the weights do not fit the network it names"):
        load_model(foreign)


@pytest.fixture
def products() -> Iterator[Callable[[], tuple[str, bool]]]:
    """What a GPU may round in matrix products and in convolutions; as before for the next test."""

    def now() -> tuple[str, bool]:
        return torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32

    before = now()
    yield now
    torch.set_float32_matmul_precision(before[0])
    torch.backends.cudnn.allow_tf32 = before[1]


@pytest.mark.parametrize(
    ("precision", "expected"),
    [("float32", ("highest", False)), ("tf32", ("high", True)), ("bf16", ("highest", False))],
)
def test_a_gpu_rounds_to_tf32_where_the_recipe_says_so(
    precision: str,
    expected: tuple[str, bool],
    tmp_path: Path,
    products: Callable[[], tuple[str, bool]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.set_float32_matmul_precision("medium")
    torch.backends.cudnn.allow_tf32 = not expected[1]  # without a word of the recipe it is true
    found, step = [], Trainer.step

    def watched(*given: Any) -> Any:
        found.append(products())
        return step(*given)

    monkeypatch.setattr(Trainer, "step", watched)
    trained(replace(RUN, recipe=replace(RECIPE, epochs=1, precision=precision)), tmp_path)
    assert set(found) == {expected}
    assert products() == ("medium", not expected[1])  # as its caller had it
