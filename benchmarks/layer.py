"""Flexible Layer against a bare convolution and against eq. (1) written down operation by operation."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.timing import Timing, compare
from flexnet.layers.flexible import FlexibleConv2d

CHANNELS, SIZE, SLOPE = 64, 32, 50.0  # the layer of the paper's VGG16 at 32x32


def composition(x: Tensor, weight: Tensor, bias: Tensor, threshold: Tensor) -> Tensor:
    """Eq. (1) of the Flexible Layer paper as it stands, for a 3x3 kernel without padding."""
    convolved = F.conv2d(x, weight, bias)
    pooled = F.max_pool2d(x, 3, stride=1)
    gate = torch.sigmoid(SLOPE * (threshold - pooled))
    other = torch.sigmoid(-SLOPE * (threshold - pooled))
    return gate * pooled + other * convolved


def _step(forward: Callable[[Tensor], Tensor], x: Tensor) -> Callable[[], None]:
    """Forward and backward with respect to input and parameters, parameters keep adding up theirs."""

    def run() -> None:
        leaf = x.detach().requires_grad_()
        torch.autograd.backward(forward(leaf).sum())

    return run


def benchmark(quick: bool, device: str) -> list[Timing]:
    """Time forward and backward of one 3x3 layer, 64 to 64 channels, on 32x32 maps."""
    batch = 16 if quick else 100
    torch.manual_seed(0)
    x = torch.randn(batch, CHANNELS, SIZE, SIZE, device=device).relu_()
    layer = FlexibleConv2d(CHANNELS, CHANNELS, 3, input_size=SIZE).to(device)
    bare = torch.nn.Conv2d(CHANNELS, CHANNELS, 3).to(device)
    weight, bias = (p.detach().clone().requires_grad_() for p in bare.parameters())
    threshold = torch.randn(1, CHANNELS, SIZE - 2, SIZE - 2, device=device).requires_grad_()
    return compare(
        f"layer: forward + backward, 3x3, {CHANNELS} -> {CHANNELS} channels, {SIZE}x{SIZE}, {batch} images",
        {
            "bare Conv2d": _step(bare, x),
            "FlexibleConv2d": _step(layer, x),
            "eq. (1) composed": _step(lambda leaf: composition(leaf, weight, bias, threshold), x),
        },
        repeats=7 if quick else 15,
    )
