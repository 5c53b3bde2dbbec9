"""VGG16 of the Flexible Layer paper: baseline, single, all layers, and the pooled controls.

The layer list is that of the paper's "Network Definitions": thirteen 3x3 convolutions with batch
normalisation in five blocks; the second convolution has no padding (it is where the Flexible Layer
sits) and block 1 has no pooling.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from flexnet.layers.registry import convolution
from flexnet.networks.classifier import Classifier
from flexnet.networks.normalise import normalisation
from flexnet.options.networks.vgg16 import Vgg16Options, flexible_numbers
from flexnet.options.rules import checked

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
DROPOUT = (0.3, 0.4, 0.4, 0.4, 0.5)
HIDDEN, HEAD_DROPOUT = 100, 0.5

# What ends each block. "pooled_max" and "pooled_avg" are the authors' other baselines, whose block 1
# is pooled as well: at 32x32 they reach 1x1 after block 4, so block 5 has nothing left to pool.
POOLING: dict[str, tuple[type[nn.Module] | None, ...]] = {
    "paper": (None, nn.MaxPool2d, nn.MaxPool2d, nn.MaxPool2d, nn.MaxPool2d),
    "pooled_max": (nn.MaxPool2d, nn.MaxPool2d, nn.MaxPool2d, nn.MaxPool2d, None),
    "pooled_avg": (nn.MaxPool2d, nn.MaxPool2d, nn.MaxPool2d, nn.AvgPool2d, None),
}


@dataclass
class _Trunk:
    """The convolutional part while it grows: its layers, and the shape of the map so far."""

    layers: list[nn.Module]
    channels: int
    size: int
    count: int = 0


def _add_convolution(trunk: _Trunk, out_channels: int, layer: Mapping[str, Any] | None) -> None:
    """Append convolution, batch normalisation and ReLU; the second convolution has no padding."""
    trunk.count += 1
    padding = 0 if trunk.count == 2 else 1
    chosen = convolution(layer, trunk.channels, out_channels, 3, padding=padding, input_size=trunk.size)
    trunk.layers += [chosen, nn.BatchNorm2d(out_channels), nn.ReLU()]
    trunk.channels = out_channels
    trunk.size += 2 * padding - 2


def _end_block(trunk: _Trunk, pool: type[nn.Module] | None, rate: float) -> None:
    """Append the block's pooling, if it has one, and its dropout of whole maps."""
    if pool is not None:
        trunk.layers.append(pool(2, 2))
        trunk.size //= 2
    trunk.layers.append(nn.Dropout2d(rate))


def _head(trunk: _Trunk, pooled: bool, classes: int, rate: float) -> nn.Sequential:
    """The paper's classifier; `pooled` averages the last map first (the identity at 1x1)."""
    features = trunk.channels if pooled else trunk.channels * trunk.size**2
    return nn.Sequential(
        *([nn.AdaptiveAvgPool2d(1)] if pooled else []),
        nn.Flatten(),
        nn.Linear(features, HIDDEN),
        nn.Dropout(rate),
        nn.BatchNorm1d(HIDDEN),
        nn.ReLU(),
        nn.Dropout(rate),
        nn.Linear(HIDDEN, classes),
    )


@checked(Vgg16Options, "network 'vgg16'")
def vgg16(
    *,
    classes: int = 10,
    channels: int = 3,
    input_size: int = 32,
    width: float = 1.0,
    dropout: float = 1.0,
    flexible: str | Sequence[int] = "none",
    layer: Mapping[str, Any] | None = None,
    pooling: str = "paper",
    head: str = "global",
    normalise: str = "imagenet",
) -> Classifier:
    """VGG16 for square images of `input_size` pixels.

    Args:
        classes: number of logits.
        channels: channels of the images.
        input_size: side of the images in pixels, at least 18, from which convolution and pooling leave one.
        width: factor on all channel counts (1 is the paper's).
        dropout: factor on all dropout rates (1 is the paper's). A quarter of the channels at the full rates
            was still at chance after 1,500 steps on 1,000 CIFAR-10 images.
        flexible: which convolutions are replaced: "none" (baseline), "single" (the second), "all", or layer
            numbers 1 to 13.
        layer: options of those layers, with their kind; see `flexnet.options.layer`.
        pooling: "paper", or the controls "pooled_max" and "pooled_avg".
        head: "global" averages the last map before the classifier, "flatten" does not. The paper's
            list fits 32x32 only, where both are the same; at 224 its last map is 13x13.
        normalise: name of the normalisation.

    Raises:
        ConfigError: if an option has a value that is not allowed.
    """
    chosen = flexible_numbers(flexible)
    trunk = _Trunk([], channels, input_size)
    for block, pool, rate in zip(BLOCKS, POOLING[pooling], DROPOUT, strict=True):
        for wide in block:
            options = dict(layer or {}) if trunk.count + 1 in chosen else None
            _add_convolution(trunk, max(1, round(wide * width)), options)
        _end_block(trunk, pool, rate * dropout)
    classifier = _head(trunk, head == "global", classes, HEAD_DROPOUT * dropout)
    return Classifier(
        normalisation(normalise, channels),
        nn.Sequential(*trunk.layers),
        classifier,
        input_size=input_size,
    )
