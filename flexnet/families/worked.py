"""Worked: the numbers of one small Flexible Layer on a random image, for the picture of the layer."""

from flexnet.families.base import Family
from flexnet.options.layers.flexible import STORED, FlexibleOptions
from flexnet.options.rules import Options
from flexnet.tables.kinds import NUMBER, TEXT, WHOLE


def _pictured(layer: Options | None) -> tuple[str, str] | None:
    """The example has a bias and a threshold for each unit."""
    found = "no flexible layer"
    if isinstance(layer, FlexibleOptions):
        fits = layer.scheme in STORED and layer.per == "unit" and layer.bias
        found = "" if fits else f"scheme {layer.scheme!r}, per {layer.per!r}"
    words = "a model whose flexible layer has a bias and stores a threshold per unit"
    return (words, found) if found else None


FAMILY = Family(
    name="worked",
    subject="modules",
    conditions={},
    counts=False,
    measures={"rule": TEXT, "part": TEXT, "row": WHOLE, "column": WHOLE, "value": NUMBER},
    key=("part", "row", "column"),
    pictured=_pictured,
)
