"""The ledger: one row per comparison of a claim and protocol, with the paper's value, ours and a verdict.

The summary of the claim stands in each of its rows, so that no comparison hides behind another.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from flexnet.claims.kinds import Measurement, NotMeasured
from flexnet.claims.model import Claim, Comparison
from flexnet.claims.rules import measure
from flexnet.claims.verdicts import explanation, summary, verdict
from flexnet.errors import ConfigError, DataError
from flexnet.files import write_rows
from flexnet.tables.columns import LEDGER
from flexnet.tables.frames import read_checked

UNKNOWN = (math.nan, math.nan)
NO_COMPARISON = "none"
NO_SEEDS = "none"  # of an effect that is not the mean of single seeds' effects
DEMONSTRATION = "a demonstration, set against nothing"


@dataclass(frozen=True)
class Bench:
    """Where a claim is judged: rows of its figure, if any, their protocol, whether they are evidence."""

    rows: pd.DataFrame | None
    protocol: str
    evidence: bool


@dataclass(frozen=True)
class Judged:
    """One comparison: what it is called, the paper's value, ours, its verdict and what must be said of it."""

    comparison: str
    paper_value: float
    measured: Measurement
    verdict: str
    detail: str


def judge(
    claims: Sequence[Claim],
    rows_by_figure: Mapping[str, pd.DataFrame],
    protocol: str,
    scale: str,
    *,
    evidence: bool = True,
    classes: Mapping[str, Collection[int]] | None = None,
) -> list[dict[str, Any]]:
    """Judge every claim on the rows of one protocol and scale.

    Args:
        claims: as loaded by `load_claims`, of one paper or several.
        rows_by_figure: figure name -> rows as read by `read_rows`; rows of other protocols are left out.
        protocol: "paper", "release" or "corrected".
        scale: the scale that made the rows; it is recorded only.
        evidence: whether the scale is evidence. Of one that is not, the rows are measured and set against
            nothing: no verdicts, no values or statements of a paper, no claimed side.
        classes: figure name -> numbers of classes of its series' data, each once, against which the rules'
            levels of chance are checked.

    Returns:
        One ledger row per comparison, in the order of `claims` (one row for a claim without a rule). Effects
        are percentage points; what is not known is NaN, n is 0 where nothing was measured.

    Raises:
        ConfigError: if a rule states another chance than the number of classes gives.
        DataError: if rows are malformed or of another figure.
    """
    ledger = []
    for claim in claims:
        _check_chance(claim, classes or {})
        bench = Bench(_rows_of(claim, rows_by_figure, protocol), protocol, evidence)
        judged = [_judged(claim, comparison, bench) for comparison in _applying(claim, protocol)]
        word = summary([each.verdict for each in judged])
        about = {**_about(claim, bench), "scale": scale, "summary": word}
        ledger += [_row(about, each) for each in judged]
    return ledger


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


def _check_chance(claim: Claim, classes: Mapping[str, Collection[int]]) -> None:
    if claim.rule is None or claim.rule.chance is None:
        return
    for number in classes.get(claim.figure, ()):
        if not math.isclose(claim.rule.chance * number, 1.0):
            raise ConfigError(
                f"{claim.paper}: claim {claim.id}: expected chance {1 / number:g} for the {number} classes"
                f" of {claim.figure}; got {claim.rule.chance:g}; correct the rule, or judge rows of its data"
            )


def _rows_of(claim: Claim, rows_by_figure: Mapping[str, pd.DataFrame], protocol: str) -> pd.DataFrame | None:
    rows = rows_by_figure.get(claim.figure)
    if rows is None:
        return None
    others = sorted(set(rows["figure"]) - {claim.figure}) if "figure" in rows.columns else []
    if others:
        raise DataError(
            f"{claim.figure}: expected rows of this figure; got rows of {others}; check the files"
        )
    return rows[rows["protocol"] == protocol]


def _applying(claim: Claim, protocol: str) -> Sequence[Comparison | None]:
    """The comparisons of a claim that apply under a protocol; None alone where there are none."""
    if claim.rule is None:
        return [None]
    return [each for each in claim.rule.compare if claim.rule.applies(each, protocol)] or [None]


def _judged(claim: Claim, comparison: Comparison | None, bench: Bench) -> Judged:
    rule = claim.rule
    text = rule.text(comparison, bench.protocol) if rule and comparison else NO_COMPARISON
    try:
        measured = _measured(claim, comparison, bench)
    except NotMeasured as reason:
        return _unmeasured(text, _paper_value(claim, comparison), reason, bench)
    assert rule is not None  # or nothing would have been measured
    if not bench.evidence:
        detail = "; ".join([DEMONSTRATION, measured.detail, *measured.notes])
        return Judged(text, math.nan, measured, "no evidence", detail)
    word = verdict(measured, rule)
    detail = explanation(measured, rule, word)
    return Judged(text, _paper_value(claim, comparison), measured, word, detail)


def _measured(claim: Claim, comparison: Comparison | None, bench: Bench) -> Measurement:
    if claim.rule is None:
        raise NotMeasured("no rule for this claim yet")
    if comparison is None:
        raise NotMeasured("no comparison of this claim applies under this protocol")
    if bench.rows is None or bench.rows.empty:
        raise NotMeasured(f"no rows of {claim.figure} under this protocol")
    if comparison.cell and not bench.evidence:
        raise NotMeasured("it compares with a published number")
    return measure(bench.rows, claim.rule, comparison, claim.rule.window(bench.protocol, comparison))


def _unmeasured(text: str, value: float, reason: NotMeasured, bench: Bench) -> Judged:
    nothing = Measurement(math.nan, math.nan, math.nan, reason.n, "")
    if not bench.evidence:
        return Judged(text, math.nan, nothing, "no evidence", f"{DEMONSTRATION}; {reason}")
    return Judged(text, value, nothing, reason.word, str(reason))


def _paper_value(claim: Claim, comparison: Comparison | None) -> float:
    """The paper's value of a comparison; the claim's headline where it has no other comparison."""
    if comparison is not None and comparison.value is not None:
        return float(comparison.value)
    alone = claim.rule is None or len(claim.rule.compare) == 1
    return float(claim.value) if alone and claim.value is not None else math.nan


def _about(claim: Claim, bench: Bench) -> dict[str, Any]:
    """What a claim's rows share. Statements quote the paper's numbers, so a demonstration has none."""
    low, high = claim.rule.claimed if claim.rule and bench.evidence else UNKNOWN
    return {
        "id": claim.id,
        "paper": claim.paper,
        "protocol": bench.protocol,
        "title": claim.title,
        "statement": claim.statement if bench.evidence else DEMONSTRATION,
        "unit": claim.unit,
        "claimed_low": low,
        "claimed_high": high,
        "source": claim.source,
        "detail": _not_applying(claim, bench.protocol) + _remark(claim, bench),
    }


def _not_applying(claim: Claim, protocol: str) -> str:
    rule = claim.rule
    others = sum(not rule.applies(each, protocol) for each in rule.compare) if rule else 0
    return f"; {others} more comparisons of this claim do not apply under this protocol" if others else ""


def _remark(claim: Claim, bench: Bench) -> str:
    return f"; {claim.remark.strip()}" if claim.remark and bench.evidence else ""


def _row(about: Mapping[str, Any], judged: Judged) -> dict[str, Any]:
    row = {
        **about,
        "comparison": judged.comparison,
        "paper_value": judged.paper_value,
        "measured_value": judged.measured.effect,
        "low": judged.measured.low,
        "high": judged.measured.high,
        "n": judged.measured.n,
        "by_seed": " ".join(f"{value:.7g}" for value in judged.measured.by_seed) or NO_SEEDS,
        "verdict": judged.verdict,
        "detail": judged.detail + about["detail"],
    }
    return {name: row[name] for name in LEDGER.required}


def _cell(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else round(value, 4)
