"""The claims as a table in words: what a paper says, what was measured, and how sure it is."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from flexnet.figures.cells import BLANK
from flexnet.figures.claim_effects import both_seeds, interval_of
from flexnet.figures.facts import Facts
from flexnet.figures.typeset import Block, Column, Line, Sheet

if TYPE_CHECKING:
    import pandas as pd

PLAIN: Final = (("comparison", "Comparison"), ("protocol", "Protocol"), ("n", "Seeds"))
SIDES: Final = (("claimed", "Claimed"), ("paper", "Paper"))


def claims_sheet(table: "pd.DataFrame", facts: Facts) -> Sheet:
    """One block per claim, one line per comparison and protocol.

    Of a scale that is no evidence there are no verdicts and no numbers of a paper.
    """
    columns = (
        *(Column(key, head) for key, head in PLAIN),
        Column("measured", "Measured"),
        *(Column(key, head) for key, head in SIDES if facts.evidence),
        *((Column("verdict", "Verdict"),) if facts.evidence else ()),
        Column("detail", "What was compared"),
    )
    groups = table.groupby(["paper", "id"], sort=False)
    return Sheet(columns, tuple(_block(part, columns) for _, part in groups))


def _block(part: "pd.DataFrame", columns: tuple[Column, ...]) -> Block:
    first = part.iloc[0]
    data = f", {first['dataset']}" if first["dataset"] else ""
    heading = f"{first['label']}: {first['title']}{data}. {first['statement']}"
    lines = []
    for _, row in part.iterrows():
        told = _told(row)
        key = f"{row['id']} {row['comparison']} {row['protocol']}"
        lines.append(Line(key, tuple(told[column.key] for column in columns)))
    return Block(heading, tuple(lines))


def _told(row: "pd.Series[Any]") -> dict[str, str]:
    word = str(row["verdict"])
    several = f" (claim: {row['summary']})" if row["summary"] != word else ""
    return {
        "comparison": minus(str(row["comparison"])),
        "protocol": str(row["protocol"]),
        "n": str(row["n"]),
        "measured": _measured(row),
        "claimed": _claimed(row),
        "paper": _amount(float(row["paper_value"]), str(row["unit"])),
        "verdict": word + several,
        "detail": minus(str(row["detail"])),
    }


def minus(text: str) -> str:
    """A comparison with a true minus sign between its series."""
    return text.replace(" - ", " \N{MINUS SIGN} ")


def _number(value: float) -> str:
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def _amount(value: float, unit: str) -> str:
    return BLANK if np.isnan(value) else f"{_number(value)} {unit}"


def _measured(row: "pd.Series[Any]") -> str:
    """The effect with its interval or both seeds."""
    effect = float(row["measured_value"])
    if np.isnan(effect):
        return BLANK
    interval, seeds = interval_of(row), both_seeds(row)
    spread = f" [{_number(interval[0])}, {_number(interval[1])}]" if interval else ""
    spread = f" ({_number(seeds[0])}, {_number(seeds[1])})" if seeds else spread
    return f"{_number(effect)}{spread} {row['unit']}"


def _claimed(row: "pd.Series[Any]") -> str:
    """The side that the paper claims, in words."""
    low, high = float(row["claimed_low"]), float(row["claimed_high"])
    if np.isnan(low):
        return BLANK
    if np.isfinite(low) and np.isfinite(high):
        return f"{_number(low)} to {_amount(high, str(row['unit']))}"
    if np.isfinite(low):
        return f"above {_amount(low, str(row['unit']))}"
    return f"below {_amount(high, str(row['unit']))}"
