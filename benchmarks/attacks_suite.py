"""The standard suite here against pyautoattack: the same four attacks at the same numbers of steps."""

import logging
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.timing import Timing, compare
from flexnet.attacks import Ball, Space
from flexnet.attacks.suite import suite
from flexnet.networks.registry import build

CLASSES = 10
STEPS = 40  # of training: a network that is right, and that attacks fool in part
Task = tuple[nn.Module, Tensor, Tensor]


def _images(number: int, channels: int, side: int, seed: int, device: str) -> tuple[Tensor, Tensor]:
    """A pattern for each class under noise, in grey levels: (number, channels, side, side) and classes."""
    patterns = torch.rand(CLASSES, channels, 4, 4, generator=torch.Generator().manual_seed(0))
    generator, labels = torch.Generator().manual_seed(seed), torch.arange(number) % CLASSES
    noise = torch.randn(number, channels, side, side, generator=generator)
    images = 0.25 + 0.5 * F.interpolate(patterns, size=side)[labels] + 0.15 * noise
    return ((255 * images.clamp(0, 1)).round() / 255).to(device), labels.to(device)


def _learned(model: nn.Module, channels: int, side: int, number: int, device: str) -> Task:
    model.to(device).train()
    optimiser = torch.optim.Adam(model.parameters(), 0.003)
    images, labels = _images(200, channels, side, 1, device)
    for _ in range(STEPS):
        optimiser.zero_grad()
        torch.autograd.backward(F.cross_entropy(model(images), labels))
        optimiser.step()
    optimiser.zero_grad()
    return (model.eval(), *_images(number, channels, side, 2, device))


def _theirs(task: Task, epsilon: float) -> Callable[[], Tensor]:
    from pyautoattack import AutoAttack

    model, images, labels = task
    judge = AutoAttack(model, norm="Linf", eps=epsilon, version="standard", seed=0, device=str(images.device))

    def run() -> Tensor:
        found = judge.run_standard_evaluation(images, labels, batch_size=len(images))
        moved: Tensor = found[0] if isinstance(found, tuple) else found
        with torch.no_grad():
            return model(moved).argmax(1) != labels

    return run


def _compared(what: str, task: Task, epsilon: float, turns: int) -> list[Timing]:
    logging.disable(logging.CRITICAL)
    model, images, labels = task
    ball = Ball(epsilon, Space.pixel(images.shape[1]).to(images.device))
    verdicts: dict[str, Tensor] = {}
    attacks: dict[str, Callable[[], Tensor]] = {
        "flexnet": lambda: suite(model, images, labels, ball, batch_size=len(images)).found.fooled,
        "pyautoattack": _theirs(task, epsilon),
    }

    def kept(name: str) -> None:
        verdicts[name] = attacks[name]()

    candidates = {name: (lambda name=name: kept(name)) for name in attacks}  # type: ignore[misc]
    timings = compare(f"standard suite, {what}, {len(images)} images", candidates, turns, warmup=0)
    left = {name: 1 - float(fooled.double().mean()) for name, fooled in verdicts.items()}
    agree = int((verdicts["flexnet"] == verdicts["pyautoattack"]).sum())
    print(f"  withstand: {left}; the same verdict on {agree} of {len(labels)} images")
    print(f"  pyautoattack / flexnet: {timings[1].ratio:.2f} times as long (aim: 1.5)")
    return timings


def benchmark(quick: bool, device: str) -> list[Timing]:
    """Time the suite on the small network and, unless it is to be quick, on a narrow VGG16."""
    torch.manual_seed(0)
    small = _learned(build("small", width=0.5), 1, 28, 16 if quick else 60, device)
    found = _compared("the small network", small, 0.06, 1 if quick else 3)
    if not quick:
        vgg = _learned(build("vgg16", width=0.125, dropout=0.0), 3, 32, 8, device)
        found += _compared("VGG16 of an eighth of the width", vgg, 6 / 255, 1)
    return found
