"""Responses: what a push-pull layer makes of a drawn object as noise grows, for pictures of the layer."""

from flexnet.families.base import Family
from flexnet.options.layers.pushpull import PushPullOptions
from flexnet.options.rules import Options
from flexnet.tables.kinds import AMOUNT, NUMBER, TEXT, WHOLE


def _pictured(layer: Options | None) -> tuple[str, str] | None:
    fits = isinstance(layer, PushPullOptions)
    return None if fits else ("a model with a push-pull layer", "no such layer")


FAMILY = Family(
    name="responses",
    subject="modules",
    conditions={},
    counts=False,
    measures={"part": TEXT, "level": AMOUNT, "row": WHOLE, "column": WHOLE, "value": NUMBER},
    key=("part", "level", "row", "column"),
    pictured=_pictured,
)
