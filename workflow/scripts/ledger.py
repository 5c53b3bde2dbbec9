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

CAPTION = """
    What the papers claim against what was measured at {scale} scale, one line per comparison and protocol.
    Filled markers and lines: measured effect and 95 % t interval over training seeds (n = {n}); open
    diamonds: the paper's value, where it gives one for the comparison; shaded: the side that the paper
    claims, beyond the practical size or margin that was fixed beforehand. A comparison is reproduced where
    the whole interval lies on the claimed side, contradicted where it lies on the other, partly reproduced
    where an "at every" part fails in some pairs of condition and seed, at chance where no network rises above
    guessing, else undecided. In bold: the claim's summary where it is about several comparisons; it is mixed
    where some are reproduced and some contradicted. Claims without a measurement are left out. {note}
"""
DEMONSTRATION = """
    What a study of the papers' claims measures, at {scale} scale, one line per comparison and protocol:
    effect and 95 % t interval over training seeds (n = {n}). This scale is no evidence: nothing is judged and
    no number of a paper is shown. Claims without a measurement are left out. {note}
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


def classes_by_figure(
    rows: list[str], facts: Collection[str], configured: dict[str, int]
) -> dict[str, dict[str, list[int]]]:
    """Numbers of classes of the data behind rows, by protocol and figure.

    The facts of the runs tell; of rows that were published without any, the configuration does.
    """
    from flexnet.study.labels import labels_of
    from flexnet.tables.facts import facts_path, read_facts

    found: dict[str, dict[str, list[int]]] = {}
    for path in rows:
        protocol, figure = labels_of(path)
        beside = str(facts_path(path))
        told = {series.classes for series in read_facts(beside).series} if beside in facts else set()
        known = found.setdefault(protocol, {})
        known[figure] = sorted(told) or [configured[figure]]
    return found


def ledger(
    settings: dict[str, Any], files: dict[str, str], rows: list[str], facts: Collection[str] = ()
) -> None:
    """Write the ledger, its figure and its caption.

    Settings: `scale` and `note` (texts), `protocols` (names), `evidence` (whether the scale is), `classes`
    (number of classes of the data of each figure, where no facts tell it).
    """
    plain_matplotlib()
    from flexnet.claims.catalogue import packaged_claims
    from flexnet.claims.ledger import judge, read_ledger, write_ledger
    from flexnet.figures.captions import caption
    from flexnet.figures.claims import draw, summarise_rows
    from flexnet.figures.facts import Facts
    from flexnet.figures.save import save
    from flexnet.files import write_text

    tables, scale, evidence = rows_by_figure(rows), settings["scale"], bool(settings["evidence"])
    claims = packaged_claims()
    classes = classes_by_figure(rows, facts, settings["classes"])
    judged = [
        row
        for protocol in settings["protocols"]
        for row in judge(claims, tables, protocol, scale, evidence=evidence, classes=classes.get(protocol))
    ]
    write_ledger(files["ledger"], judged)
    shown = Facts(scale=scale, protocol="paper", note=settings["note"], evidence=evidence)
    table = summarise_rows(read_ledger(files["ledger"]))
    save(draw(table, shown), files["figure"], title=f"claims, {scale} scale")
    measured = table[table["n"] > 0].assign(series=table["id"])
    text = caption(CAPTION if evidence else DEMONSTRATION, measured, shown)
    write_text(files["caption"], text + "\n")


def main() -> int:
    """Run from the command line."""
    import argparse

    from flexnet.jobs import read_settings, run_job

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", required=True, nargs="*")
    parser.add_argument("--facts", default=[], nargs="*")
    for name in ("settings", "ledger", "figure", "caption", "log"):
        parser.add_argument(f"--{name}", required=True)
    files = vars(parser.parse_args())
    rows, facts = files.pop("rows"), files.pop("facts")
    return run_job(
        "ledger", files["log"], lambda: ledger(read_settings(files["settings"]), files, rows, facts)
    )


if __name__ == "__main__":
    isolate()
    sys.exit(main())
