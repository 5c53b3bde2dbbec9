"""Constants: the severities of all corruptions, for images of the size that a network takes."""

from flexnet.families.base import Family
from flexnet.families.corruptions import told
from flexnet.tables.kinds import NUMBER, TEXT, WHOLE

FAMILY = Family(
    name="constants",
    subject="modules",
    conditions={},
    counts=False,
    base="corruptions",
    told=told,
    measures={
        "category": TEXT,
        "kind": TEXT,
        "size": WHOLE,  # of the images, in pixels
        "level": WHOLE,
        "constant": TEXT,
        "value": NUMBER,
    },
    key=("kind", "level", "constant"),
)
