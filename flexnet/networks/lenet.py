"""The LeNets of the push-pull paper (its section on MNIST), of which no code was released."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from flexnet.layers.registry import convolution
from flexnet.networks.classifier import Classifier
from flexnet.networks.normalise import normalisation
from flexnet.options.networks.lenet import KERNEL, VARIANTS, LenetOptions
from flexnet.options.rules import checked


@checked(LenetOptions, "network 'lenet'")
def lenet(
    *,
    classes: int = 10,
    channels: int = 1,
    input_size: int = 28,
    width: float = 1.0,
    variant: str = "a",
    layer: Mapping[str, Any] | None = None,
    rectify: bool = True,
    normalise: str = "mnist",
) -> Classifier:
    """Two 5x5 convolutions without padding, each pooled 2x2, and three linear layers.

    The first convolution has no bias, so that a push-pull layer in its place, which has none, makes a network
    of as many parameters. The paper does not speak of rectifiers: there is one after each hidden layer here,
    but for a push-pull layer, after which its Figure 3 has none. Rectifiers come after the pooling: the same
    numbers and gradients as before it, from a quarter of the units.

    Args:
        classes: number of logits.
        channels: channels of the images.
        input_size: side of the images in pixels, at least 16.
        width: factor on all kernels and hidden units.
        variant: kernels and units, "a" to "d" of the paper.
        layer: options of the layer in the place of the first convolution, with its kind; see
            `flexnet.options.layer`.
        rectify: whether a rectifier follows the first layer.
        normalise: name of the normalisation.

    Raises:
        ConfigError: if an option has a value that is not allowed.
    """
    first, second, third, fourth = (max(1, round(units * width)) for units in VARIANTS[variant])
    pooled = (input_size - KERNEL + 1) // 2
    features = nn.Sequential(
        convolution(layer, channels, first, KERNEL, bias=False, input_size=input_size),
        nn.MaxPool2d(2),
        *([nn.ReLU()] if rectify else []),
        nn.Conv2d(first, second, KERNEL),
        nn.MaxPool2d(2),
        nn.ReLU(),
    )
    head = nn.Sequential(
        nn.Flatten(),
        nn.Linear(second * ((pooled - KERNEL + 1) // 2) ** 2, third),
        nn.ReLU(),
        nn.Linear(third, fourth),
        nn.ReLU(),
        nn.Linear(fourth, classes),
    )
    return Classifier(normalisation(normalise, channels), features, head, input_size=input_size)
