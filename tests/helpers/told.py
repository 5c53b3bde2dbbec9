"""What the page of results tells, beside what the published rows say."""

from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
ROWS, RESULTS = ROOT / "published/laptop/results/rows", ROOT / "docs/results.md"


def page() -> str:
    """The page of results, on one line."""
    return " ".join(RESULTS.read_text(encoding="utf-8").split())


def require_told(told: list[str]) -> None:
    """Every number stands on the page of results, in this order: exchanged ones would be another's."""
    print("\n" + "\n".join(told))
    text, place = page(), 0
    assert len(set(told)) == len(told)
    for words in told:
        found = text.find(words, place)
        assert found >= 0, f"expected {words} after character {place} of {RESULTS}"
        place = found + len(words)


def effect(
    claim: str,
    comparison: str,
    protocol: str,
    sign: int = 1,
    paper: str = "flexible-layer",
    scale: str = "laptop",
) -> str:
    """An effect of a claim as a text tells it, from the ledger; `sign` -1: turned round."""
    ledger = pd.read_csv(ROOT / "published" / scale / "results/claims.csv", keep_default_na=False)
    keys = {"paper": paper, "id": claim, "comparison": comparison, "protocol": protocol}
    (row,) = ledger.loc[(ledger[list(keys)] == list(keys.values())).all(axis=1)].itertuples(index=False)
    mean, *ends = (sign * float(value) for value in (row.measured_value, row.low, row.high))
    return f"{mean:.1f} ({min(ends):.1f} to {max(ends):.1f}, n = {row.n})"
