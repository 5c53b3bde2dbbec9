"""Options of the small network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flexnet.options.layer import layer_options, layer_problems
from flexnet.options.networks.base import NORMALISE, NetworkOptions
from flexnet.options.rules import Options, option, optional, whole

KERNEL = 5


@dataclass(frozen=True, kw_only=True)
class SmallOptions(NetworkOptions):
    """Options of `flexnet.networks.small`."""

    channels: int = option(1, whole(1))
    input_size: int = option(28, whole(KERNEL))
    layer: Mapping[str, Any] | None = option(None, optional(layer_problems))
    normalise: str = option("half", NORMALISE)

    def replaced(self) -> Options:
        """Its one layer; without options it always convolves."""
        return layer_options({"scheme": "conv"} if self.layer is None else self.layer)


OPTIONS = SmallOptions
