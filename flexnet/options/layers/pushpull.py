"""Options of the push-pull layer: what `PushPullConv2d` accepts beside the arguments of a convolution."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flexnet.options.rules import Options, flag, is_number, number, option
from flexnet.problems import Problem, wrong

LEARNED = "learned"  # in the place of a number: the inhibition strength is trained


def _strength(value: Any) -> Iterator[Problem]:
    """A number that does not change the sign of the pull, or the word for a trained one."""
    if value != LEARNED and (not is_number(value) or value < 0):
        yield wrong(f"a number of 0 or more, or {LEARNED!r}", value, [LEARNED])


@dataclass(frozen=True, kw_only=True)
class PushPullOptions(Options):
    """Options of a push-pull layer; `PushPullConv2d` says what each means."""

    alpha: float | str = option(1.0, _strength)
    h: float = option(2.0, number("a number of at least 1", least=1))
    bias: bool = option(False, flag)


OPTIONS = PushPullOptions
