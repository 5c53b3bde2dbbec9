"""Draw one figure from its rows: table, PDF, PNG and caption. No science, no torch."""

import sys
from pathlib import Path

# The package of this checkout, wherever Python is started and whatever else is called flexnet there.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from flexnet.isolation import isolate, plain_matplotlib


def draw(settings: dict[str, object], files: dict[str, str]) -> None:
    """Put the rows in order, summarise them, write the table, draw the figure, write its caption and body."""
    plain_matplotlib()
    from flexnet.figures.captions import Facts, caption
    from flexnet.figures.order import in_order
    from flexnet.figures.registry import body_of, load
    from flexnet.figures.save import save
    from flexnet.files import atomic_path, write_text
    from flexnet.study.labels import require_labels
    from flexnet.tables.frames import read_rows

    facts = Facts(**settings["facts"])  # type: ignore[arg-type]
    figure = load(str(settings["figure"]))
    read = getattr(figure, "read", read_rows)  # schematics have tables of their own
    rows = in_order(read(files["rows"]), facts.series)
    require_labels(rows, figure.NAME, facts.protocol, files["rows"])
    table = figure.summarise_rows(rows)
    with atomic_path(files["table"]) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
    title = f"{figure.NAME}, {facts.protocol} protocol, {facts.scale} scale"
    save(figure.draw(table, facts), files["figure"], title=title)
    below = [caption(str(settings["caption"]), table, facts), body_of(figure, table, facts)]
    write_text(files["caption"], "\n\n".join(text for text in below if text) + "\n")


def main() -> int:
    """Run from the command line."""
    import argparse

    from flexnet.jobs import read_settings, run_job

    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("settings", "rows", "table", "figure", "caption", "log"):
        parser.add_argument(f"--{name}", required=True)
    files = vars(parser.parse_args())
    return run_job("draw", files["log"], lambda: draw(read_settings(files["settings"]), files))


if __name__ == "__main__":
    isolate()
    sys.exit(main())
