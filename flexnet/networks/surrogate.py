"""The black-box surrogate of the Flexible Layer paper ("Conv2d Model" of its Network Definitions)."""

from torch import nn

from flexnet.networks.classifier import Classifier
from flexnet.networks.normalise import normalisation
from flexnet.options.networks.surrogate import SurrogateOptions
from flexnet.options.rules import checked


@checked(SurrogateOptions, "network 'surrogate'")
def surrogate(
    *,
    classes: int = 10,
    channels: int = 3,
    input_size: int = 32,
    width: float = 1.0,
    normalise: str = "imagenet",
) -> Classifier:
    """Four 3x3 convolutions, two 2x2 max-pools and two linear layers: the source of black-box attacks.

    Args:
        classes: number of logits.
        channels: channels of the images.
        input_size: side of the images in pixels, at least 4.
        width: factor on all channel counts and hidden units.
        normalise: name of the normalisation.

    Raises:
        ConfigError: if an option has a value that is not allowed.
    """
    first, second, hidden = (max(1, round(units * width)) for units in (64, 128, 256))
    layers: list[nn.Module] = []
    for wide_in, wide in ((channels, first), (first, second)):
        layers += [nn.Conv2d(wide_in, wide, 3, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(wide, wide, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2)]
    head = nn.Sequential(
        nn.Flatten(),
        nn.Linear(second * (input_size // 4) ** 2, hidden),
        nn.ReLU(),
        nn.Linear(hidden, classes),
    )
    return Classifier(normalisation(normalise, channels), nn.Sequential(*layers), head, input_size=input_size)
