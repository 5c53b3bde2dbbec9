"""Options of the DenseNets of the push-pull paper."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flexnet.options.layer import layer_options, layer_problems
from flexnet.options.networks.base import NORMALISE, NetworkOptions
from flexnet.options.rules import Options, option, optional, whole
from flexnet.problems import Problem, wrong

BLOCKS, OUTSIDE = 3, 4  # of two convolutions for each layer; first convolution, two transitions, linear layer


def _depth(value: Any) -> Iterator[Problem]:
    """Layers with weights on the longest way."""
    found = list(whole(BLOCKS * 2 + OUTSIDE)(value))
    if found or (value - OUTSIDE) % (BLOCKS * 2):
        yield wrong("a whole number 6 n + 4, such as 40 or 100", value)


@dataclass(frozen=True, kw_only=True)
class DensenetOptions(NetworkOptions):
    """Options of `flexnet.networks.densenet`."""

    input_size: int = option(32, whole(4))
    depth: int = option(40, _depth)
    growth: int = option(12, whole(1))
    layer: Mapping[str, Any] | None = option(None, optional(layer_problems))
    normalise: str = option("cifar10", NORMALISE)

    def replaced(self) -> Options | None:
        """The first layer."""
        return None if self.layer is None else layer_options(self.layer)


OPTIONS = DensenetOptions
