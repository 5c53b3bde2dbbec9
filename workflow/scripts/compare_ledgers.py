"""List the claims whose words differ between two ledgers, for instance after their rules or rows changed.

    python workflow/scripts/compare_ledgers.py before/claims.csv after/claims.csv
    git show HEAD~1:published/laptop/results/claims.csv > before.csv

A ledger of one row per claim, as it was written before comparisons had rows of their own, is read too.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

# The package of this checkout, wherever Python is started and whatever else is called flexnet there.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from flexnet.isolation import isolate

KEYS = ("paper", "protocol", "id")
Key = tuple[str, ...]


def words_of(path: Path) -> dict[Key, str]:
    """The word for each claim under each protocol, with the verdicts of its comparisons where it has several.

    Raises:
        DataError: if the file is no ledger.
    """
    from flexnet.errors import DataError
    from flexnet.tables.cells import read_cells

    table = read_cells(path)
    missing = sorted({*KEYS, "verdict"} - set(table.names))
    if missing:
        raise DataError(f"{path}: expected the columns {missing}; got {table.names}; give a claims.csv")
    # An older ledger has one row per claim, whose verdict is the claim's.
    summaries = table.column("summary" if "summary" in table.names else "verdict")
    verdicts: dict[Key, Counter[str]] = {}
    words: dict[Key, str] = {}
    keys = zip(*map(table.column, KEYS), strict=True)
    for key, word, verdict in zip(keys, summaries, table.column("verdict"), strict=True):
        words.setdefault(key, word)
        verdicts.setdefault(key, Counter())[verdict] += 1
    return {key: _with_parts(word, verdicts[key]) for key, word in words.items()}


def _with_parts(word: str, verdicts: "Counter[str]") -> str:
    several = ", ".join(f"{count} {name}" for name, count in verdicts.items())
    return f"{word} ({several})" if verdicts.total() > 1 else word


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


def _word(words: dict[Key, str], key: Key) -> str:
    return words.get(key, "absent").partition(" (")[0]


def main() -> int:
    """Run from the command line."""
    from flexnet.jobs import run_job

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=Path, help="ledger of claims, claims.csv")
    parser.add_argument("after", type=Path, help="another, of the same claims")
    given = parser.parse_args()
    return run_job("compare_ledgers", None, lambda: compare(given.before, given.after))


if __name__ == "__main__":
    isolate()
    sys.exit(main())
