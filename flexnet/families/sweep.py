"""Sweep: networks of one uniform threshold, scored at others (Flexible Layer paper, Figure 3)."""

from collections.abc import Iterator
from typing import Any

from flexnet.families.base import Condition, Family
from flexnet.families.fgsm import DRAW, EPSILON, FgsmSettings
from flexnet.families.interventions import not_for
from flexnet.options.layers.flexible import FlexibleOptions, threshold
from flexnet.options.rules import Options, distinct
from flexnet.problems import Problem
from flexnet.tables.kinds import NUMBER


def _asked(value: Any, layer: Options | None) -> Iterator[Problem]:
    yield from distinct(threshold, "thresholds")(value)
    if not isinstance(layer, FlexibleOptions) or layer.scheme != "uniform":
        yield not_for("a network with a layer of the scheme 'uniform'", layer)


FAMILY = Family(
    name="sweep",
    conditions={"threshold": Condition(NUMBER), "epsilon": EPSILON, "draw": DRAW},
    settings=FgsmSettings,
    base="fgsm",
    asked=_asked,
    asks=True,
    seeds="all",
)
