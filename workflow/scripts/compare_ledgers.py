"""List the claims whose words differ between two ledgers, for instance after their rules or rows changed.

    python workflow/scripts/compare_ledgers.py before/claims.csv after/claims.csv
    git show HEAD~1:published/laptop/results/claims.csv > before.csv

A ledger of one row per claim, as it was written before comparisons had rows of their own, is read too.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import pandas as pd

from flexnet.errors import DataError
from flexnet.jobs import run_job

KEYS = ["paper", "protocol", "id"]


def words_of(path: Path) -> dict[tuple[str, ...], str]:
    """The word for each claim under each protocol, with the verdicts of its comparisons where it has several.

    Raises:
        DataError: if the file is no ledger.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as problem:
        raise DataError(f"{path}: expected a ledger of claims; {problem}; make it first") from problem
    missing = sorted({*KEYS, "verdict"} - set(table.columns))
    if missing:
        raise DataError(
            f"{path}: expected the columns {missing}; got {list(table.columns)}; give a claims.csv"
        )
    found = {}
    for key, rows in table.groupby(KEYS, sort=False):
        verdicts = Counter(rows["verdict"])
        word = str(rows.get("summary", rows["verdict"]).iloc[0])
        several = ", ".join(f"{count} {name}" for name, count in verdicts.items())
        found[tuple(map(str, key))] = f"{word} ({several})" if len(rows) > 1 else word
    return found


def compare(before: Path, after: Path) -> None:
    """Print one line per claim and protocol whose word differs, and how many do not."""
    old, new = words_of(before), words_of(after)
    changed = [
        key for key in [*new, *(key for key in old if key not in new)] if _word(old, key) != _word(new, key)
    ]
    for key in changed:
        paper, protocol, claim = key
        print(f"{paper}  {claim}  {protocol:9}  {old.get(key, 'absent')}  ->  {new.get(key, 'absent')}")
    print(f"{len(changed)} of {len(set(old) | set(new))} words differ")


def _word(words: dict[tuple[str, ...], str], key: tuple[str, ...]) -> str:
    return words.get(key, "absent").partition(" (")[0]


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=Path, help="ledger of claims, claims.csv")
    parser.add_argument("after", type=Path, help="another, of the same claims")
    given = parser.parse_args()
    return run_job("compare_ledgers", None, lambda: compare(given.before, given.after))


if __name__ == "__main__":
    sys.exit(main())
