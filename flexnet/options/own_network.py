"""Options of a network of the user's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from flexnet.options.layer import layer_options, layer_problems
from flexnet.options.networks.base import NORMALISE, NetworkOptions
from flexnet.options.rules import Options, option, optional


@dataclass(frozen=True, kw_only=True)
class OwnNetworkOptions(NetworkOptions):
    """What is known of a network that a dotted path names; its function checks the other options itself."""

    OPEN: ClassVar[bool] = True

    normalise: str = option("none", NORMALISE)
    layer: Mapping[str, Any] | None = option(None, optional(layer_problems))

    def replaced(self) -> Options | None:
        """The layer that the row names, if it does."""
        return None if self.layer is None else layer_options(self.layer)
