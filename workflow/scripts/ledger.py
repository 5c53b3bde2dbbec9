"""Judge all claims on the rows of one scale: ledger, figure and caption. No science, no torch."""

import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The package of this checkout, wherever Python is started and whatever else is called flexnet there.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from flexnet.isolation import isolate, plain_matplotlib

if TYPE_CHECKING:
    import pandas as pd

    from flexnet.tables.facts import FigureFacts

CAPTION = """
    What the papers claim against what was measured at {scale} scale: a block per claim, a line per
    comparison, a column per protocol. Filled markers and lines: measured effect and 95 % t interval over
    training seeds (n = {n}); two seeds are small dots and have no line. Open diamonds: the paper's value,
    where it gives one for the comparison; shaded: the side that the paper claims, beyond the practical size
    or margin that was fixed beforehand. A comparison is reproduced where the whole interval lies on the
    claimed side, contradicted where it lies on the other, partly reproduced where an "at every" part fails
    in some pairs of condition and seed, at chance where no network rises above guessing, else undecided. In
    bold: the claim's summary where it is about several comparisons; it is mixed where some are reproduced
    and some contradicted. Claims without a measurement are left out. {note}
"""
DEMONSTRATION = """
    What a study of the papers' claims measures, at {scale} scale: a block per claim, a line per comparison,
    a column per protocol; effect and 95 % t interval over training seeds (n = {n}); two seeds are small
    dots and have no line. This scale is no evidence: nothing is judged and no number of a paper is shown.
    Claims without a measurement are left out. {note}
"""


def rows_by_figure(paths: list[str]) -> "dict[str, pd.DataFrame]":
    """Read all rows and join the protocols of each figure."""
    from collections import defaultdict

    import pandas as pd

    from flexnet.study.labels import labels_of, require_labels
    from flexnet.tables.frames import read_rows

    parts = defaultdict(list)
    for path in paths:
        protocol, figure = labels_of(path)
        rows = read_rows(path)
        require_labels(rows, figure, protocol, path)
        parts[figure].append(rows)
    return {figure: pd.concat(tables, ignore_index=True) for figure, tables in parts.items()}


def runs_behind(rows: list[str], facts: Collection[str]) -> "dict[tuple[str, str], FigureFacts | None]":
    """What was run, by protocol and figure; None of rows that were published without any facts."""
    from flexnet.study.labels import labels_of
    from flexnet.tables.facts import facts_path, read_facts

    beside = {labels_of(path): str(facts_path(path)) for path in rows}
    return {label: read_facts(path) if path in facts else None for label, path in beside.items()}


def classes_by_figure(
    runs: "dict[tuple[str, str], FigureFacts | None]", configured: dict[str, int]
) -> dict[str, dict[str, list[int]]]:
    """Numbers of classes of the data behind rows, by protocol and figure.

    The facts of the runs tell; of rows that were published without any, the configuration does.
    """
    found: dict[str, dict[str, list[int]]] = {}
    for (protocol, figure), told in runs.items():
        known = sorted({series.classes for series in told.series}) if told else [configured[figure]]
        found.setdefault(protocol, {})[figure] = known
    return found


def images_of(
    table: "pd.DataFrame",
    runs: "dict[tuple[str, str], FigureFacts | None]",
    configured: dict[str, dict[str, str]],
) -> list[str]:
    """What captions call the images behind each row of a ledger: as the runs say, else the configuration."""
    from flexnet.claims.catalogue import packaged_claims
    from flexnet.figures.facts import datasets_of

    figure_of = {(claim.paper, claim.id): claim.figure for claim in packaged_claims()}
    found = []
    for protocol, paper, name in zip(table["protocol"], table["paper"], table["id"], strict=True):
        figure = figure_of[paper, name]
        told = runs.get((protocol, figure))
        found.append(datasets_of(told) if told else configured.get(protocol, {}).get(figure, ""))
    return found


def ledger(
    settings: dict[str, Any], files: dict[str, str], rows: list[str], facts: Collection[str] = ()
) -> None:
    """Write the ledger, its figure with the numbers, and its caption with a table in words.

    Settings: `scale` and `note` (texts), `protocols` (names), `evidence` (whether the scale is); where no
    facts tell it, `classes` (number of classes of the data of each figure) and `images` (by protocol and
    figure, what captions call them).
    """
    plain_matplotlib()
    from flexnet.claims.catalogue import packaged_claims
    from flexnet.claims.ledger import judge, read_ledger, write_ledger
    from flexnet.figures.captions import caption
    from flexnet.figures.claims import body, draw, draw_pages, summarise_rows
    from flexnet.figures.facts import Facts
    from flexnet.figures.save import save
    from flexnet.files import atomic_path, write_text
    from flexnet.seals import require_sealed

    require_sealed([*rows, *facts])
    tables, scale, evidence = rows_by_figure(rows), settings["scale"], bool(settings["evidence"])
    claims = packaged_claims()
    runs = runs_behind(rows, facts)
    classes = classes_by_figure(runs, settings["classes"])
    judged = [
        row
        for protocol in settings["protocols"]
        for row in judge(claims, tables, protocol, scale, evidence=evidence, classes=classes.get(protocol))
    ]
    write_ledger(files["ledger"], judged)
    shown = Facts(scale=scale, protocol="paper", note=settings["note"], evidence=evidence)
    read = read_ledger(files["ledger"])
    table = summarise_rows(read.assign(dataset=images_of(read, runs, settings.get("images", {}))))
    drawn = draw(table, shown)
    measured = table[table["n"] > 0].assign(series=table["id"])
    text = caption(CAPTION if evidence else DEMONSTRATION, measured, shown)
    with atomic_path(files["table"]) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
    save(drawn, files["figure"], title=f"claims, {scale} scale", pages=draw_pages(table, shown))
    write_text(files["caption"], f"{text}\n\n{body(table, shown)}\n")


def main() -> int:
    """Run from the command line."""
    import argparse

    from flexnet.jobs import read_settings, run_job

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", required=True, nargs="*")
    parser.add_argument("--facts", default=[], nargs="*")
    for name in ("settings", "ledger", "table", "figure", "caption", "log"):
        parser.add_argument(f"--{name}", required=True)
    files = vars(parser.parse_args())
    rows, facts = files.pop("rows"), files.pop("facts")
    return run_job(
        "ledger", files["log"], lambda: ledger(read_settings(files["settings"]), files, rows, facts)
    )


if __name__ == "__main__":
    isolate()
    sys.exit(main())
