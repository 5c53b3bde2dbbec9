"""Names of the options that a layer takes beside what it has from a convolution."""

import inspect
from collections.abc import Iterable
from difflib import get_close_matches

from flexnet.errors import ConfigError

OF_CONV = ("input_size", "bias", "device", "dtype")  # keyword arguments that follow from the convolution


def check_options(layer: type, options: Iterable[str]) -> None:
    """Check that options are keyword arguments of a layer which do not follow from a convolution.

    Raises:
        ConfigError: if one is not, with the nearest right name.
    """
    parameters = inspect.signature(layer).parameters.values()
    known = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY and each.name not in OF_CONV]
    for option in options:
        if option not in known:
            near = get_close_matches(option, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"{layer.__name__}: expected options among {known}; got {option!r}{hint}")
