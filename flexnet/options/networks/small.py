"""Options of the small network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flexnet.options.layers.flexible import FlexibleOptions
from flexnet.options.networks.base import NORMALISE, NetworkOptions
from flexnet.options.rules import option, optional, section, whole

KERNEL = 5


@dataclass(frozen=True, kw_only=True)
class SmallOptions(NetworkOptions):
    """Options of `flexnet.networks.small`."""

    channels: int = option(1, whole(1))
    input_size: int = option(28, whole(KERNEL))
    layer: Mapping[str, Any] | None = option(None, optional(section(FlexibleOptions)))
    normalise: str = option("half", NORMALISE)

    def flexible_layer(self) -> FlexibleOptions:
        """Its one layer; without options it always convolves."""
        return FlexibleOptions(**({"scheme": "conv"} if self.layer is None else self.layer))


OPTIONS = SmallOptions
