"""Spaces of the iterated attacks under each protocol.

TRADES clamps images to [0, 1], which are pixels there. The released code of the Flexible Layer paper does the
same to images that are normalised already, so that pixels are squeezed into [mean, mean + std]: the clamp
"squeezed". Most values of natural images lie outside that range.
"""

from typing import Any

from torch import nn

from flexnet.attacks.spaces import Space, space_of
from flexnet.errors import ConfigError
from flexnet.options.attacks import PGD_CLAMPS


def pgd_space(model: nn.Module, space: str, clamp: str) -> Space:
    """The space called `space` with the clamp `clamp` for a model that normalises its input.

    Args:
        model: a model with a first layer `normalise` that holds buffers `mean` and `std`.
        space: `"normalised"` or `"pixel"`.
        clamp: `"squeezed"` or `"loose"` (normalised space only), or `"valid"`.

    Raises:
        ConfigError: if a name is unknown, they do not fit, or the model does not tell how it normalises.
    """
    if clamp not in PGD_CLAMPS:
        raise ConfigError(
            f"clamp of an attack: expected one of {PGD_CLAMPS}; got {clamp!r}; name one of them"
        )
    if clamp != "squeezed":
        return space_of(model, space, clamp)
    if space != "normalised":
        raise ConfigError(
            f"clamp of an attack: expected the space normalised with squeezed; got {space!r}; pixels are "
            "clamped to [0, 1] by valid"
        )
    space_of(model, "normalised", "valid")  # refuses a model that does not tell
    normalise: Any = model.normalise
    return Space.normalised(normalise.mean, normalise.std, low=0.0, high=1.0)
