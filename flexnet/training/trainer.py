"""Training: the loop, its checkpoints, and how it ends."""

import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from flexnet.errors import Stopped, TrainingError
from flexnet.files import canonical_json, remove_leftovers, write_rows
from flexnet.locks import exclusive
from flexnet.progress import Progress
from flexnet.rounding import tf32
from flexnet.seeds import derive_seed
from flexnet.stopping import stop_requests
from flexnet.training.adversarial import hardened
from flexnet.training.batches import DeviceImages, digest_of, epoch_batches
from flexnet.training.captured import CapturedStep, Step, capturable
from flexnet.training.checkpoint import Checkpoint, State, random_state, save_tensors, set_random_state
from flexnet.training.fixed import fixed_features, trained_part
from flexnet.training.optimiser import make_optimiser, set_rate
from flexnet.training.recipe import SCORED, Recipe
from flexnet.training.run import TrainingRun, build_model
from flexnet.training.scoring import HISTORY, batch_totals, history_row, score
from flexnet.training.trial import require_rebuilt, try_out

CHECK_STEPS = 50  # a loss is read back this often: each reading makes a GPU wait


def _autocast(recipe: Recipe, device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=recipe.precision == "bf16")


def _products(recipe: Recipe) -> AbstractContextManager[None]:
    """Let a GPU round the factors of products where the recipe says so, and nowhere else."""
    return tf32(recipe.precision == "tf32")


def _channels_last(images: Tensor) -> Tensor:
    """Maps with their channels last in memory, which convolutions prefer; anything else as it is."""
    return images.contiguous(memory_format=torch.channels_last) if images.dim() == 4 else images


class Trainer:
    """The state of a run while it is trained.

    Args:
        run: who is trained and how.
        device: where.
        checkpoint: from which the run goes on, if there is one of this run.
        stop: set when the run shall end; it then saves its state and raises `Stopped`.
    """

    def __init__(
        self, run: TrainingRun, device: torch.device, checkpoint: Checkpoint, stop: Event | None = None
    ) -> None:
        self.run, self.device, self.checkpoint = run, device, checkpoint
        self.stop = stop or Event()
        self.model = build_model(run).to(device)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimiser = make_optimiser(self.model, run.recipe)
        part = trained_part(self.model, run.recipe)
        self.caches = part is not None
        self.forward: Any = part or self.model
        if run.recipe.compile:
            self.forward = torch.compile(self.forward)
        self.take: Step = self.step
        if capturable(self.model, device) and not run.recipe.compile:
            self.take = CapturedStep(self.step, self.optimiser, run.recipe.batch_size)
        self.state = checkpoint.load(self.model, self.optimiser) or State()
        self.saved = time.monotonic()

    def prepare(self, data: DeviceImages) -> DeviceImages:
        """Replace images by what the fixed part of the network makes of them, if it has one."""
        return fixed_features(self.model, data) if self.caches else data

    def finish(self, rows: list[dict[str, Any]]) -> None:
        """Count an epoch as finished, with its rows of the history."""
        self.state = State(self.state.epoch + 1, history=[*self.state.history, *rows])

    def evaluate(self, epoch: int, training: DeviceImages, test: DeviceImages) -> list[dict[str, Any]]:
        """Score the model after an epoch, if the recipe says so; the test images come last."""
        recipe = self.run.recipe
        if not recipe.evaluates(epoch):
            return []
        scored = {SCORED: training} if recipe.score_training else {}
        return [self.score(epoch, split, data) for split, data in (scored | {"test": test}).items()]

    def score(self, epoch: int, split: str, data: DeviceImages) -> dict[str, Any]:
        """Score the model on prepared images after an epoch."""
        torch.manual_seed(self.run.derive("evaluation", epoch))
        self.model.eval()
        with _autocast(self.run.recipe, self.device):
            totals = score(self.forward, data, self._heed)
        self._require_finite(totals, epoch, f"{len(data)} {'test' if split == 'test' else 'training'} images")
        return self._row(epoch, split, len(data), totals)

    def epoch(self, epoch: int, data: DeviceImages) -> dict[str, Any]:
        """Train for one epoch, or for what is left of it, on prepared images."""
        recipe, done = self.run.recipe, self.state.step
        self.model.train()
        set_rate(self.optimiser, recipe.rate(epoch))
        order = torch.Generator().manual_seed(derive_seed(self.run.run_seed, self.run.seed, "order", epoch))
        self._start_random(epoch)
        totals = self.state.totals = self.state.totals.to(self.device)
        batches = epoch_batches(data, recipe.batch_size, recipe.augmentations(), order, skip=done)
        if recipe.adversarial is not None:
            named = {
                "seed": self.run.derive("adversarial"),
                "epoch": epoch,
                "first": done * recipe.batch_size,
            }
            batches = hardened(self.model, batches, recipe.adversarial, **named)
        for step, (images, labels) in enumerate(batches, done):
            totals += self.take(_channels_last(images), labels)
            self.state.step = step + 1
            if step % CHECK_STEPS == 0:
                self._require_finite(totals, epoch, f"{len(data)} training images")
            self._heed()
        self._require_finite(totals, epoch, f"{len(data)} training images")
        return self._row(epoch, "train", len(data), totals)

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        """One step of gradient descent."""
        with _autocast(self.run.recipe, self.device):
            logits = self.forward(images)
        loss = F.cross_entropy(logits.float(), labels)
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        self.optimiser.step()
        return batch_totals(loss, logits, labels)

    def _row(self, epoch: int, split: str, n: int, totals: Tensor) -> dict[str, Any]:
        return history_row(self.run, epoch, split, n, totals, self.run.recipe.rate(epoch))

    def _start_random(self, epoch: int) -> None:
        """Seed dropout and random masks for an epoch, or go on where an interrupted one stopped."""
        torch.manual_seed(self.run.derive("epoch", epoch))
        if self.state.random:
            set_random_state(self.state.random, self.device)

    def _heed(self) -> None:
        """Save if it is time to, or if the run shall end.

        Raises:
            Stopped: if the run shall end.
        """
        stop = self.stop.is_set()
        if stop or time.monotonic() - self.saved >= self.run.checkpoint_seconds:
            self.save()
        if stop:
            raise Stopped(
                f"{self.run.model} seed {self.run.seed}: stopped after {self.state}, saved in"
                f" {self.checkpoint.path}; the same command goes on from there"
            )

    def save(self) -> None:
        """Write the checkpoint, unless the run is broken: then the last one stays the last good one."""
        self._require_finite(self.state.totals, self.state.epoch + 1, "training images")
        if self.model.training:  # scoring draws numbers of its own
            self.state.random = random_state(self.device)
        self.checkpoint.save(self.state, self.model, self.optimiser)
        self.saved = time.monotonic()

    def _require_finite(self, totals: Tensor, epoch: int, images: str) -> None:
        if not math.isfinite(float(totals[0])):
            raise TrainingError(
                f"{self.run.model} seed {self.run.seed}: logits or loss of {images} are no longer finite in"
                f" epoch {epoch}; the last good checkpoint: {self.checkpoint.last}; lower"
                f" recipe.learning_rate (now {self.run.recipe.learning_rate}) or use precision float32"
            )


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
    with the same weights as one that was not. A run that is told to end (signals TERM, INT, HUP) saves
    its state first.

    Args:
        run: who is trained and how.
        training: the training images, on the compute device.
        test: the images scored after each epoch, on the same device.
        weights: safetensors file to write.
        history: CSV file to write, one row per epoch and split.
        log: file for progress lines.

    Raises:
        BusyError: if another process trains into the same file.
        TrainingError: if a logit or the loss is no longer finite.
        Stopped: if the run was told to end.
    """
    with torch.random.fork_rng(), _products(run.recipe), exclusive(weights), stop_requests() as stop:
        remove_leftovers(weights)
        _train(run, training, test, Path(weights), Path(history), log, stop)


def _identity(metadata: Mapping[str, str], test: DeviceImages) -> str:
    """What a checkpoint must agree on; the version of the package changes no number."""
    told = {key: value for key, value in metadata.items() if key != "version"}
    return canonical_json(told | {"test": digest_of(test), "device": test.images.device.type})


def _train(
    run: TrainingRun,
    training: DeviceImages,
    test: DeviceImages,
    weights: Path,
    history: Path,
    log: str | Path | None,
    stop: Event,
) -> None:
    metadata = run.metadata() | {"data": digest_of(training)}
    checkpoint = Checkpoint(weights.with_suffix(".checkpoint"), _identity(metadata, test))
    trainer = Trainer(run, training.images.device, checkpoint, stop)
    pixels, device = training.images, training.images.device
    with _autocast(run.recipe, device):
        try_out(trainer.model, run, pixels)
    training, test = trainer.prepare(training), trainer.prepare(test)
    recipe, done = run.recipe, trainer.state.epoch
    with Progress(f"{run.model} seed {run.seed}", recipe.epochs, "epochs", log, done=done) as progress:
        if str(trainer.state) != str(State()):
            progress.say(f"resuming after {trainer.state}")
        for epoch in range(done + 1, recipe.epochs + 1):
            rows = [trainer.epoch(epoch, training), *trainer.evaluate(epoch, training, test)]
            trainer.finish(rows)
            if epoch == done + 1:
                require_rebuilt(trainer.model, run, pixels)
            row = rows[-1]
            progress.advance(1, f"{row['split']} accuracy {row['accuracy']:.3f} loss {row['loss']:.3f}")
    require_rebuilt(trainer.model, run, pixels)
    write_rows(history, HISTORY, trainer.state.history)
    save_tensors(weights, trainer.model.state_dict(), metadata)
    checkpoint.remove()
