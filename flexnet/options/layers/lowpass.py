"""Options of the low-pass convolution."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flexnet.options.rules import Options, flag, option, whole
from flexnet.problems import Problem, wrong


def _odd(value: Any) -> Iterator[Problem]:
    if list(whole(3)(value)) or value % 2 == 0:
        yield wrong("an odd whole number of at least 3", value)


@dataclass(frozen=True, kw_only=True)
class LowPassOptions(Options):
    """Options of `flexnet.layers.lowpass`.

    Attributes:
        size: side of the low-pass filter in pixels.
        bias: of the convolution.
    """

    size: int = option(5, _odd)
    bias: bool = option(False, flag)


OPTIONS = LowPassOptions
