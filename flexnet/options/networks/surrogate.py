"""Options of the black-box surrogate."""

from dataclasses import dataclass

from flexnet.options.networks.base import NetworkOptions
from flexnet.options.rules import option, whole


@dataclass(frozen=True, kw_only=True)
class SurrogateOptions(NetworkOptions):
    """Options of `flexnet.networks.surrogate`."""

    input_size: int = option(32, whole(4))


OPTIONS = SurrogateOptions
