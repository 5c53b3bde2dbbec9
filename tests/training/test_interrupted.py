"""Runs that are killed or told to end, whatever the network: the weights are those of an unbroken run.

Children are forked from a server that has torch loaded already, because importing it would take longer
than all the training here.
"""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from flexnet.errors import BusyError, DataError, Stopped, TrainingError
from flexnet.layers.flexible import SCHEMES
from flexnet.networks.registry import networks
from flexnet.training.batches import DeviceImages
from flexnet.training.checkpoint import DIGEST, Checkpoint, digest_of, read_tensors, save_tensors
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun
from flexnet.training.trainer import Trainer, train

SIZES = {
    **{"vgg16": (3, 32), "small": (1, 12), "hmax": (1, 11), "surrogate": (3, 8)},
    **{"lenet": (1, 28), "resnet": (3, 32), "densenet": (3, 32)},
}
RECIPE = Recipe(epochs=2, batch_size=8, learning_rate=0.01, step_size=1, evaluate_every=2)
N, SCORED = 24, 20
FILES = ("w.safetensors", "h.csv")


def layer(scheme: str) -> dict[str, Any]:
    return {"scheme": scheme, **({"value": 0.1} if scheme == "uniform" else {})}


def variants() -> dict[str, tuple[str, dict[str, Any]]]:
    """Every network of the registry, with every scheme where it has a layer."""
    found: dict[str, tuple[str, dict[str, Any]]] = {
        "vgg16 none": ("vgg16", {"width": 1 / 16}),
        "vgg16 all": ("vgg16", {"width": 1 / 16, "flexible": "all", "layer": layer("learned")}),
        "hmax template": ("hmax", {"width": 1 / 400}),
        "hmax conv": ("hmax", {"width": 1 / 400, "c1": "conv", "s2": "conv"}),
        "surrogate": ("surrogate", {"width": 1 / 16}),
        "lenet": ("lenet", {}),
        "resnet pushpull": ("resnet", {"depth": 8, "layer": {"kind": "pushpull", "alpha": "learned"}}),
        "densenet": ("densenet", {"depth": 10, "growth": 4}),
        # Their batches are attacked; the fixed part of HMAX is then none.
        "small attacked": ("small", {"width": 1 / 4, "layer": layer("random")}),
        "hmax attacked": ("hmax", {"width": 1 / 400}),
    }
    for scheme in SCHEMES:
        options = {"layer": layer(scheme)}
        found[f"vgg16 {scheme}"] = "vgg16", {"width": 1 / 16, "flexible": "single", **options}
        found[f"small {scheme}"] = "small", {"width": 1 / 4, **options}
        found[f"hmax {scheme}"] = "hmax", {"width": 1 / 400, "c1": "flexible", "s2": "flexible", **options}
    return found


VARIANTS = variants()
# All variants in both precisions: in turn, one is stopped from within and the other killed with signal 9.
PRECISIONS = ("float32", "bf16")
STOPPED = [(name, PRECISIONS[1 - place % 2]) for place, name in enumerate(VARIANTS)]
KILLED = [(name, PRECISIONS[place % 2]) for place, name in enumerate(VARIANTS)]


def run_of(name: str, precision: str) -> TrainingRun:
    network, options = VARIANTS[name]
    channels, size = SIZES[network]
    options = {**options, "channels": channels, "input_size": size}
    flip = 0.0 if network == "hmax" else 0.5
    attack = {"kind": "pgd", "epsilon": 0.1, "steps": 2} if name.endswith("attacked") else None
    recipe = replace(RECIPE, precision=precision, flip=flip, adversarial=attack)
    return TrainingRun("tiny", 1, network, options, recipe, checkpoint_seconds=0.0)


def images(run: TrainingRun, n: int, seed: int) -> DeviceImages:
    channels, size = SIZES[run.network]
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, size=(n, channels, size, size), dtype=np.uint8)
    return DeviceImages(torch.from_numpy(pixels), torch.arange(n) % 10)


def work(run: TrainingRun, folder: Path) -> None:
    """Train in a folder, as a job does: one thread, no subnormal numbers."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    if multiprocessing.parent_process() is not None:  # a child; where tests run under nohup it heeds nothing
        for number in (signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
    train(run, images(run, N, 0), images(run, SCORED, 1), folder / FILES[0], folder / FILES[1])


def steps_of(run: TrainingRun) -> int:
    return run.recipe.epochs * -(-N // run.recipe.batch_size)


class StopAt:
    """An event that is set when it was asked a number of times: once per step and per scored batch."""

    def __init__(self, asked: int) -> None:
        self.left = asked

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


def interrupted(run: TrainingRun, folder: Path, moments: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Train, stopped at each of the moments and taken up again."""
    for moment in [*moments, 10**6]:
        with monkeypatch.context() as patched:
            patched.setattr(Trainer, "__init__", _stopping(Trainer.__init__, moment))
            try:
                work(run, folder)
            except Stopped:
                assert not (folder / FILES[0]).exists()


def _stopping(original: Any, moment: int) -> Any:
    def init(self: Trainer, run: Any, device: Any, checkpoint: Any, stop: Any = None) -> None:
        original(self, run, device, checkpoint, StopAt(moment))

    return init


def same_files(first: Path, second: Path) -> None:
    for name in FILES:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    left = sorted(path.name for path in second.iterdir() if path.name not in FILES)
    assert left == [], left


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    return whole, broken


def test_every_network_is_here() -> None:
    assert {network for network, _ in VARIANTS.values()} == set(networks())


@pytest.mark.parametrize(("name", "precision"), STOPPED, ids=map(" ".join, STOPPED))
def test_a_stopped_run_ends_with_the_same_bytes(
    name: str, precision: str, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, (whole, broken) = run_of(name, precision), folders
    work(replace(run, checkpoint_seconds=1e9), whole)
    chance = random.Random(name + precision)
    moments = [chance.randrange(1, steps_of(run) // 2) for _ in range(2)]
    interrupted(run, broken, moments, monkeypatch)
    same_files(whole, broken)


class Twice(nn.Module):
    """A network of one's own that uses one layer twice."""

    def __init__(self) -> None:
        super().__init__()
        shared = nn.Conv2d(1, 1, 3, padding=1)
        self.first, self.second, self.head = shared, shared, nn.Linear(28 * 28, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of images (N, 1, 28, 28)."""
        logits: Tensor = self.head(self.second(self.first(images).relu()).flatten(1))
        return logits


def test_a_layer_that_is_used_twice_is_saved_under_both_names(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Safetensors refuses tensors that share memory, which would be told after hours of training."""
    monkeypatch.setattr("flexnet.training.trainer.build_model", lambda run: Twice())
    run, (whole, broken) = run_of("lenet", "float32"), folders
    work(replace(run, checkpoint_seconds=1e9), whole)
    interrupted(run, broken, [2, 1], monkeypatch)
    same_files(whole, broken)
    tensors, _ = read_tensors(whole / FILES[0])
    assert torch.equal(tensors["first.weight"], tensors["second.weight"])


# What the push-pull paper trains with, in small: everything that a recipe can say beyond the first paper's.
AUGMENT = [{"kind": "crop", "padding": 2, "mode": "reflect"}, {"kind": "flip", "probability": 0.5}]
PUSH_PULL = Recipe(
    epochs=3,
    batch_size=7,
    learning_rate=0.01,
    nesterov=True,
    schedule={"kind": "milestones", "epochs": [1, 2], "factor": 0.1},
    augment=AUGMENT,
    evaluate_every=2,
)
RESIZED = replace(PUSH_PULL, augment=[{"kind": "resized_crop", "scale": [0.3, 1]}, *AUGMENT])


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("small learned", PUSH_PULL),
        ("vgg16 learned", PUSH_PULL),
        ("vgg16 random", replace(RESIZED, precision="bf16")),
    ],
    ids=["small", "vgg16", "resized"],
)
def test_a_run_with_all_that_a_recipe_can_say_ends_with_the_same_bytes_wherever_it_is_stopped(
    name: str, recipe: Recipe, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, (whole, broken) = replace(run_of(name, "float32"), recipe=recipe), folders
    work(replace(run, checkpoint_seconds=1e9), whole)
    # Of the epochs' four steps each, and the batches scored after the second and the third: each of the
    # first run's, then several in one run.
    for moments in [*([moment] for moment in range(1, 13)), [1, 2, 3], [5, 4, 1]]:
        interrupted(run, broken, moments, monkeypatch)
        same_files(whole, broken)
        for name_of_file in FILES:
            (broken / name_of_file).unlink()


def test_the_parts_of_that_recipe_matter(folders: tuple[Path, Path]) -> None:
    """Without any one of them other weights come out, so that a run which lost it would be noticed."""
    run = replace(run_of("small learned", "float32"), recipe=PUSH_PULL, checkpoint_seconds=1e9)
    without: list[dict[str, Any]] = [
        {},
        {"nesterov": False},
        {"schedule": {"kind": "constant"}},
        {"augment": AUGMENT[:1]},
        {"augment": AUGMENT[1:]},
        {"augment": [{**AUGMENT[0], "mode": "zeros"}, AUGMENT[1]]},
    ]
    found = []
    for changes in without:
        work(replace(run, recipe=replace(PUSH_PULL, **changes)), folders[0])
        weights, _ = read_tensors(folders[0] / FILES[0])
        found.append(torch.cat([weight.flatten() for weight in weights.values()]))
    for place, weights in enumerate(found):
        assert not any(torch.equal(weights, other) for other in found[:place])


SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload([__name__, "flexnet.training.trainer"])


def start(run: TrainingRun, folder: Path) -> BaseProcess:
    child = SERVER.Process(target=work, args=(run, folder))
    child.start()
    return child


def finish(child: BaseProcess) -> None:
    child.join(60)
    assert child.exitcode == 0


@pytest.mark.parametrize(("name", "precision"), KILLED, ids=map(" ".join, KILLED))
def test_a_killed_run_ends_with_the_same_bytes(name: str, precision: str, folders: tuple[Path, Path]) -> None:
    """kill -9 at a random moment after the first checkpoint, which may fall into writing a file."""
    run, (whole, broken) = run_of(name, precision), folders
    finish(start(replace(run, checkpoint_seconds=1e9), whole))
    victim = start(run, broken)
    side = broken / "w.checkpoint"
    while victim.is_alive() and not side.exists():
        time.sleep(0.001)
    time.sleep(random.Random(name + precision).uniform(0, 0.15))
    victim.kill()
    victim.join()
    finish(start(run, broken))
    same_files(whole, broken)


@pytest.mark.parametrize("cases", [STOPPED, KILLED], ids=["stopped", "killed"])
def test_enough_runs_are_interrupted(cases: list[tuple[str, str]]) -> None:
    assert len(cases) >= 20
    for each in PRECISIONS:
        found = {VARIANTS[name][0] for name, precision in cases if precision == each}
        assert found >= {"vgg16", "small", "hmax"}, each


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_run_that_is_told_to_end_saves_first(number: int, folders: tuple[Path, Path]) -> None:
    run, (whole, broken) = run_of("vgg16 random", "float32"), folders
    run = replace(run, recipe=replace(run.recipe, epochs=60), checkpoint_seconds=1e9)
    finish(start(run, whole))
    victim = start(run, broken)
    while victim.is_alive() and not (broken / "w.safetensors.lock").exists():
        time.sleep(0.001)
    time.sleep(0.2)
    assert victim.pid is not None
    os.kill(victim.pid, number)
    victim.join(60)
    assert victim.exitcode == 1  # an error that the child reports
    assert (broken / "w.checkpoint").exists()
    finish(start(run, broken))
    same_files(whole, broken)


def trainer_of(run: TrainingRun, checkpoint: Checkpoint) -> Trainer:
    return Trainer(run, torch.device("cpu"), checkpoint)


def test_momentum_comes_back_in_the_memory_order_of_its_parameter(tmp_path: Path) -> None:
    run = replace(run_of("vgg16 learned", "float32"), checkpoint_seconds=1e9)
    first = trainer_of(run, Checkpoint(tmp_path / "c", "a"))
    first.epoch(1, images(run, N, 0))
    first.save()
    second = trainer_of(run, Checkpoint(tmp_path / "c", "a"))
    orders = set()
    for one, other in zip(first.model.parameters(), second.model.parameters(), strict=True):
        expected, found = (
            trainer.optimiser.state[parameter]["momentum_buffer"]
            for trainer, parameter in ((first, one), (second, other))
        )
        assert torch.equal(expected, found)
        assert (found.stride(), found.dtype, found.device) == (other.stride(), other.dtype, other.device)
        orders.add(found.is_contiguous())
    assert orders == {True, False}, "some weights must be channels last for this test to mean anything"


def test_momentum_stored_in_another_type_gets_the_type_of_its_parameter(tmp_path: Path) -> None:
    run = replace(run_of("vgg16 none", "float32"), checkpoint_seconds=1e9)
    first = trainer_of(run, Checkpoint(tmp_path / "c", "a"))
    first.epoch(1, images(run, N, 0))
    first.save()
    tensors, metadata = read_tensors(tmp_path / "c")
    widened = {k: v.double() if k.startswith("momentum.") else v for k, v in tensors.items()}
    del metadata[DIGEST]
    save_tensors(tmp_path / "c", widened, {**metadata, DIGEST: digest_of(widened, metadata)})
    second = trainer_of(run, Checkpoint(tmp_path / "c", "a"))
    for parameter in second.model.parameters():
        assert second.optimiser.state[parameter]["momentum_buffer"].dtype == torch.float32
    second.epoch(1, images(run, N, 0))


def test_a_checkpoint_of_other_images_is_not_taken_up(folders: tuple[Path, Path]) -> None:
    """As many images, so that only their content tells."""
    run, (whole, broken) = run_of("small learned", "float32"), folders
    other = images(run, N, 7)
    test = images(run, SCORED, 1)
    train(run, other, test, whole / FILES[0], whole / FILES[1])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Trainer, "__init__", _stopping(Trainer.__init__, 5))
        with pytest.raises(Stopped, match="the same command goes on from there"):
            work(run, broken)
    train(run, other, test, broken / FILES[0], broken / FILES[1])
    same_files(whole, broken)


def test_a_second_job_on_the_same_weights_is_refused_and_told_who_holds_them(tmp_path: Path) -> None:
    run = run_of("vgg16 learned", "float32")
    long = replace(run, recipe=replace(run.recipe, epochs=500), checkpoint_seconds=1e9)
    holder = start(long, tmp_path)
    try:
        while not (tmp_path / "w.safetensors.lock").exists():
            time.sleep(0.01)
        time.sleep(0.2)
        with pytest.raises(BusyError, match=rf"another one does: process {holder.pid} on "):
            work(run, tmp_path)
    finally:
        holder.kill()
        holder.join()
    work(run, tmp_path)  # the lock ended with its holder
    assert not (tmp_path / "w.safetensors.lock").exists()


def test_a_broken_run_leaves_the_last_good_checkpoint(tmp_path: Path) -> None:
    run = run_of("small learned", "float32")
    run = replace(run, recipe=replace(run.recipe, epochs=9, gamma=1e12, momentum=0.0))
    with pytest.raises(TrainingError, match="no longer finite"):
        work(run, tmp_path)
    tensors, _ = read_tensors(tmp_path / "w.checkpoint")
    assert all(value.isfinite().all() for name, value in tensors.items() if name == "totals")


def test_a_logit_that_is_not_finite_ends_the_run_although_the_loss_is(tmp_path: Path) -> None:
    run = run_of("small conv", "float32")
    trainer = trainer_of(run, Checkpoint(tmp_path / "c", "a"))
    with torch.no_grad():
        trainer.model.head[-1].bias[3] = -torch.inf  # type: ignore[index,union-attr]
    data = images(run, 3, 0)  # of classes 0 to 2: their loss is finite
    with pytest.raises(TrainingError, match="tiny seed 1: logits or loss of 3 test images"):
        trainer.score(1, "test", data)


@pytest.mark.parametrize("left", [0, 1000, 10_000])
def test_a_checkpoint_that_was_cut_off_is_named_with_what_helps(left: int, tmp_path: Path) -> None:
    """To let the job run again, which is what one says of weights, would end here for ever."""
    run = run_of("small conv", "float32")
    checkpoint = Checkpoint(tmp_path / "c", "a")
    trainer_of(run, checkpoint).save()
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:left])
    with pytest.raises(DataError, match=r"got a damaged file; delete it, and the job starts anew"):
        trainer_of(run, checkpoint)


def test_a_checkpoint_with_any_other_bit_is_named_or_not_taken_up(tmp_path: Path) -> None:
    """Weights, momentum, random state, counts and history: whatever was lost, no training goes on from it."""
    run = run_of("small learned", "bf16")
    checkpoint = Checkpoint(tmp_path / "w.checkpoint", "a")
    trainer = trainer_of(run, checkpoint)
    trainer.epoch(1, images(run, N, 0))
    trainer.save()
    content, chance = checkpoint.path.read_bytes(), random.Random("bits")
    assert checkpoint.load(trainer.model, trainer.optimiser) is not None
    start = 8 + int.from_bytes(content[:8], "little")
    places = [chance.randrange(start) for _ in range(60)]
    places += [chance.randrange(start, len(content)) for _ in range(60)]
    named = 0
    for place in places:
        spoilt = bytearray(content)
        spoilt[place] ^= 1 << chance.randrange(8)
        checkpoint.path.write_bytes(spoilt)
        try:
            assert checkpoint.load(trainer.model, trainer.optimiser) is None, place
        except DataError as error:
            assert str(checkpoint.path) in str(error)
            named += 1
    assert named > 100
