"""The columns of every table that passes from one room to the next, declared once.

Accuracies are fractions in [0, 1]; differences in the ledger of claims are percentage points. NaN stands
where nothing is known, in the columns that allow it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from flexnet.tables.kinds import Kind

Columns: TypeAlias = Mapping[str, Kind]

PROTOCOLS: Final = ("paper", "release", "corrected")

TEXT: Final = Kind(str)
PROTOCOL: Final = Kind(str, choices=PROTOCOLS)
WHOLE: Final = Kind(int, low=0)
POSITIVE: Final = Kind(int, low=1)
NUMBER: Final = Kind(float)
AMOUNT: Final = Kind(float, low=0)
FRACTION: Final = Kind(float, low=0, high=1)
PERHAPS: Final = Kind(float, empty=True)
PERHAPS_AMOUNT: Final = Kind(float, low=0, empty=True)
PERHAPS_FRACTION: Final = Kind(float, low=0, high=1, empty=True)
LIMIT: Final = Kind(float, empty=True, infinite=True)

# What identifies a run, and a series.
RUN: Final = ("model", "seed", "protocol")
SERIES: Final = ("figure", "protocol", "series")

# What was done to the trained network, or when it was looked at. A table has some of these.
CONDITIONS: Final[Columns] = {
    "split": TEXT,
    "epoch": WHOLE,
    "intervention": TEXT,  # what became of the thresholds at test: "trained", "shuffled", "redrawn", ...
    "threshold": NUMBER,  # the uniform threshold at test
    "epsilon": AMOUNT,
    "draw": WHOLE,
}
# An accuracy is never empty either: it is compared with correct / n.
COUNTS: Final[Columns] = {"n": POSITIVE, "correct": WHOLE, "accuracy": PERHAPS}
TRAINING: Final[Columns] = {"loss": AMOUNT, "learning_rate": AMOUNT}
# How the gates behave: mean share of MAX, fraction of units that switch between images, mean |T - T0|.
GATES: Final[Columns] = {
    "max_share": PERHAPS_FRACTION,
    "switching": PERHAPS_FRACTION,
    "threshold_shift": PERHAPS_AMOUNT,
}
ESTIMATES: Final[Columns] = {
    "n": POSITIVE,
    "n_images": POSITIVE,
    "mean": FRACTION,
    "sem": PERHAPS_AMOUNT,
    "low": PERHAPS,
    "high": PERHAPS,
}


@dataclass(frozen=True)
class Schema:
    """The columns that a table must have and those that it may have; any other is unknown.

    No two rows agree in the columns of `key` and in all conditions that the table has; without a key, no two
    rows are the same.
    """

    required: Columns
    optional: Columns
    key: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, Kind]:
        """All known columns with their kinds."""
        return {**self.required, **self.optional}


HISTORY: Final = Schema(
    {"model": TEXT, "seed": WHOLE, "epoch": WHOLE, "split": TEXT, **COUNTS, **TRAINING},
    {"protocol": PROTOCOL},
    RUN,
)
FGSM: Final = Schema(
    {"model": TEXT, "seed": WHOLE, "protocol": PROTOCOL, "epsilon": AMOUNT, "draw": WHOLE, **COUNTS}, {}, RUN
)
THRESHOLDS: Final = Schema(FGSM.required, {"intervention": TEXT, "threshold": NUMBER, **GATES}, RUN)
# Any of the three above: what is joined into the rows of a figure.
EVALUATED: Final = Schema(
    {"model": TEXT, "seed": WHOLE, **COUNTS}, {"protocol": PROTOCOL, **CONDITIONS, **TRAINING, **GATES}, RUN
)
ROWS: Final = Schema(
    {"figure": TEXT, "protocol": PROTOCOL, "series": TEXT, "model": TEXT, "seed": WHOLE, **COUNTS},
    {**CONDITIONS, **TRAINING, **GATES},
    (*SERIES, "model", "seed"),
)
SUMMARY: Final = Schema(
    {"figure": TEXT, "protocol": PROTOCOL, "series": TEXT, **ESTIMATES}, {**CONDITIONS, **GATES}, SERIES
)
# What the schematics draw: the layers of networks, and the numbers of a worked example.
DESCRIPTION: Final = Schema(
    {
        "figure": TEXT,
        "protocol": PROTOCOL,
        "series": TEXT,
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
    {},
    (*SERIES, "network", "step"),
)
WORKED: Final = Schema(
    {
        "figure": TEXT,
        "protocol": PROTOCOL,
        "series": TEXT,
        "rule": TEXT,
        "part": TEXT,
        "row": WHOLE,
        "column": WHOLE,
        "value": NUMBER,
    },
    {},
    (*SERIES, "part", "row", "column"),
)
# One row per comparison of a claim: `verdict` is its own, `summary` the claim's, the same in all its rows.
LEDGER: Final = Schema(
    {
        "id": TEXT,
        "paper": TEXT,
        "protocol": PROTOCOL,
        "scale": TEXT,
        "title": TEXT,
        "statement": TEXT,
        "comparison": TEXT,
        "paper_value": PERHAPS,
        "measured_value": PERHAPS,
        "unit": TEXT,
        "low": PERHAPS,
        "high": PERHAPS,
        "n": WHOLE,
        "claimed_low": LIMIT,
        "claimed_high": LIMIT,
        "verdict": TEXT,
        "summary": TEXT,
        "detail": TEXT,
        "source": TEXT,
    },
    {},
)
