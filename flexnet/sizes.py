"""Sizes of steps as people write them: `0.03`, or `8/255` for eight grey levels."""

from fractions import Fraction
from typing import Final

from flexnet.errors import ConfigError

LEVELS: Final = 255
TINY: Final = 1e-6  # by which a size of whole levels may miss them


def size_of(text: str, option: str) -> float:
    """A size as a number.

    Raises:
        ConfigError: naming the option, if it is none.
    """
    try:
        return float(Fraction(text))
    except (ValueError, ZeroDivisionError) as error:
        raise ConfigError(f"{option}: expected a number such as 0.03 or 8/255; got {text!r}") from error


def in_levels(size: float) -> str:
    """A size of pixels of [0, 1] in words: whole grey levels as such."""
    levels = size * LEVELS
    whole = abs(levels - round(levels)) < TINY
    return f"{round(levels)}/{LEVELS}" if whole else f"{size:g}"
