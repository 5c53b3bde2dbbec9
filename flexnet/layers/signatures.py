"""What a layer takes beside the arguments of a convolution, read off its signature."""

import inspect
from collections.abc import Iterable

from flexnet.errors import ConfigError
from flexnet.problems import ask

# What follows from the convolution whose place a layer takes.
OF_CONV = ("stride", "padding", "dilation", "groups", "bias", "padding_mode", "input_size", "device", "dtype")


def takes(layer: type, name: str) -> bool:
    """Whether a layer has an argument of this name."""
    return name in inspect.signature(layer).parameters


def passes_on(layer: type) -> bool:
    """Whether a layer takes keyword arguments that it does not name, to hand them to a Conv2d."""
    return any(each.kind is each.VAR_KEYWORD for each in inspect.signature(layer).parameters.values())


def check_options(layer: type, options: Iterable[str]) -> None:
    """Check that options are arguments of a layer which do not follow from a convolution.

    Raises:
        ConfigError: if one is not, with the nearest right name.
    """
    parameters = list(inspect.signature(layer).parameters.values())
    named = [each.name for each in parameters if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)]
    known = [name for name in named if name not in (*named[:3], *OF_CONV)]
    for option in options:
        if option in OF_CONV or (option not in known and not passes_on(layer)):
            raise ConfigError(
                f"{layer.__name__}: expected options among {known}; got {option!r}{ask(option, known)}"
            )
