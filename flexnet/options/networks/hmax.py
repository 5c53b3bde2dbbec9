"""Options of HMAX."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flexnet.options.layer import UNSAID, kind_of, layer_options, layer_problems
from flexnet.options.networks.base import NORMALISE, NetworkOptions
from flexnet.options.rules import Options, one_of, option, optional, whole
from flexnet.problems import Problem

POOLS = tuple(range(8, 23, 2))  # C1 pooling windows of the eight bands; the step is half a window
SMALLEST = POOLS[-1] // 2  # below it, C1 of the last band is a single position
C1, S2 = ("max", "flexible", "conv"), ("template", "flexible", "conv")


@dataclass(frozen=True, kw_only=True)
class HmaxOptions(NetworkOptions):
    """Options of `flexnet.networks.hmax`."""

    channels: int = option(1, whole(1, of=(1, 3)))
    input_size: int = option(28, whole(SMALLEST))
    c1: str = option("max", one_of(C1))
    s2: str = option("template", one_of(S2))
    layer: Mapping[str, Any] | None = option(None, optional(layer_problems))
    prototypes: int = option(400, whole(1))
    normalise: str = option("none", NORMALISE)

    def replaced(self) -> Options | None:
        """The layer of C1, S2 or both."""
        return layer_options(self.layer) if "flexible" in (self.c1, self.s2) else None

    def disagreements(self) -> Iterator[Problem]:
        """Templates have no bias, and no layer but the flexible one takes their response."""
        yield from super().disagreements()
        if self.s2 == "flexible" and kind_of(self.layer or {}) != UNSAID:
            text = f"expected the kind {UNSAID!r} with s2 'flexible'; got {kind_of(self.layer or {})!r}"
            yield Problem(f"{text}; replace c1 alone", ("layer", "kind"))
        elif self.s2 == "flexible" and "bias" in (self.layer or {}):
            yield Problem("expected no bias with s2 'flexible', which has none; remove it", ("layer", "bias"))


OPTIONS = HmaxOptions
