"""Table 3 of the push-pull paper: clean error, mean error under corruptions, mCE and relative mCE."""

from typing import TYPE_CHECKING, Final

from flexnet.corruptions.names import CLEAN
from flexnet.figures.captions import band_sentence
from flexnet.figures.curves import one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.frost import frost_sentence
from flexnet.figures.notes import identity_of
from flexnet.figures.order import shown_series
from flexnet.figures.pushpull.errors import (
    MCE,
    MEAN,
    RELATIVE,
    error_text,
    find,
    paper_text,
    summarise_errors,
)
from flexnet.figures.pushpull.lenets import paper_numbers
from flexnet.figures.typeset import Block, Column, Line, Sheet, setters

if TYPE_CHECKING:
    import pandas as pd

NAME = "pushpull/table3"
HEADS: Final = {
    CLEAN: "Clean error (%)",
    MEAN: "Error under corruptions (%)",
    MCE: "mCE (%)",
    RELATIVE: "Relative mCE (%)",
}
ABOUT: Final = (
    "Error under corruptions: mean over corruptions and severities. mCE: mean over corruptions of the error"
    " divided by AlexNet's, as published; relative: of what corruptions add to the clean error. Both need all"
    " nineteen at five severities; 100 is AlexNet, less is better."
)
EPOCHS: Final = (
    " Paper: its clean errors are those of the epoch that is best on the test images; ours, the last's."
)

summarise_rows = summarise_errors


def sheet(table: "pd.DataFrame", facts: Facts, heads: dict[str, str], numbers: str, about: str) -> Sheet:
    """A table of measures: a line for each series, ours and, beside evidence, the paper's.

    Args:
        table: as made by `summarise_errors`.
        facts: of the runs.
        heads: measure to its head; what is measured by published numbers is left out where the scale is no
            evidence.
        numbers: what the paper's entries begin with.
        about: a note that explains the measures.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part = one_protocol(table, facts)
    heads = {key: head for key, head in heads.items() if facts.evidence or key not in (MCE, RELATIVE)}
    names = {CLEAN: "clean"}
    theirs = {key: paper_numbers(f"{numbers}_{names.get(key, key)}") for key in heads}
    columns, lines = [Column("network", "Network")], []
    for measure, head in heads.items():
        columns.append(Column(f"{measure} here", "here", head))
        columns += [Column(f"{measure} paper", "paper", head)] if facts.evidence else []
    for series in shown_series(part, facts.series):
        cells = [facts.label(series)]
        for measure in heads:
            cells.append(error_text(find(part, series, measure), facts))
            digits = 0 if measure in (MCE, RELATIVE) else 2
            cells += [paper_text(theirs[measure], series, digits)] if facts.evidence else []
        lines.append(Line(series, tuple(cells)))
    here = f"Here: {facts.network} on {identity_of(facts)}. {band_sentence(part, facts)}"
    frost = frost_sentence(part)
    notes = (about + (f" {frost}" if frost else "") + (EPOCHS if facts.evidence else ""),)
    return Sheet(tuple(columns), (Block("", tuple(lines)),), (here, *notes))


draw, body = setters(lambda table, facts: sheet(table, facts, HEADS, "table3", ABOUT))
