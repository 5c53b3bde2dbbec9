"""Gallery: one image of a network's dataset under every corruption and severity, as pictures."""

from flexnet.families.base import Family
from flexnet.families.corruptions import told
from flexnet.tables.kinds import TEXT, WHOLE

FAMILY = Family(
    name="gallery",
    subject="modules",
    conditions={},
    counts=False,
    base="corruptions",
    told=told,
    images=True,
    measures={
        "category": TEXT,
        "kind": TEXT,
        "level": WHOLE,
        "image": WHOLE,
        "dataset": TEXT,
        "picture": TEXT,  # PNG in base64
    },
    key=("kind", "level"),
)
