"""The ledger: one row per claim and protocol, with the paper's value, ours and a verdict."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from flexnet.claims.kinds import Measurement, NotMeasured
from flexnet.claims.model import Claim, Rule
from flexnet.claims.rules import measure
from flexnet.claims.verdicts import explanation, weakest
from flexnet.files import write_rows
from flexnet.statistics.columns import LEDGER
from flexnet.statistics.tables import read_checked


def judge(
    claims: Sequence[Claim], rows_by_figure: Mapping[str, pd.DataFrame], protocol: str, scale: str
) -> list[dict[str, Any]]:
    """Judge every claim on the rows of one protocol and scale.

    Args:
        claims: as loaded by `load_claims`, of one paper or several.
        rows_by_figure: figure name -> rows as read by `read_rows`; rows of other protocols are left out.
        protocol: "paper", "release" or "corrected".
        scale: the scale that made the rows; it is recorded only.

    Returns:
        One ledger row per claim, in the order of `claims`. Effects are percentage points; what is not
        known is NaN, n is 0 where nothing was measured. Claims without rows or rule are "not measured".
    """
    return [_row(claim, _rows_of(claim, rows_by_figure, protocol), protocol, scale) for claim in claims]


def write_ledger(path: str | Path, ledger: Sequence[Mapping[str, Any]]) -> None:
    """Write the ledger as CSV, atomically; NaN becomes an empty cell, effects keep four decimals."""
    rows = [{name: _cell(value) for name, value in row.items()} for row in ledger]
    write_rows(path, list(LEDGER.required), rows)


def read_ledger(path: str | Path) -> pd.DataFrame:
    """Read a ledger.

    Raises:
        DataError: if the file is missing or does not have the ledger's columns.
    """
    return read_checked(path, LEDGER)


def _rows_of(claim: Claim, rows_by_figure: Mapping[str, pd.DataFrame], protocol: str) -> pd.DataFrame | None:
    rows = rows_by_figure.get(claim.figure)
    return None if rows is None else rows[rows["protocol"] == protocol]


def _row(claim: Claim, rows: pd.DataFrame | None, protocol: str, scale: str) -> dict[str, Any]:
    try:
        measured, word, detail = _decide(claim, rows, protocol)
    except NotMeasured as reason:
        measured, word, detail = Measurement(math.nan, math.nan, math.nan, 0, ""), "not measured", str(reason)
    claimed = claim.rule.claimed if claim.rule else (math.nan, math.nan)
    return {
        "id": claim.id,
        "paper": claim.paper,
        "protocol": protocol,
        "scale": scale,
        "title": claim.title,
        "statement": claim.statement,
        "paper_value": math.nan if claim.value is None else float(claim.value),
        "measured_value": measured.effect,
        "unit": claim.unit,
        "low": measured.low,
        "high": measured.high,
        "n": measured.n,
        "claimed_low": claimed[0],
        "claimed_high": claimed[1],
        "verdict": word,
        "detail": detail,
        "source": claim.source,
    }


def _decide(claim: Claim, rows: pd.DataFrame | None, protocol: str) -> tuple[Measurement, str, str]:
    rule: Rule | None = claim.rule
    if rule is None:
        raise NotMeasured("no rule for this claim yet")
    if rows is None or rows.empty:
        raise NotMeasured(f"no rows of {claim.figure} under this protocol")
    judged = [comparison for comparison in rule.compare if comparison.applies(protocol)]
    if not judged:
        raise NotMeasured("no comparison of this claim applies under this protocol")
    measurements = [measure(rows, rule, each, rule.window(protocol, each)) for each in judged]
    measured, word = weakest(measurements, rule)
    detail = explanation(measured, rule, word, len(measurements))
    if len(judged) < len(rule.compare):
        detail += f"; {len(rule.compare) - len(judged)} more do not apply under this protocol"
    return measured, word, detail


def _cell(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else round(value, 4)
