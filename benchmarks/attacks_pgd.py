"""PGD-20 here against torchattacks, foolbox and the tutorial's way, and what its gradients alone cost."""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.timing import Timing, compare
from flexnet.attacks import Ball, PgdOptions, Space, pgd
from flexnet.networks.registry import build

EPSILON, SIZE, STEPS = 8 / 255, 2 / 255, 20
Run = Callable[[], object]


def _ours(model: nn.Module, images: Tensor, labels: Tensor, scoring: str) -> Run:
    ball = Ball(EPSILON, Space.pixel(images.shape[1]).to(images.device))
    options = PgdOptions(steps=STEPS, step=SIZE, scoring=scoring)
    return lambda: pgd(model, images, labels, ball, options)


def _torchattacks(model: nn.Module, images: Tensor, labels: Tensor) -> Run:
    import torchattacks

    attack = torchattacks.PGD(model, eps=EPSILON, alpha=SIZE, steps=STEPS)
    return lambda: attack(images, labels)


def _foolbox(model: nn.Module, images: Tensor, labels: Tensor) -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import foolbox
    attack = foolbox.attacks.LinfPGD(abs_stepsize=SIZE, steps=STEPS)
    target = foolbox.PyTorchModel(model, bounds=(0, 1), device=images.device)
    return lambda: attack(target, images, labels, epsilons=EPSILON)


def _tutorial(model: nn.Module, images: Tensor, labels: Tensor) -> Run:
    """`loss.backward()` in each step, as tutorials write it."""

    def run() -> Tensor:
        moved = (images + torch.empty_like(images).uniform_(-EPSILON, EPSILON)).clamp(0, 1)
        for _ in range(STEPS):
            leaf = moved.detach().requires_grad_()
            model.zero_grad()
            torch.autograd.backward(F.cross_entropy(model(leaf), labels))
            assert leaf.grad is not None
            moved = leaf.detach() + SIZE * leaf.grad.sign()
            moved = torch.clamp(images + (moved - images).clamp(-EPSILON, EPSILON), 0, 1)
        return moved

    return run


def _bound(model: nn.Module, images: Tensor, labels: Tensor) -> Run:
    """Forward pass and input gradient, as often as the attack needs them, and nothing else."""

    def run() -> None:
        for _ in range(STEPS):
            leaf = images.detach().requires_grad_()
            torch.autograd.grad(F.cross_entropy(model(leaf), labels, reduction="sum"), leaf)

    return run


def _compared(what: str, model: nn.Module, images: Tensor, turns: int) -> list[Timing]:
    with torch.no_grad():
        labels = model(images).argmax(dim=1)  # nobody is wrong to begin with
    given = (model, images, labels)
    candidates = {
        "flexnet, worst iterate (fooled images leave)": _ours(*given, "worst"),
        "flexnet, last iterate (all stay)": _ours(*given, "last"),
        "torchattacks": _torchattacks(*given),
        "foolbox": _foolbox(*given),
        "loss.backward (tutorial)": _tutorial(*given),
        "bound: 20 forward passes and input gradients": _bound(*given),
    }
    timings = compare(f"PGD-{STEPS}, {what}, {len(images)} images", candidates, turns)
    for timing in timings:
        print(f"  {timing.name}: {len(images) / timing.seconds:.1f} images/s")
    return timings


def benchmark(quick: bool, device: str) -> list[Timing]:
    """Time both scorings on VGG16 and on the small network, which were not trained."""
    torch.manual_seed(0)
    vgg, small = (build(name).eval().to(device) for name in ("vgg16", "small"))
    few, many, turns = (2, 64, 2) if quick else (32, 256, 5)
    return [
        *_compared("VGG16", vgg, torch.rand(few, 3, 32, 32, device=device), turns),
        *_compared("the small network", small, torch.rand(many, 1, 28, 28, device=device), turns),
    ]
