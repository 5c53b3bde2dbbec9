"""FGSM here against torchattacks and against the tutorial's way, on the paper's VGG16."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.timing import Timing, compare
from flexnet.attacks.fgsm import fgsm, fgsm_from_gradient, input_gradient
from flexnet.attacks.spaces import Space
from flexnet.networks.registry import build

GRID = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # Figure 4D
Grid = Callable[[Sequence[float]], list[Tensor]]


def _ours(model: nn.Module, images: Tensor, labels: Tensor) -> Grid:
    space = Space.pixel(images.shape[1]).to(images.device)

    def run(epsilons: Sequence[float]) -> list[Tensor]:
        if len(epsilons) == 1:
            return [fgsm(model, images, labels, epsilons[0], space)]
        gradient = input_gradient(model, images, labels)
        return [fgsm_from_gradient(images, gradient, epsilon, space) for epsilon in epsilons]

    return run


def _torchattacks(model: nn.Module, images: Tensor, labels: Tensor) -> Grid:
    import torchattacks

    def run(epsilons: Sequence[float]) -> list[Tensor]:
        return [torchattacks.FGSM(model, eps=epsilon)(images, labels) for epsilon in epsilons]

    return run


def _tutorial(model: nn.Module, images: Tensor, labels: Tensor) -> Grid:
    """`loss.backward()` for each epsilon, as in the PyTorch tutorial that the paper follows."""

    def one(epsilon: float) -> Tensor:
        leaf = images.clone().requires_grad_()
        loss = F.cross_entropy(model(leaf), labels)
        model.zero_grad()
        torch.autograd.backward(loss)
        assert leaf.grad is not None
        return torch.clamp(leaf.detach() + epsilon * leaf.grad.sign(), 0, 1)

    return lambda epsilons: [one(epsilon) for epsilon in epsilons]


def _judged(model: nn.Module, grid: Grid, epsilons: Sequence[float]) -> Callable[[], object]:
    """Make the images and classify them, as every evaluation does."""

    def run() -> list[Tensor]:
        adversarial = grid(epsilons)
        with torch.inference_mode():
            return [model(images).argmax(dim=1) for images in adversarial]

    return run


def _call(grid: Grid, epsilons: Sequence[float]) -> Callable[[], object]:
    return lambda: grid(epsilons)


def benchmark(quick: bool, device: str) -> list[Timing]:
    """Time one epsilon, the paper's grid of 14, and that grid with the classification of its images."""
    batch, turns = (8, 3) if quick else (32, 3)
    torch.manual_seed(0)
    model = build("vgg16").eval().to(device)
    images, labels = torch.rand(batch, 3, 32, 32, device=device), torch.arange(batch, device=device) % 10
    peers = {"flexnet": _ours(model, images, labels), "torchattacks": _torchattacks(model, images, labels)}
    tutorial = _tutorial(model, images, labels)
    what = f"VGG16, {batch} images of 3x32x32"
    single = {
        name: _call(grid, (0.1,)) for name, grid in (peers | {"loss.backward (tutorial)": tutorial}).items()
    }
    whole = {name: _call(grid, GRID) for name, grid in peers.items()}
    judged = {name: _judged(model, grid, GRID) for name, grid in peers.items()}
    return [
        *compare(f"FGSM, one epsilon: adversarial images, {what}", single, repeats=3 * turns),
        *compare(f"FGSM, grid of {len(GRID)} epsilons: adversarial images, {what}", whole, repeats=turns),
        *compare(
            f"FGSM, grid of {len(GRID)} epsilons: images and their classes, {what}", judged, repeats=turns
        ),
    ]
