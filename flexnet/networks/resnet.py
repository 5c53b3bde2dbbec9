"""The ResNets of the push-pull paper for CIFAR-10, as its released code builds them.

Parts have the names that they have there, so that the weights that its authors published fit.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from flexnet.layers.registry import convolution
from flexnet.networks.classifier import Classifier
from flexnet.networks.initial import draw_convolutions
from flexnet.networks.normalise import normalisation
from flexnet.options.networks.resnet import OUTSIDE, STAGES, ResnetOptions
from flexnet.options.rules import checked

WIDTHS = (16, 32, 64)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation, and a way past them.

    Args:
        inner: channels of the input.
        outer: channels of the output.
        stride: of the first convolution; where it is not 1, or channels change, the way past is a 1x1
            convolution with batch normalisation.
    """

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outer)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inner != outer:
            self.downsample = nn.Sequential(
                nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer)
            )
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H', W')."""
        changed = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(maps)))))
        result: Tensor = self.relu2(changed + self.downsample(maps))
        return result


@checked(ResnetOptions, "network 'resnet'")
def resnet(
    *,
    classes: int = 10,
    channels: int = 3,
    input_size: int = 32,
    width: float = 1.0,
    depth: int = 20,
    layer: Mapping[str, Any] | None = None,
    normalise: str = "cifar10",
) -> Classifier:
    """Residual network of three stages of 16, 32 and 64 channels, for small images.

    Args:
        classes: number of logits.
        channels: channels of the images.
        input_size: side of the images in pixels.
        width: factor on all channel counts.
        depth: 6 n + 2 for n blocks in each stage.
        layer: options of the layer in the place of the first convolution, with its kind; see
            `flexnet.options.layer`.
        normalise: name of the normalisation.

    Raises:
        ConfigError: if an option has a value that is not allowed.
    """
    first, *_, last = widths = [max(1, round(wide * width)) for wide in WIDTHS]
    before = convolution(layer, channels, first, 3, padding=1, bias=False, input_size=input_size)
    features: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=before, bn1=nn.BatchNorm2d(first), relu=nn.ReLU(inplace=True)
    )
    blocks = (depth - OUTSIDE) // (2 * STAGES)
    for place, (inner, outer) in enumerate(zip([first, *widths], widths, strict=False)):
        rest = [BasicBlock(outer, outer, 1) for _ in range(blocks - 1)]
        features[f"layer{place + 1}"] = nn.Sequential(BasicBlock(inner, outer, 1 if place == 0 else 2), *rest)
    head = OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), fc=nn.Linear(last, classes))
    network = Classifier(
        normalisation(normalise, channels),
        nn.Sequential(features),
        nn.Sequential(head),
        input_size=input_size,
    )
    draw_convolutions(network)
    return network
