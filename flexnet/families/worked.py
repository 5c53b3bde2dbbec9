"""Worked: the numbers of one small Flexible Layer on a random image, for the picture of the layer."""

from flexnet.families.base import Family
from flexnet.tables.kinds import NUMBER, TEXT, WHOLE

FAMILY = Family(
    name="worked",
    subject="modules",
    conditions={},
    counts=False,
    measures={"rule": TEXT, "part": TEXT, "row": WHOLE, "column": WHOLE, "value": NUMBER},
    key=("part", "row", "column"),
)
