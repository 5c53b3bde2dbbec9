"""Options of the LeNets of the push-pull paper."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flexnet.options.layer import layer_options, layer_problems
from flexnet.options.networks.base import NORMALISE, NetworkOptions
from flexnet.options.rules import Options, flag, one_of, option, optional, whole

KERNEL = 5
SMALLEST = 16  # two convolutions without padding, each followed by pooling, leave one pixel
# Kernels of both convolutions, and units of both hidden layers.
VARIANTS = {"a": (6, 16, 128, 64), "b": (6, 8, 64, 32), "c": (4, 16, 128, 64), "d": (4, 8, 64, 32)}


@dataclass(frozen=True, kw_only=True)
class LenetOptions(NetworkOptions):
    """Options of `flexnet.networks.lenet`."""

    channels: int = option(1, whole(1))
    input_size: int = option(28, whole(SMALLEST))
    variant: str = option("a", one_of(tuple(VARIANTS)))
    layer: Mapping[str, Any] | None = option(None, optional(layer_problems))
    rectify: bool = option(True, flag)
    normalise: str = option("mnist", NORMALISE)

    def replaced(self) -> Options | None:
        """The first layer."""
        return None if self.layer is None else layer_options(self.layer)


OPTIONS = LenetOptions
