"""Band-pass: accuracy on images of which a filter leaves some spatial frequencies alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flexnet.families.base import ANSWER, Condition, Family
from flexnet.options.rules import Options, distinct, number, one_of, option, required, whole
from flexnet.tables.kinds import AMOUNT, TEXT

# Those of `flexnet.spectral.filters`, where they are explained.
FILTERS: Final = ("paper", "release", "contrast", "low_pass", "high_pass")
NONE: Final = "none"  # clean images, which are always judged too


@dataclass(frozen=True, kw_only=True)
class BandpassSettings(Options):
    """Settings of an evaluation under filters.

    Attributes:
        filters: which, each once.
        frequencies: centres of bands, or widths of passes, in cycles per image, each once.
        batch: images that share the mask of a stochastic network.
    """

    filters: tuple[str, ...] = option(FILTERS, distinct(one_of(FILTERS), "filters"))
    frequencies: tuple[float, ...] = required(distinct(number("a number above 0", above=0), "numbers"))
    batch: int = option(100, whole(1))

    def conditions(self) -> Iterator[tuple[str, float]]:
        """Clean images, then every filter at every frequency."""
        yield NONE, 0.0
        for name in self.filters:
            yield from ((name, float(frequency)) for frequency in self.frequencies)


def work(section: Mapping[str, Any]) -> float:
    """Training steps that cost as much: each condition is an answer."""
    return ANSWER * sum(1 for _ in BandpassSettings.from_values(section).conditions())


FAMILY = Family(
    name="bandpass",
    conditions={"filter": Condition(TEXT, plain=NONE), "frequency": Condition(AMOUNT, plain=0.0)},
    settings=BandpassSettings,
    seeds="all",
    work=work,
)
