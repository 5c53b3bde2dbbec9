"""Options of the Flexible Layer: what `FlexibleConv2d` accepts beside the arguments of a convolution."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan
from numbers import Real
from typing import Any

from flexnet.options.rules import Options, flag, is_number, number, one_of, option, optional
from flexnet.problems import Problem, wrong

Init = str | tuple[float, float]
SCHEMES = ("conv", "learned", "frozen", "redrawn", "uniform", "random", "max", "blend")
STORED = ("learned", "frozen", "redrawn")  # schemes with one drawn threshold per unit or channel
GATED = (*STORED, "uniform")  # schemes whose gate follows eq. (1)
RULES = ("below", "above")
INITS = ("normal", "zeros", "uniform")
MATCHINGS = ("tile", "interleave", "interp")
PER = ("unit", "channel", "layer")


def threshold(value: Any) -> Iterator[Problem]:
    """A threshold for all units: any number; infinite ones make the pure branches."""
    if isinstance(value, bool) or not isinstance(value, Real) or isnan(value):
        yield wrong("a number", value)


def _init(value: Any) -> Iterator[Problem]:
    """A name, or mean and standard deviation."""
    if isinstance(value, str) and value in INITS:
        return
    pair = isinstance(value, list | tuple) and len(value) == 2 and all(map(is_number, value))
    if not pair or value[1] < 0:
        yield wrong(f"one of {list(INITS)} or a pair (mean, std) with std >= 0", value, INITS)


@dataclass(frozen=True, kw_only=True)
class FlexibleOptions(Options):
    """Options of a Flexible Layer; `FlexibleConv2d` says what each means."""

    scheme: str = option("learned", one_of(SCHEMES))
    rule: str = option("below", one_of(RULES))
    init: str | tuple[float, float] = option("normal", _init)
    value: float | None = option(None, optional(threshold))
    sharpness: float = option(50.0, number("a positive number; the rule sets the direction", above=0))
    matching: str = option("tile", one_of(MATCHINGS))
    per: str = option("unit", one_of(PER))
    bias: bool = option(True, flag)

    def disagreements(self) -> Iterator[Problem]:
        """The scheme uniform and no other has a value."""
        if self.scheme == "uniform" and self.value is None:
            yield Problem(
                "expected a value with the scheme 'uniform'; got none; add the key value", ("scheme",)
            )
        if self.scheme != "uniform" and self.value is not None:
            yield Problem(
                f"the scheme 'uniform' and no other takes a value; got scheme {self.scheme!r} with value "
                f"{self.value!r}; remove the value (in a row that is like another: value: null)",
                ("value",),
            )


OPTIONS = FlexibleOptions
