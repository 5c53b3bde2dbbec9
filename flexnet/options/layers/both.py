"""Options of the layer that is flexible and push-pull: those of the Flexible Layer, and of the pull."""

from dataclasses import dataclass

from flexnet.options.layers.flexible import FlexibleOptions
from flexnet.options.rules import number, option


@dataclass(frozen=True, kw_only=True)
class BothOptions(FlexibleOptions):
    """Options of `flexnet.layers.both`."""

    alpha: float = option(1.0, number("a number of 0 or more", least=0))
    h: float = option(2.0, number("a number of at least 1", least=1))


OPTIONS = BothOptions
