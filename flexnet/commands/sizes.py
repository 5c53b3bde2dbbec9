"""Sizes of steps as they are typed: `0.03`, or `8/255` for eight grey levels."""

from fractions import Fraction

from flexnet.errors import ConfigError


def size_of(text: str, option: str) -> float:
    """A size as a number.

    Raises:
        ConfigError: naming the option, if it is none.
    """
    try:
        return float(Fraction(text))
    except (ValueError, ZeroDivisionError) as error:
        raise ConfigError(f"{option}: expected a number such as 0.03 or 8/255; got {text!r}") from error
