"""The small network: images per second against the matrix-multiply limit, and several seeds at once."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, stack_module_state, vmap
from torch.nn import functional as F

from benchmarks.layer import without_compiler
from benchmarks.timing import Timing, compare
from benchmarks.training import launched, product_rate
from flexnet.training.batches import DeviceImages, epoch_batches
from flexnet.training.checkpoint import Checkpoint
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun, build_model
from flexnet.training.trainer import Trainer

BATCH, SEEDS = 100, 5
RECIPE = Recipe(epochs=10**6, batch_size=BATCH, flip=0.0)
LEARNED = {"layer": {"scheme": "learned"}}
# Multiply-accumulates of a training step per image: three products of each linear layer; the convolution
# needs no gradient with respect to the images.
MACS = 3 * (6912 * 120 + 120 * 60 + 60 * 10) + 2 * 12 * 25 * 24 * 24


def _data(n: int, device: str) -> DeviceImages:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (n, 1, 28, 28), dtype=torch.uint8, generator=generator)
    return DeviceImages(images.to(device), (torch.arange(n) % 10).to(device))


def _run(seed: int, options: dict[str, Any], recipe: Recipe) -> TrainingRun:
    return TrainingRun("benchmark", seed, "small", options, recipe, checkpoint_seconds=math.inf)


def _ours(
    data: DeviceImages,
    options: dict[str, Any],
    recipe: Recipe,
    seeds: int = 1,
    prepare: Callable[[Trainer], Trainer] = lambda trainer: trainer,
) -> Callable[[], object]:
    """One epoch of each seed, one after another."""
    nowhere = Checkpoint("unused.checkpoint", "")
    runs = [_run(seed, options, recipe) for seed in range(1, seeds + 1)]
    trainers = [prepare(Trainer(run, data.images.device, nowhere)) for run in runs]
    epochs: Iterator[int] = iter(range(1, 10**6))

    def epoch() -> None:
        number = next(epochs)
        for trainer in trainers:
            trainer.finish([trainer.epoch(number, data)])

    return epoch


def _plain(data: DeviceImages) -> Callable[[], object]:
    """The same epoch of the baseline as a tutorial would write it, on images in memory."""
    model = nn.Sequential(
        *(nn.Conv2d(1, 12, 5), nn.ReLU(), nn.Flatten(), nn.Linear(6912, 120), nn.ReLU()),
        *(nn.Linear(120, 60), nn.ReLU(), nn.Linear(60, 10)),
    ).to(data.images.device)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9, weight_decay=0.006)

    def epoch() -> None:
        for images, labels in epoch_batches(data, BATCH, (), torch.Generator().manual_seed(1)):
            optimiser.zero_grad()
            F.cross_entropy(model(2 * images - 1), labels).backward()
            optimiser.step()

    return epoch


def _stacked(data: DeviceImages, seeds: int) -> Callable[[], object]:
    """One epoch of all seeds at once: weights stacked, every product a batch of products."""
    models = [build_model(_run(seed, LEARNED, RECIPE)).to(data.images.device) for seed in range(1, seeds + 1)]
    weights, buffers = stack_module_state(models)
    momenta = {name: torch.zeros_like(weight) for name, weight in weights.items()}

    def loss(parameters: dict[str, Tensor], constants: dict[str, Tensor], batch: Any) -> Tensor:
        return F.cross_entropy(functional_call(models[0], (parameters, constants), batch[:1]), batch[1])

    gradients = vmap(grad_and_value(loss), in_dims=(0, 0, None))

    @torch.no_grad()
    def epoch() -> None:
        for batch in epoch_batches(data, BATCH, (), torch.Generator().manual_seed(1)):
            found, _ = gradients(weights, buffers, batch)
            for name, weight in weights.items():
                decay = 0.0 if name.endswith("threshold") else 0.006
                momenta[name].mul_(0.9).add_(found[name]).add_(weight, alpha=decay)
                weight.sub_(momenta[name], alpha=0.001)

    return epoch


def _limits(device: str) -> None:
    for dtype in (torch.bfloat16, torch.float32):
        for what, shape in {"large": None, "this network's": (BATCH, 6912, 120)}.items():
            bound = product_rate(device, dtype, shape=shape) / MACS
            print(f"  {what} matrix products in {dtype} alone: {bound:.0f} images/s")


def benchmark(quick: bool, device: str) -> list[Timing]:
    """Time epochs of a few steps, with the matrix products' limit measured in the same run."""
    torch.set_flush_denormal(True)  # as the training stage does
    images, turns = (10 * BATCH, 3) if quick else (20 * BATCH, 7)
    data = _data(images, device)
    half = replace(RECIPE, precision="bf16")
    candidates = {
        "baseline, float32": _ours(data, {}, RECIPE),
        "baseline, bf16": _ours(data, {}, half),
        "flexible, float32": _ours(data, LEARNED, RECIPE),
        "flexible, bf16": _ours(data, LEARNED, half),
        "flexible, bf16, not compiled": without_compiler(_ours(data, LEARNED, half)),
        "plain loop, baseline, float32": _plain(data),
    }
    if device.startswith("cuda"):
        candidates["flexible, bf16, kernel by kernel"] = _ours(data, LEARNED, half, prepare=launched)
    timings = compare(f"Training, small network, {images} images in steps of {BATCH}", candidates, turns)
    for timing in timings:
        print(f"  {timing.name}: {images / timing.seconds:.0f} images/s")
    _limits(device)
    several = {
        f"{SEEDS} seeds, one after another": _ours(data, LEARNED, RECIPE, SEEDS),
        f"{SEEDS} seeds, stacked": _stacked(data, SEEDS),
    }
    title = f"Several seeds of the flexible network in one process, float32, {images} images each"
    return [*timings, *compare(title, several, turns)]
