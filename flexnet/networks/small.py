"""The small network of the Flexible Layer paper (its Figure 2B, Table 2 and Figure 3)."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from flexnet.layers.registry import convolution
from flexnet.networks.classifier import Classifier
from flexnet.networks.normalise import normalisation
from flexnet.options.networks.small import KERNEL, SmallOptions
from flexnet.options.rules import checked


class FlattenUnits(nn.Module):
    """Flatten maps (N, C, H, W) to (N, H W C): row by row, the channels of a position together.

    That is how channels-last maps lie in memory. `nn.Flatten` has them copied into another order, and
    their gradients arrive in it, which made every step after the convolution several times slower.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Flatten without a copy where the maps are channels last."""
        return maps.permute(0, 2, 3, 1).flatten(1)


@checked(SmallOptions, "network 'small'")
def small(
    *,
    classes: int = 10,
    channels: int = 1,
    input_size: int = 28,
    width: float = 1.0,
    layer: Mapping[str, Any] | None = None,
    normalise: str = "half",
) -> Classifier:
    """One flexible layer of 12 channels (5x5, no padding) and three linear layers, with ReLUs between.

    The paper's text omits the ReLUs, the authors' released code has them; without them the network
    would be nearly linear.

    Args:
        classes: number of logits.
        channels: channels of the images.
        input_size: side of the images in pixels, at least 5.
        width: factor on the 12 channels and on the hidden units 120 and 60.
        layer: options of the first layer, with its kind; see `flexnet.options.layer`. The default is the
            baseline, whose units always convolve.
        normalise: name of the normalisation.

    Raises:
        ConfigError: if an option has a value that is not allowed.
    """
    wide, first, second = (max(1, round(units * width)) for units in (12, 120, 60))
    options: dict[str, Any] = {"scheme": "conv"} if layer is None else dict(layer)
    first_layer = convolution(options, channels, wide, KERNEL, input_size=input_size)
    head = nn.Sequential(
        FlattenUnits(),
        nn.Linear(wide * (input_size - KERNEL + 1) ** 2, first),
        nn.ReLU(),
        nn.Linear(first, second),
        nn.ReLU(),
        nn.Linear(second, classes),
    )
    return Classifier(
        normalisation(normalise, channels),
        nn.Sequential(first_layer, nn.ReLU()),
        head,
        input_size=input_size,
    )
