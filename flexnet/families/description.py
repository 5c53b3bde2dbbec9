"""Description: the layers of networks, with shapes and numbers of weights, read off the modules."""

from flexnet.families.base import Family
from flexnet.tables.kinds import PERHAPS_AMOUNT, TEXT, WHOLE

FAMILY = Family(
    name="description",
    subject="modules",
    conditions={},
    counts=False,
    measures={
        "network": TEXT,
        "step": WHOLE,
        "module": TEXT,
        "kind": TEXT,
        "kernel": PERHAPS_AMOUNT,
        "stride": PERHAPS_AMOUNT,
        "padding": PERHAPS_AMOUNT,
        "rate": PERHAPS_AMOUNT,
        "in_shape": TEXT,
        "out_shape": TEXT,
        "weights": WHOLE,
        "thresholds": WHOLE,
    },
    key=("network", "step"),
)
