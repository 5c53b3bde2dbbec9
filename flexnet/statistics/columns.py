"""The columns of every table that passes from one room to the next, declared once.

Kinds: `str` and `int` columns hold no empty cell; `float` columns may hold NaN where nothing is known.
Accuracies are fractions in [0, 1]; differences in the ledger of claims are percentage points.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

Columns: TypeAlias = Mapping[str, type]

PROTOCOLS: Final = ("paper", "release", "corrected")

# What was done to the trained network, or when it was looked at. A table has some of these.
CONDITIONS: Final[Columns] = {
    "split": str,
    "epoch": int,
    "intervention": str,  # what became of the thresholds at test: "trained", "shuffled", "redrawn", ...
    "threshold": float,  # the uniform threshold at test
    "epsilon": float,
    "draw": int,
}
COUNTS: Final[Columns] = {"n": int, "correct": int, "accuracy": float}
TRAINING: Final[Columns] = {"loss": float, "learning_rate": float}
# How the gates behave: mean share of MAX, fraction of units that switch between images, mean |T - T0|.
GATES: Final[Columns] = {"max_share": float, "switching": float, "threshold_shift": float}
ESTIMATES: Final[Columns] = {
    "n": int,
    "n_images": int,
    "mean": float,
    "sem": float,
    "low": float,
    "high": float,
}


@dataclass(frozen=True)
class Schema:
    """The columns that a table must have and those that it may have; any other is unknown."""

    required: Columns
    optional: Columns

    @property
    def columns(self) -> dict[str, type]:
        """All known columns with their kinds."""
        return {**self.required, **self.optional}


HISTORY: Final = Schema(
    {"model": str, "seed": int, "epoch": int, "split": str, **COUNTS, **TRAINING}, {"protocol": str}
)
FGSM: Final = Schema(
    {"model": str, "seed": int, "protocol": str, "epsilon": float, "draw": int, **COUNTS}, {}
)
THRESHOLDS: Final = Schema(FGSM.required, {"intervention": str, "threshold": float, **GATES})
ROWS: Final = Schema(
    {"figure": str, "protocol": str, "series": str, "model": str, "seed": int, **COUNTS},
    {**CONDITIONS, **TRAINING, **GATES},
)
SUMMARY: Final = Schema({"figure": str, "protocol": str, "series": str, **ESTIMATES}, {**CONDITIONS, **GATES})
# What the schematics draw: the layers of networks, and the numbers of a worked example.
DESCRIPTION: Final = Schema(
    {
        "figure": str,
        "protocol": str,
        "series": str,
        "network": str,
        "step": int,
        "module": str,
        "kind": str,
        "kernel": float,
        "stride": float,
        "padding": float,
        "rate": float,
        "in_shape": str,
        "out_shape": str,
        "weights": int,
        "thresholds": int,
    },
    {},
)
WORKED: Final = Schema(
    {
        "figure": str,
        "protocol": str,
        "series": str,
        "rule": str,
        "part": str,
        "row": int,
        "column": int,
        "value": float,
    },
    {},
)
# One row per comparison of a claim: `verdict` is its own, `summary` the claim's, the same in all its rows.
LEDGER: Final = Schema(
    {
        "id": str,
        "paper": str,
        "protocol": str,
        "scale": str,
        "title": str,
        "statement": str,
        "comparison": str,
        "paper_value": float,
        "measured_value": float,
        "unit": str,
        "low": float,
        "high": float,
        "n": int,
        "claimed_low": float,
        "claimed_high": float,
        "verdict": str,
        "summary": str,
        "detail": str,
        "source": str,
    },
    {},
)
