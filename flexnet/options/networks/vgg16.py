"""Options of VGG16."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flexnet.options.layer import layer_options, layer_problems
from flexnet.options.networks.base import NetworkOptions
from flexnet.options.rules import Options, distinct, number, one_of, option, optional, whole
from flexnet.problems import Problem, wrong

CONVOLUTIONS = 13
SMALLEST = 18  # one convolution without padding takes two pixels, then four poolings halve
FLEXIBLE: dict[str, tuple[int, ...]] = {"none": (), "single": (2,), "all": tuple(range(1, CONVOLUTIONS + 1))}
POOLINGS = ("paper", "pooled_max", "pooled_avg")
HEADS = ("global", "flatten")
_numbers = distinct(whole(1, CONVOLUTIONS), f"layer numbers from 1 to {CONVOLUTIONS}")


def _flexible(value: Any) -> Iterator[Problem]:
    if isinstance(value, str) and value in FLEXIBLE:
        return
    if isinstance(value, list | tuple):
        yield from _numbers(value)
    else:
        words = f"one of {list(FLEXIBLE)} or a list of layer numbers from 1 to {CONVOLUTIONS}"
        yield wrong(words, value, list(FLEXIBLE))


def flexible_numbers(flexible: str | Sequence[int]) -> tuple[int, ...]:
    """Numbers (1 to 13) of the convolutions that become flexible."""
    return FLEXIBLE[flexible] if isinstance(flexible, str) else tuple(flexible)


@dataclass(frozen=True, kw_only=True)
class Vgg16Options(NetworkOptions):
    """Options of `flexnet.networks.vgg16`."""

    input_size: int = option(32, whole(SMALLEST))
    dropout: float = option(1.0, number("a number in [0, 1]", least=0, most=1))
    flexible: str | Sequence[int] = option("none", _flexible)
    layer: Mapping[str, Any] | None = option(None, optional(layer_problems))
    pooling: str = option("paper", one_of(POOLINGS))
    head: str = option("global", one_of(HEADS))

    def replaced(self) -> Options | None:
        """The layer of the chosen convolutions."""
        return layer_options(self.layer) if flexible_numbers(self.flexible) else None


OPTIONS = Vgg16Options
