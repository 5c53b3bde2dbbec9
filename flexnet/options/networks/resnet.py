"""Options of the ResNets of the push-pull paper."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flexnet.options.layer import layer_options, layer_problems
from flexnet.options.networks.base import NORMALISE, NetworkOptions
from flexnet.options.rules import Options, option, optional, whole
from flexnet.problems import Problem, wrong

STAGES, OUTSIDE = 3, 2  # of two convolutions for each block; the first convolution and the linear layer


def _depth(value: Any) -> Iterator[Problem]:
    """Layers with weights on the longest way."""
    found = list(whole(STAGES * 2 + OUTSIDE)(value))
    if found or (value - OUTSIDE) % (STAGES * 2):
        yield wrong("a whole number 6 n + 2, such as 14, 20, 32, 44 or 56", value)


@dataclass(frozen=True, kw_only=True)
class ResnetOptions(NetworkOptions):
    """Options of `flexnet.networks.resnet`."""

    depth: int = option(20, _depth)
    layer: Mapping[str, Any] | None = option(None, optional(layer_problems))
    normalise: str = option("cifar10", NORMALISE)

    def replaced(self) -> Options | None:
        """The first layer."""
        return None if self.layer is None else layer_options(self.layer)


OPTIONS = ResnetOptions
