"""Judge all claims on the rows of one scale: ledger, figure and caption. No science, no torch."""

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path

import pandas as pd

from flexnet.claims.catalogue import load_claims, packaged_papers
from flexnet.claims.ledger import judge, read_ledger, write_ledger
from flexnet.figures.captions import Facts, caption
from flexnet.figures.claims import draw, summarise_rows
from flexnet.figures.save import save
from flexnet.files import write_text
from flexnet.jobs import run_job
from flexnet.statistics.columns import PROTOCOLS
from flexnet.statistics.tables import read_rows
from flexnet.study.labels import require_labels

CAPTION = """
    What the papers claim against what was measured at {scale} scale. Filled markers and lines: measured
    effect and 95 % t interval over training seeds (n = {n}); open diamonds: the paper's value, where it
    gives one; shaded: the side that the paper claims, beyond the practical size or margin that was fixed
    beforehand. A claim is reproduced where the whole interval lies on the claimed side, contradicted where
    it lies on the other, partly reproduced where an "at every" part fails, else undecided. Claims without
    a measurement are left out. {note}
"""


def rows_by_figure(paths: list[str]) -> dict[str, pd.DataFrame]:
    """Read all rows and join the protocols of each figure."""
    parts = defaultdict(list)
    for path in paths:
        rows = read_rows(path)
        require_labels(rows, Path(path).stem, Path(path).parent.name, path)
        parts[Path(path).stem].append(rows)
    return {figure: pd.concat(tables, ignore_index=True) for figure, tables in parts.items()}


def ledger(settings: dict[str, str], files: argparse.Namespace) -> None:
    """Write the ledger, its figure and its caption."""
    rows = rows_by_figure(files.rows)
    claims = [claim for paper in packaged_papers() for claim in load_claims(paper)]
    judged = [row for protocol in PROTOCOLS for row in judge(claims, rows, protocol, settings["scale"])]
    write_ledger(files.ledger, judged)
    facts = Facts(scale=settings["scale"], protocol="paper", note=settings["note"])
    table = summarise_rows(read_ledger(files.ledger))
    save(draw(table, facts), files.figure, title=f"claims, {facts.scale} scale")
    text = caption(CAPTION, table.assign(series=table["id"]), facts)
    write_text(files.caption, text + "\n")


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", required=True, nargs="*")
    for name in ("settings", "ledger", "figure", "caption", "log"):
        parser.add_argument(f"--{name}", required=True)
    files = parser.parse_args()
    return run_job("ledger", files.log, lambda: ledger(json.loads(files.settings), files))


if __name__ == "__main__":
    sys.exit(main())
