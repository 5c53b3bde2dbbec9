"""One training run: one model and one seed, from settings to weights and history."""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from flexnet import __version__
from flexnet.errors import TrainingError
from flexnet.files import canonical_json, write_rows
from flexnet.inputs import trusted_inputs
from flexnet.networks.registry import build
from flexnet.progress import Progress
from flexnet.seeds import derive_seed
from flexnet.training.batches import DeviceImages, epoch_batches, to_unit
from flexnet.training.checkpoint import Checkpoint, save_tensors
from flexnet.training.fixed import fixed_features, trained_part
from flexnet.training.optimiser import make_optimiser, set_rate
from flexnet.training.recipe import Recipe

HISTORY = ("model", "seed", "epoch", "split", "n", "correct", "accuracy", "loss", "learning_rate")
EVALUATION_BATCH = 500
CHECK_STEPS = 50  # a loss is read back this often: each reading makes a GPU wait


@dataclass(frozen=True)
class TrainingRun:
    """Who is trained, how, and with which seed.

    Attributes:
        model: key of the model.
        seed: index of the seed, from 1.
        network: name of the network.
        options: options of the network.
        recipe: how it is trained.
        run_seed: seed of the whole study.
        code: digest of the code that trains it, kept in the metadata.
        checkpoint_seconds: least time between two checkpoints.
    """

    model: str
    seed: int
    network: str
    options: Mapping[str, Any]
    recipe: Recipe
    run_seed: int = 0
    code: str = ""
    checkpoint_seconds: float = 30.0

    def derive(self, purpose: str, *names: str | int) -> int:
        """Seed of one purpose of this run."""
        return derive_seed(self.run_seed, self.model, self.seed, purpose, *names)

    def metadata(self) -> dict[str, str]:
        """What the weights file says of itself."""
        return {
            "model": self.model,
            "seed": str(self.seed),
            "epoch": str(self.recipe.epochs),
            "network": self.network,
            "options": canonical_json(self.options),
            "recipe": canonical_json(vars(self.recipe)),
            "run_seed": str(self.run_seed),
            "code": self.code,
            "version": __version__,
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "TrainingRun":
        """The run that wrote a weights file, from what the file says of itself."""
        return cls(
            metadata["model"],
            int(metadata["seed"]),
            metadata["network"],
            json.loads(metadata["options"]),
            Recipe.from_mapping(json.loads(metadata["recipe"])),
            int(metadata["run_seed"]),
            metadata["code"],
        )


def build_model(run: TrainingRun) -> nn.Module:
    """Build the network with the weights of this run's seed; the caller's random state is kept."""
    with torch.random.fork_rng():
        torch.manual_seed(run.derive("init"))
        return build(run.network, **run.options)


def _autocast(recipe: Recipe, device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=recipe.precision == "bf16")


def _row(run: TrainingRun, epoch: int, split: str, n: int, totals: Tensor) -> dict[str, Any]:
    """History row of one epoch and split; `totals` holds summed loss and correct answers."""
    loss, correct = totals.tolist()
    return {
        "model": run.model,
        "seed": run.seed,
        "epoch": epoch,
        "split": split,
        "n": n,
        "correct": int(correct),
        "accuracy": correct / n,
        "loss": loss / n,
        "learning_rate": run.recipe.rate(epoch),
    }


def _channels_last(images: Tensor) -> Tensor:
    """Maps with their channels last in memory, which convolutions prefer; anything else as it is."""
    return images.contiguous(memory_format=torch.channels_last) if images.dim() == 4 else images


def _totals(loss: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
    """Summed loss and number of correct answers of a batch, without reading anything back."""
    correct = (logits.argmax(1) == labels).sum()
    return torch.stack([loss.detach().double() * len(labels), correct.double()])


def _require_finite(totals: Tensor, run: TrainingRun, epoch: int, checkpoint: Checkpoint) -> None:
    if not math.isfinite(float(totals[0])):
        raise TrainingError(
            f"{run.model} seed {run.seed}: the loss is no longer finite in epoch {epoch};"
            f" the last good checkpoint: {checkpoint.describe()}; lower recipe.learning_rate"
            f" (now {run.recipe.learning_rate}) or use precision float32"
        )


class Trainer:
    """The state of a run while it is trained."""

    def __init__(self, run: TrainingRun, device: torch.device, checkpoint: Checkpoint) -> None:
        self.run, self.device, self.checkpoint = run, device, checkpoint
        self.model = build_model(run).to(device)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimiser = make_optimiser(self.model, run.recipe)
        part = trained_part(self.model, run.recipe)
        self.caches = part is not None
        self.forward: Any = part or self.model
        if run.recipe.compile:
            self.forward = torch.compile(self.forward)
        self.history: list[dict[str, Any]] = checkpoint.load(self.model, self.optimiser) or []

    def prepare(self, data: DeviceImages) -> DeviceImages:
        """Replace images by what the fixed part of the network makes of them, if it has one."""
        return fixed_features(self.model, data) if self.caches else data

    def score(self, epoch: int, data: DeviceImages) -> dict[str, Any]:
        """Score the model on prepared test images after an epoch."""
        self.model.eval()
        totals = torch.zeros(2, dtype=torch.float64, device=self.device)
        with torch.inference_mode(), trusted_inputs(), _autocast(self.run.recipe, self.device):
            for start in range(0, len(data), EVALUATION_BATCH):
                labels = data.labels[start : start + EVALUATION_BATCH]
                logits = self.forward(to_unit(data.images[start : start + EVALUATION_BATCH])).float()
                totals += _totals(F.cross_entropy(logits, labels), logits, labels)
        return _row(self.run, epoch, "test", len(data), totals)

    def epoch(self, epoch: int, data: DeviceImages) -> dict[str, Any]:
        """Train for one epoch on prepared images."""
        recipe = self.run.recipe
        self.model.train()
        set_rate(self.optimiser, recipe.rate(epoch))
        generator = torch.Generator().manual_seed(
            derive_seed(self.run.run_seed, self.run.seed, "order", epoch)
        )
        totals = torch.zeros(2, dtype=torch.float64, device=self.device)
        batches = epoch_batches(data, recipe.batch_size, recipe.flip, generator)
        for step, (images, labels) in enumerate(batches):
            totals += self.step(_channels_last(images), labels)
            if step % CHECK_STEPS == 0:
                _require_finite(totals, self.run, epoch, self.checkpoint)
        _require_finite(totals, self.run, epoch, self.checkpoint)
        return _row(self.run, epoch, "train", len(data), totals)

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        """One step of gradient descent."""
        with _autocast(self.run.recipe, self.device):
            logits = self.forward(images)
        loss = F.cross_entropy(logits.float(), labels)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.optimiser.step()
        return _totals(loss, logits, labels)


def train(
    run: TrainingRun,
    training: DeviceImages,
    test: DeviceImages,
    weights: str | Path,
    history: str | Path,
    log: str | Path | None = None,
) -> None:
    """Train one model with one seed; write its weights and its history.

    A side file beside the weights holds the last state. A run that was killed goes on from it and ends
    with the same weights as one that was not, because every epoch draws from seeds of its own.

    Args:
        run: who is trained and how.
        training: the training images, on the compute device.
        test: the images scored after each epoch, on the same device.
        weights: safetensors file to write.
        history: CSV file to write, one row per epoch and split.
        log: file for progress lines.

    Raises:
        TrainingError: if the loss is no longer finite.
    """
    with torch.random.fork_rng():
        _train(run, training, test, Path(weights), Path(history), log)


def _train(
    run: TrainingRun,
    training: DeviceImages,
    test: DeviceImages,
    weights: Path,
    history: Path,
    log: str | Path | None,
) -> None:
    device = training.images.device
    identity = canonical_json(run.metadata() | {"n": len(training), "test": len(test), "device": device.type})
    checkpoint = Checkpoint(weights.with_suffix(".checkpoint"), identity)
    if run.recipe.precision == "tf32":
        torch.set_float32_matmul_precision("high")
    trainer = Trainer(run, device, checkpoint)
    training, test = trainer.prepare(training), trainer.prepare(test)
    recipe, saved = run.recipe, time.monotonic()
    title, done = f"{run.model} seed {run.seed}", checkpoint.epoch
    with Progress(title, recipe.epochs, "epochs", log, done=done) as progress:
        if done:
            progress.say(f"resuming after epoch {done}")
        for epoch in range(done + 1, recipe.epochs + 1):
            torch.manual_seed(run.derive("epoch", epoch))  # dropout and random masks
            trainer.history.append(trainer.epoch(epoch, training))
            if recipe.evaluates(epoch):
                torch.manual_seed(run.derive("evaluation", epoch))
                trainer.history.append(trainer.score(epoch, test))
            row = trainer.history[-1]
            progress.advance(1, f"{row['split']} accuracy {row['accuracy']:.3f} loss {row['loss']:.3f}")
            if time.monotonic() - saved >= run.checkpoint_seconds and epoch < recipe.epochs:
                checkpoint.save(epoch, trainer.model, trainer.optimiser, trainer.history)
                saved = time.monotonic()
    write_rows(history, HISTORY, trainer.history)
    save_tensors(weights, trainer.model.state_dict(), run.metadata())
    checkpoint.remove()
