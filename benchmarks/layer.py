"""Flexible Layer against a convolution and eq. (1) as it stands; push-pull against its two convolutions."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.timing import Timing, compare
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.layers.fused import operations_alone
from flexnet.layers.pushpull import PushPullConv2d

SLOPE = 50.0
# Channels, kernels, their side, side of maps: a layer inside VGG16, its first one, the small network's.
MIXED = ((64, 64, 3, 32), (3, 64, 3, 32), (1, 12, 5, 28))
IMAGES = 3  # the most channels that images have, which need no gradient
PUSH, PULL = 3, 7  # sides of the kernels of a push-pull layer
# Of ResNet-20 the first layer, one of the first stage, one of the last: channels, kernels, side of maps.
INHIBITED = ((3, 16, 32), (16, 16, 32), (64, 64, 8))


def composition(x: Tensor, weight: Tensor, bias: Tensor, threshold: Tensor) -> Tensor:
    """Eq. (1) of the Flexible Layer paper as it stands, without padding; pooled channels are repeated."""
    convolved = F.conv2d(x, weight, bias)
    pooled = F.max_pool2d(x, weight.shape[2], stride=1)
    pooled = pooled.repeat(1, -(-weight.shape[0] // x.shape[1]), 1, 1)[:, : weight.shape[0]]
    gate = torch.sigmoid(SLOPE * (threshold - pooled))
    other = torch.sigmoid(-SLOPE * (threshold - pooled))
    return gate * pooled + other * convolved


def _step(forward: Callable[[Tensor], Tensor], x: Tensor) -> Callable[[], None]:
    """Forward and backward with respect to parameters, which keep adding up theirs, and to maps."""

    def run() -> None:
        leaf = x.detach().requires_grad_(x.shape[1] > IMAGES)
        torch.autograd.backward(forward(leaf).sum())

    return run


def without_compiler(run: Callable[[], object]) -> Callable[[], None]:
    """The same by operations of torch alone."""

    def alone() -> None:
        with operations_alone():
            run()

    return alone


def _both(x: Tensor, push: Tensor, pull: Tensor) -> tuple[Tensor, Tensor]:
    """The two convolutions that a push-pull layer is made of, and nothing else."""
    return F.conv2d(x, push, padding=PUSH // 2), F.conv2d(x, pull, padding=PULL // 2)


def inhibition(channels: int, kernels: int, side: int, quick: bool, device: str) -> list[Timing]:
    """Time a step and an evaluation of the push-pull layer beside its two convolutions.

    In a step the pull kernel is enlarged anew, because the weights were changed; in an evaluation it is not.
    Images need no gradient, maps do.
    """
    batch = 32 if quick else 128
    torch.manual_seed(0)
    x = torch.rand(batch, channels, side, side, device=device).to(memory_format=torch.channels_last)
    layer = PushPullConv2d(channels, kernels, PUSH, padding=PUSH // 2).to(device)
    layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    push, pull = layer.weight.detach(), layer.pull_weight().detach()
    leaves = [tensor.clone().requires_grad_() for tensor in (push, pull)]

    def images() -> Tensor:
        return x.detach().requires_grad_(channels > IMAGES)

    def layers_step() -> None:
        with torch.no_grad():
            layer.weight.mul_(1.0001)
        torch.autograd.backward(layer(images()).sum())

    def convolutions_step() -> None:
        torch.autograd.backward(sum(part.sum() for part in _both(images(), *leaves)))  # type: ignore[arg-type]

    def evaluated(call: Callable[[Tensor], object]) -> Callable[[], None]:
        def run() -> None:
            with torch.inference_mode():
                call(x)

        return run

    repeats = 7 if quick else 15
    about = f"{channels} -> {kernels} channels, {side}x{side}, {batch} images"
    step = {"its two convolutions": convolutions_step, "PushPullConv2d": layers_step}
    evaluation = {
        "its two convolutions": evaluated(lambda images: _both(images, push, pull)),
        "PushPullConv2d": evaluated(layer),
    }
    return [
        *compare(f"push-pull layer: a training step, {about}", step, repeats=repeats),
        *compare(f"push-pull layer: an evaluation, {about}", evaluation, repeats=repeats),
    ]


def mixing(channels: int, kernels: int, side: int, size: int, quick: bool, device: str) -> list[Timing]:
    """Time a step of the Flexible Layer beside its convolution and beside eq. (1) as it stands."""
    batch = 16 if quick else 100
    torch.manual_seed(0)
    x = torch.randn(batch, channels, size, size, device=device).relu_()
    layer = FlexibleConv2d(channels, kernels, side, input_size=size).to(device)
    bare = torch.nn.Conv2d(channels, kernels, side).to(device)
    parts = (*bare.parameters(), torch.randn(1, kernels, size - side + 1, size - side + 1, device=device))
    own = [part.detach().clone().requires_grad_() for part in parts]
    about = f"{side}x{side}, {channels} -> {kernels} channels, {size}x{size}, {batch} images"
    return compare(
        f"flexible layer: a step, {about}",
        {
            "bare Conv2d": _step(bare, x),
            "FlexibleConv2d": _step(layer, x),
            "FlexibleConv2d, not compiled": without_compiler(_step(layer, x)),
            "eq. (1) composed": _step(lambda leaf: composition(leaf, *own), x),
        },
        repeats=7 if quick else 15,
    )


def benchmark(quick: bool, device: str) -> list[Timing]:
    """Time flexible layers, then push-pull layers."""
    timings = [timing for shape in MIXED for timing in mixing(*shape, quick=quick, device=device)]
    for shape in INHIBITED:
        timings += inhibition(*shape, quick=quick, device=device)
    return timings
