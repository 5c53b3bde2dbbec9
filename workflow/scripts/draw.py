"""Draw one figure from its rows: table, PDF, PNG and caption. No science, no torch."""

import argparse
import json
import sys

from flexnet.figures.captions import Facts, caption
from flexnet.figures.registry import body_of, load
from flexnet.figures.save import save
from flexnet.files import atomic_path, write_text
from flexnet.jobs import run_job
from flexnet.statistics.tables import read_rows
from flexnet.study.labels import require_labels


def draw(settings: dict[str, object], files: argparse.Namespace) -> None:
    """Summarise the rows, write the table, draw the figure, fill its caption and set its body below."""
    facts = Facts(**settings["facts"])  # type: ignore[arg-type]
    figure = load(str(settings["figure"]))
    read = getattr(figure, "read", read_rows)  # schematics have tables of their own
    rows = read(files.rows)
    require_labels(rows, figure.NAME, facts.protocol, files.rows)
    table = figure.summarise_rows(rows)
    with atomic_path(files.table) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
    title = f"{figure.NAME}, {facts.protocol} protocol, {facts.scale} scale"
    save(figure.draw(table, facts), files.figure, title=title)
    below = [caption(str(settings["caption"]), table, facts), body_of(figure, table, facts)]
    write_text(files.caption, "\n\n".join(text for text in below if text) + "\n")


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("settings", "rows", "table", "figure", "caption", "log"):
        parser.add_argument(f"--{name}", required=True)
    files = parser.parse_args()
    return run_job("draw", files.log, lambda: draw(json.loads(files.settings), files))


if __name__ == "__main__":
    sys.exit(main())
