"""An audit as rows tell it: one row for each check, read without torch."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from flexnet.audit.findings import Audit, Finding
from flexnet.audit.rules import RULES
from flexnet.errors import DataError
from flexnet.families.audit import CLEAN, REFERENCE


def audit_of(rows: Iterable[Mapping[str, Any]]) -> Audit:
    """The audit of one network from the rows of its checks.

    Args:
        rows: each with check, n, correct, share (NaN where the check does not apply) and evidence.

    Raises:
        DataError: if a row is missing, of an unknown check, or its evidence is no JSON.
    """
    by_check = {str(row["check"]): row for row in rows}
    missing = [name for name in (CLEAN, REFERENCE) if name not in by_check]
    unknown = [name for name in by_check if name not in (*RULES, CLEAN, REFERENCE)]
    if missing or unknown:
        raise DataError(
            f"rows of an audit: expected {CLEAN}, {REFERENCE} and checks among {sorted(RULES)}; got "
            f"{unknown or sorted(by_check)}; audit the model again"
        )
    findings = tuple(_finding(row) for name, row in by_check.items() if name in RULES)
    counts = {name: int(row["correct"]) for name, row in by_check.items()}
    (chance,) = _evidence(by_check[CLEAN])["chance"]
    n = int(by_check[CLEAN]["n"])
    return Audit(findings, n, counts[CLEAN], counts[REFERENCE], min(counts.values()), chance)


def _finding(row: Mapping[str, Any]) -> Finding:
    told, share = _evidence(row), float(row["share"])
    note = str(told.pop("note", ""))
    return Finding(str(row["check"]), share if share == share else None, told, note)


def _evidence(row: Mapping[str, Any]) -> dict[str, Any]:
    try:
        told = json.loads(row["evidence"])
    except (TypeError, ValueError):
        told = None
    if not isinstance(told, dict):
        raise DataError(
            f"rows of an audit: expected the evidence of {row['check']} as JSON; got {row['evidence']!r}; "
            "audit the model again"
        )
    return told
