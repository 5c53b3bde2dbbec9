"""Draw one figure from its rows: table, PDF, PNG and caption. No science, no torch."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The package of this checkout, wherever Python is started and whatever else is called flexnet there.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from flexnet.isolation import isolate, plain_matplotlib

if TYPE_CHECKING:
    from flexnet.tables.facts import FigureFacts


def runs_of(settings: dict[str, Any], path: str | None) -> "FigureFacts | None":
    """What was run: the file of facts, or the settings' own for rows without one; None of a schematic."""
    from flexnet.tables.facts import FigureFacts, read_facts

    if path:
        return read_facts(path)
    document = settings.get("runs")
    return FigureFacts.from_document(document, "settings: runs") if document else None


def draw(settings: dict[str, Any], files: dict[str, Any]) -> None:
    """Put the rows in order, summarise them, write the table, draw the figure, write its caption and body.

    Settings: `figure` (its name), `caption` (the template), `words` (the texts of
    `flexnet.figures.facts.Facts`) and, for rows that were published before runs told their facts, these as
    `runs`.
    """
    plain_matplotlib()
    from flexnet.figures.captions import caption
    from flexnet.figures.facts import Facts
    from flexnet.figures.order import in_order
    from flexnet.figures.registry import body_of, load
    from flexnet.figures.save import save
    from flexnet.files import atomic_path, write_text
    from flexnet.seals import require_sealed
    from flexnet.study.labels import require_labels, require_runs
    from flexnet.tables.frames import read_rows

    require_sealed(filter(None, [files["rows"], files.get("facts")]))
    facts = Facts(**settings["words"], runs=runs_of(settings, files.get("facts")))
    figure = load(str(settings["figure"]))
    read = getattr(figure, "read", read_rows)  # schematics have tables of their own
    rows = in_order(read(files["rows"]), facts.series)
    require_labels(rows, figure.NAME, facts.protocol, files["rows"])
    if facts.runs:
        require_runs(rows, facts.runs, figure.NAME, facts.protocol, files.get("facts") or "settings: runs")
    table = figure.summarise_rows(rows)
    # Drawn and described before anything is written: what is refused leaves no half of a figure.
    drawn = figure.draw(table, facts)
    below = [caption(str(settings["caption"]), table, facts), body_of(figure, table, facts)]
    with atomic_path(files["table"]) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
    scale = f", {facts.scale} scale" if facts.runs else ""  # a schematic has none
    title = f"{figure.NAME}, {facts.protocol} protocol{scale}"
    save(drawn, files["figure"], title=title)
    write_text(files["caption"], "\n\n".join(text for text in below if text) + "\n")


def main() -> int:
    """Run from the command line."""
    import argparse

    from flexnet.jobs import read_settings, run_job

    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("settings", "rows", "table", "figure", "caption", "log"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--facts", help="facts of the runs behind the rows; a schematic has none")
    files = vars(parser.parse_args())
    return run_job("draw", files["log"], lambda: draw(read_settings(files["settings"]), files))


if __name__ == "__main__":
    isolate()
    sys.exit(main())
