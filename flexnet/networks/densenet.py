"""The DenseNets of the push-pull paper for CIFAR-10, as its released code builds them.

They are of the kind with bottlenecks and compression, whatever their short names say. Parts have the names
that they have there, so that the weights that its authors published fit.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from flexnet.layers.registry import convolution
from flexnet.networks.classifier import Classifier
from flexnet.networks.initial import draw_convolutions
from flexnet.networks.normalise import normalisation
from flexnet.options.networks.densenet import BLOCKS, OUTSIDE, DensenetOptions
from flexnet.options.rules import checked

FIRST = 24  # channels before the first block, whatever the growth
BOTTLENECK = 4  # channels between the two convolutions of a layer, in units of the growth


class DenseLayer(nn.Module):
    """Batch normalisation and convolution, 1x1 and 3x3, whose result is put behind the input.

    Args:
        inner: channels of the input.
        growth: channels that are added.
    """

    def __init__(self, inner: int, growth: int) -> None:
        super().__init__()
        between = BOTTLENECK * growth
        self.norm1 = nn.BatchNorm2d(inner)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(inner, between, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(between)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(between, growth, 3, padding=1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C + growth, H, W)."""
        narrow = self.conv1(self.relu1(self.norm1(maps)))
        return torch.cat([maps, self.conv2(self.relu2(self.norm2(narrow)))], 1)


def _transition(inner: int) -> nn.Module:
    """Half as many channels, and maps of half the side."""
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(inner),
            relu=nn.ReLU(inplace=True),
            conv=nn.Conv2d(inner, inner // 2, 1, bias=False),
            pool=nn.AvgPool2d(2),
        )
    )


def _features(first: nn.Module, wide: int, growth: int, layers: int) -> tuple[nn.Module, int]:
    """All that maps normalised images to the last maps, and how many channels these have."""
    parts: OrderedDict[str, nn.Module] = OrderedDict(conv0=first)
    for block in range(1, BLOCKS + 1):
        stack: OrderedDict[str, nn.Module] = OrderedDict()
        for place in range(layers):
            stack[f"denselayer{place + 1}"] = DenseLayer(wide + place * growth, growth)
        parts[f"denseblock{block}"] = nn.Sequential(stack)
        wide += layers * growth
        if block < BLOCKS:
            parts[f"transition{block}"] = _transition(wide)
            wide //= 2
    parts |= {"norm_final": nn.BatchNorm2d(wide), "relu_final": nn.ReLU(inplace=True)}
    return nn.Sequential(parts), wide


@checked(DensenetOptions, "network 'densenet'")
def densenet(
    *,
    classes: int = 10,
    channels: int = 3,
    input_size: int = 32,
    width: float = 1.0,
    depth: int = 40,
    growth: int = 12,
    layer: Mapping[str, Any] | None = None,
    normalise: str = "cifar10",
) -> Classifier:
    """Densely connected network of three blocks, for small images.

    Args:
        classes: number of logits.
        channels: channels of the images.
        input_size: side of the images in pixels, at least 4.
        width: factor on the growth and on the 24 channels before the first block.
        depth: 6 n + 4 for n layers in each block.
        growth: channels that each layer adds.
        layer: options of the layer in the place of the first convolution, with its kind; see
            `flexnet.options.layer`.
        normalise: name of the normalisation.

    Raises:
        ConfigError: if an option has a value that is not allowed.
    """
    first, added = (max(1, round(units * width)) for units in (FIRST, growth))
    before = convolution(layer, channels, first, 3, padding=1, bias=False, input_size=input_size)
    features, last = _features(before, first, added, (depth - OUTSIDE) // (2 * BLOCKS))
    classifier = nn.Linear(last, classes)
    nn.init.zeros_(classifier.bias)
    head = OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), classifier=classifier)
    network = Classifier(
        normalisation(normalise, channels), features, nn.Sequential(head), input_size=input_size
    )
    draw_convolutions(network)
    return network
