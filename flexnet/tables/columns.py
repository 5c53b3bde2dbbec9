"""The columns of every table that passes from one room to the next.

What families declare (conditions, measures) is taken from them; the rest is declared here. Accuracies
are fractions in [0, 1]; differences in the ledger of claims are percentage points. NaN stands where nothing
is known, in the columns that allow it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from flexnet.families.base import Family
from flexnet.families.registry import conditions, families
from flexnet.tables.kinds import (
    FRACTION,
    LIMIT,
    NAME,
    PERHAPS,
    PERHAPS_AMOUNT,
    POSITIVE,
    TEXT,
    WHOLE,
    Kind,
)

Columns: TypeAlias = Mapping[str, Kind]

# What identifies a run, and a series.
RUN: Final = ("model", "seed", "protocol")
SERIES: Final = ("figure", "protocol", "series")

# What was done to the trained network, or when it was looked at. A table has some of these.
CONDITIONS: Final[Columns] = {name: condition.kind for name, condition in conditions().items()}
# An accuracy is never empty either: it is compared with correct / n.
COUNTS: Final[Columns] = {"n": POSITIVE, "correct": WHOLE, "accuracy": PERHAPS}
# What families measure beside counts.
MEASURES: Final[Columns] = {
    name: kind
    for family in families().values()
    if family.subject != "modules"
    for name, kind in family.measures.items()
}
# Of a figure whose networks are compared image by image: numbers of images about which one alone is right.
PAIRS: Final[Columns] = {"gained": PERHAPS_AMOUNT, "lost": PERHAPS_AMOUNT}
ESTIMATES: Final[Columns] = {
    "n": POSITIVE,
    "n_images": POSITIVE,
    "mean": FRACTION,
    "sem": PERHAPS_AMOUNT,
    "low": PERHAPS,
    "high": PERHAPS,
    "by_seed": TEXT,
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


def rows_of(family: Family) -> Schema:
    """The rows of a family as its job writes them: one per model, seed, protocol and condition."""
    counts = COUNTS if family.counts else {}
    asked = {} if family.subject == "training" else {"protocol": NAME}
    conditions = {name: condition.kind for name, condition in family.conditions.items()}
    columns = {"model": TEXT, "seed": WHOLE, **asked, **conditions, **counts, **family.measures}
    return Schema(columns, {}, (*RUN, *family.key))


def described_by(family: Family) -> Schema:
    """The rows of a family that looks at modules, of one figure."""
    return Schema(
        {"figure": TEXT, "protocol": NAME, "series": TEXT, **family.measures}, {}, (*SERIES, *family.key)
    )


# The rows of any family: what is joined into the rows of a figure. In those of several families each row says
# its own, and is at the plain values of conditions that this does not know.
EVALUATED: Final = Schema(
    {"model": TEXT, "seed": WHOLE, **COUNTS}, {"protocol": NAME, **CONDITIONS, **MEASURES}, RUN
)
ROWS: Final = Schema(
    {"figure": TEXT, "protocol": NAME, "series": TEXT, "model": TEXT, "seed": WHOLE, **COUNTS},
    {"family": NAME, **CONDITIONS, **MEASURES, **PAIRS},
    (*SERIES, "model", "seed", "family"),
)
# One row per comparison of a claim: `verdict` is its own, `summary` the claim's, the same in all its rows.
LEDGER: Final = Schema(
    {
        "id": TEXT,
        "paper": TEXT,
        "protocol": NAME,
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
        "by_seed": TEXT,
        "claimed_low": LIMIT,
        "claimed_high": LIMIT,
        "verdict": TEXT,
        "summary": TEXT,
        "detail": TEXT,
        "source": TEXT,
    },
    {},
)
