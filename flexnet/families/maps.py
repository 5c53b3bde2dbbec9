"""Maps: what layers answer, whether that depends on the image, and how flat it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flexnet.families.base import ANSWER, Condition, Family
from flexnet.options.rules import Options, distinct, option, required, whole
from flexnet.problems import Problem
from flexnet.tables.kinds import PERHAPS, PERHAPS_FRACTION, TEXT, WHOLE


@dataclass(frozen=True, kw_only=True)
class MapSettings(Options):
    """Settings of a look at maps.

    Attributes:
        images: how many, the first of those that are scored; at least two, whose maps are compared.
        pictured: how many channels of the first image are kept as pictures.
        batch: images that share the mask of a stochastic network.
    """

    images: int = required(whole(2))
    pictured: int = option(1, whole(1))
    batch: int = option(100, whole(1))


def _asked(value: Any, layer: Options | None) -> Iterator[Problem]:
    yield from distinct(whole(1), "numbers of convolutions, the first is 1")(value)


FAMILY = Family(
    name="maps",
    conditions={"layer": Condition(WHOLE)},  # number of the convolution; 0 for the images themselves
    measures={
        # Mean correlation of the maps of different images, mean over channels; empty without contrast.
        "correlation": PERHAPS,
        # Share of neighbouring pixels of a map that are the same.
        "sameness": PERHAPS_FRACTION,
        "picture": TEXT,
    },
    settings=MapSettings,
    asked=_asked,
    seeds="all",
    work=lambda section: ANSWER,
)
