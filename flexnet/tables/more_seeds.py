"""More training seeds of a figure: their rows and facts joined with those of the seeds that are kept."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Final

from flexnet.errors import DataError
from flexnet.files import write_rows
from flexnet.tables.columns import CONDITIONS, ROWS
from flexnet.tables.facts import FigureFacts, SeriesFacts, facts_path, read_facts, write_facts
from flexnet.tables.values import Table, read_values

Row = dict[str, str]
_ANEW: Final = "publish all seeds anew, from one run"


def add_seeds(kept: Path, more: Path) -> None:
    """Add a table of rows, and the facts beside it, to a table that is kept: the same figure of other seeds.

    Rows stand in the order of the figure's series, and of seeds within them; cells stay as they are written.

    Args:
        kept: the table that grows, with its facts beside it.
        more: the table of the seeds that come to it, with its facts.

    Raises:
        DataError: if one of the files is damaged, the runs differ in anything but their seeds, a seed is in
            both, or a seed lacks a condition that another one was seen under. Nothing is written then.
    """
    facts = _joined_facts(read_facts(facts_path(kept)), read_facts(facts_path(more)), more)
    first, second = (read_values(path, ROWS) for path in (kept, more))
    if first.cells.names != second.cells.names:
        raise DataError(
            f"{more}: expected the columns of those that are kept, {list(first.cells.names)}; got"
            f" {list(second.cells.names)}; {_ANEW}"
        )
    rows = [*_rows(first), *_rows(second)]
    _require_alike(_conditions(first), _conditions(second), more)
    order = {run.name: place for place, run in enumerate(facts.series)}
    rows.sort(key=lambda row: (order[row["series"]], int(row["seed"])))
    write_rows(kept, first.cells.names, rows)
    write_facts(facts_path(kept), facts)


def _rows(table: Table) -> Iterator[Row]:
    return (dict(zip(table.cells.names, texts, strict=True)) for texts in table.cells.rows)


def _conditions(table: Table) -> dict[tuple[object, ...], set[tuple[object, ...]]]:
    """Under what each seed of each series was seen."""
    found: dict[tuple[object, ...], set[tuple[object, ...]]] = {}
    names = [name for name in ("model", "family", *CONDITIONS) if name in table.values]
    for seed, seen in zip(table.keys(["series", "seed"]), table.keys(names), strict=True):
        found.setdefault(seed, set()).add(seen)
    return found


def _require_alike(
    kept: Mapping[tuple[object, ...], set[tuple[object, ...]]],
    more: Mapping[tuple[object, ...], set[tuple[object, ...]]],
    place: Path,
) -> None:
    """Every seed of a series was seen under the same conditions."""
    expected = {series: seen for (series, _), seen in kept.items()}
    for (series, seed), seen in {**kept, **more}.items():
        other = expected[series] ^ seen
        if other:
            raise DataError(
                f"{place}: expected seed {seed} of series {series!r} under the conditions of those that are"
                f" kept; {len(other)} are of one alone, such as {min(other, key=str)}; {_ANEW}"
            )


def _joined_facts(kept: FigureFacts, more: FigureFacts, place: Path) -> FigureFacts:
    names = [[run.name for run in facts.series] for facts in (kept, more)]
    shown = [(facts.figure, facts.protocol, facts.band, facts.space) for facts in (kept, more)]
    for expected, got in (shown, names):
        if expected != got:
            raise DataError(f"{place}: expected more seeds of {expected}; got {got}; {_ANEW}")
    runs = zip(kept.series, more.series, strict=True)
    return replace(kept, series=tuple(_joined_run(first, second, place) for first, second in runs))


def _joined_run(kept: SeriesFacts, more: SeriesFacts, place: Path) -> SeriesFacts:
    for key in (entry.name for entry in fields(SeriesFacts) if entry.name != "seeds"):
        if getattr(kept, key) != getattr(more, key):
            raise DataError(
                f"{place}: series {kept.name}: expected seeds that differ in nothing else; {key} is"
                f" {getattr(kept, key)!r} of the kept ones and {getattr(more, key)!r} of the others; {_ANEW}"
            )
    both = sorted({*kept.seeds} & {*more.seeds})
    if both:
        raise DataError(
            f"{place}: series {kept.name}: expected seeds beside those that are kept, {list(kept.seeds)}; got"
            f" {both} again; name others, or {_ANEW}"
        )
    return replace(kept, seeds=tuple(sorted((*kept.seeds, *more.seeds))))
