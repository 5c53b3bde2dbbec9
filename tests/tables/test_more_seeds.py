"""More seeds of a figure: tables of some seeds joined are that of all; what is not alike is refused."""

import csv
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from flexnet.errors import DataError
from flexnet.tables.facts import facts_path, read_facts
from flexnet.tables.more_seeds import add_seeds

PUBLISHED = Path(__file__).parents[2] / "published/bf16/results/rows/paper/table2.csv"


def part(folder: Path, seeds: Collection[int]) -> Path:
    """Rows and facts of some seeds of a published table."""
    lines = PUBLISHED.read_text().splitlines(keepends=True)
    place = lines[0].split(",").index("seed")
    table = folder / f"{min(seeds)}.csv"
    table.write_text("".join([lines[0], *(row for row in lines[1:] if int(row.split(",")[place]) in seeds)]))
    facts = json.loads(facts_path(PUBLISHED).read_text())
    for series in facts["series"]:
        series["seeds"] = sorted(seeds)
    facts_path(table).write_text(json.dumps(facts, indent=2) + "\n")
    return table


def change_facts(table: Path, series: dict[str, Any] | None = None, **others: Any) -> None:
    facts = json.loads(facts_path(table).read_text()) | others
    facts["series"][1] |= series or {}
    facts_path(table).write_text(json.dumps(facts))


def by_seed(path: Path) -> list[dict[str, str]]:
    """Rows in the order of the join: as they are in the file, but seeds side by side."""
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    order = list(dict.fromkeys(row["series"] for row in rows))
    return sorted(rows, key=lambda row: (order.index(row["series"]), int(row["seed"])))


@pytest.mark.parametrize(("first", "second"), [({1, 2, 3}, {*range(4, 11)}), ({2, 9, 10}, {1, *range(3, 9)})])
def test_two_parts_are_the_whole(first: set[int], second: set[int], tmp_path: Path) -> None:
    kept, more = part(tmp_path, first), part(tmp_path, second)
    before = more.read_bytes()
    add_seeds(kept, more)
    with kept.open(newline="") as stream:
        assert list(csv.DictReader(stream)) == by_seed(PUBLISHED)
    assert kept.read_text().splitlines()[0] == PUBLISHED.read_text().splitlines()[0]
    assert read_facts(facts_path(kept)) == read_facts(facts_path(PUBLISHED))
    assert more.read_bytes() == before


def test_seeds_come_one_by_one(tmp_path: Path) -> None:
    kept = part(tmp_path, {10})
    for seed in range(9, 0, -1):
        add_seeds(kept, part(tmp_path, {seed}))
    with kept.open(newline="") as stream:
        assert list(csv.DictReader(stream)) == by_seed(PUBLISHED)


RECIPE = json.loads(facts_path(PUBLISHED).read_text())["series"][1]["recipe"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"band": "interval"}, r"expected more seeds of \('table2', 'paper', 'sem'.*; got .*'interval'"),
        ({"protocol": "release"}, "got .*'release'"),
        ({"series": {"name": "another"}}, r"expected more seeds of \['baseline', 'uniform'.*'another'"),
        ({"series": {"recipe": RECIPE | {"epochs": 15}}}, "series uniform: .* recipe is .*'epochs': 150"),
        ({"series": {"training_images": 6000}}, "training_images is 60000 of the kept ones and 6000 of the"),
        ({"series": {"seeds": [2, 3]}}, r"series uniform: .*kept, \[1, 2\]; got \[2\] again"),
        ({"series": {"content": "other"}}, "content is 'official' of the kept ones and 'other'"),
    ],
)
def test_what_was_made_otherwise_is_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    kept, more = part(tmp_path, {1, 2}), part(tmp_path, {3, 4})
    change_facts(more, **{key: value for key, value in change.items() if key != "series"})
    change_facts(more, change.get("series"))
    refused(kept, more, message)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            ",0.1,0,10000",
            ",0.2,0,10000",
            "expected seed 3 of series 'baseline' under the conditions of those",
        ),
        (",draw,n,correct", ",layer_,n,correct", "unknown column 'layer_'"),
        (",switching,threshold_shift\n", ",switching,gap\n", "unknown column|expected the columns of those"),
    ],
)
def test_rows_of_other_conditions_or_columns_are_refused(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    kept, more = part(tmp_path, {1, 2}), part(tmp_path, {3, 4})
    more.write_text(more.read_text().replace(old, new, 1))
    refused(kept, more, message)


def test_a_table_without_one_of_the_rows_is_refused(tmp_path: Path) -> None:
    kept, more = part(tmp_path, {1, 2}), part(tmp_path, {3, 4})
    more.write_text("".join(more.read_text().splitlines(keepends=True)[:-1]))
    refused(kept, more, "expected seed 4 of series")


def refused(kept: Path, more: Path, message: str) -> None:
    """Nothing is written then."""
    before = {path: path.read_bytes() for path in (kept, facts_path(kept))}
    with pytest.raises(DataError, match=message):
        add_seeds(kept, more)
    assert {path: path.read_bytes() for path in before} == before
