"""Table 4 of the push-pull paper: widths and strengths of the pull, under Gaussian noise."""

from typing import TYPE_CHECKING, Final

from flexnet.families.sensor import GAUSSIAN
from flexnet.figures.captions import spread
from flexnet.figures.cells import BLANK
from flexnet.figures.curves import PER_CENT, one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.notes import identity_of
from flexnet.figures.order import shown_series
from flexnet.figures.pushpull.lenets import paper_numbers
from flexnet.figures.typeset import Block, Column, Line, Sheet, setters
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "pushpull/table4"
LEVELS: Final = (0.0, 0.0001, 0.0005, 0.001, 0.005, 0.01)
ABOUT: Final = (
    "Errors in per cent, means over training seeds, by the variance of Gaussian noise on images in [0, 1]. h:"
    " how many times wider the pull kernel is; \u03b1: inhibition strength. With h = 1 and \u03b1 = 1 the"
    " layer is a plain convolution: its distance from the network without the layer is that of two trainings."
)


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy per figure, protocol, series and variance: repeats first, then training seeds.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    wanted = rows[rows["noise"].eq(GAUSSIAN) & rows["variance"].isin(LEVELS)]
    return summarise(wanted, ["figure", "protocol", "series", "variance"], {"noise": GAUSSIAN})


def _sheet(table: "pd.DataFrame", facts: Facts) -> Sheet:
    """The table: ours and, beside evidence, the paper's in columns of their own."""
    part = one_protocol(table, facts)
    levels = [level for level in LEVELS if level in set(part["variance"])]
    columns, lines = [Column("network", "First layer")], []
    for level in levels:
        head = f"variance {level:.4f}".rstrip("0").rstrip(".") if level else "none"
        columns.append(Column(f"{level} here", "here", head))
        columns += [Column(f"{level} paper", "paper", head)] if facts.evidence else []
    for series in shown_series(part, facts.series):
        theirs = paper_numbers(f"table4_{series}") if facts.evidence else {}
        cells = [facts.label(series)]
        for level in levels:
            cells.append(_error(part, series, level))
            cells += [f"{theirs[level]:.2f}" if level in theirs else BLANK] if facts.evidence else []
        lines.append(Line(series, tuple(cells)))
    here = f"Here: {facts.network} on {identity_of(facts)}; n = {spread(part['n'])}."
    return Sheet(tuple(columns), (Block("", tuple(lines)),), (here, ABOUT))


def _error(part: "pd.DataFrame", series: str, level: float) -> str:
    found = part[(part["series"] == series) & (part["variance"] == level)]
    return BLANK if found.empty else f"{(1 - found['mean'].iloc[0]) * PER_CENT:.2f}"


draw, body = setters(_sheet)
