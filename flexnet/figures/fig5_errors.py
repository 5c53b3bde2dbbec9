"""The errors behind Figure 5A in numbers: clean, mCE and relative mCE beside the baseline, categories."""

from typing import TYPE_CHECKING, Final

from flexnet.corruptions.names import GROUPINGS, SEVERITIES
from flexnet.figures.captions import band_sentence
from flexnet.figures.cells import BLANK, estimate_text, ratio_text
from flexnet.figures.curves import one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.frost import with_frost
from flexnet.figures.notes import identity_of
from flexnet.figures.order import shown_series
from flexnet.figures.typeset import Block, Column, Line, Sheet, setters
from flexnet.statistics.network_errors import (
    CLEAN_ERROR,
    MCE,
    MEAN_ERROR,
    RELATIVE,
    SYNTHESISED,
    network_errors,
)

if TYPE_CHECKING:
    import pandas as pd

NAME = "fig5_errors"
REFERENCE: Final = "baseline"
RATIOS: Final = (MCE, RELATIVE)
ASKED: Final = "severities"  # a column: of which severities errors are means, such as "1 3 5"


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise the errors of each network: over severities and corruptions first, then training seeds.

    Raises:
        DataError: if a column is missing, or the baseline.
    """
    table = with_frost(network_errors(rows, REFERENCE, GROUPINGS["flexible-layer"], SYNTHESISED), rows)
    asked = {protocol: _severities(part) for protocol, part in rows.groupby("protocol", sort=False)}
    return table.assign(**{ASKED: table["protocol"].map(asked)})


def _severities(rows: "pd.DataFrame") -> str:
    return " ".join(str(severity) for severity in sorted(set(rows["severity"]) - {0}))


def _sheet(table: "pd.DataFrame", facts: Facts) -> Sheet:
    """The table: a line for each measure, a column for each network."""
    part = one_protocol(table, facts)
    series = [name for name in shown_series(part, facts.series) if name in set(part["series"])]
    columns = [Column("measure", "Per cent"), *(Column(name, facts.label(name)) for name in series)]
    measures = list(dict.fromkeys(part["measure"]))
    blocks = (
        Block("", tuple(_line(part, name, series, facts) for name in measures if name not in RATIOS)),
        Block(
            f"Relative to {facts.label(REFERENCE)}",
            tuple(_line(part, name, series, facts) for name in RATIOS),
        ),
    )
    return Sheet(tuple(columns), blocks, _notes(part, facts))


def _line(part: "pd.DataFrame", measure: str, series: list[str], facts: Facts) -> Line:
    text = ratio_text if measure in RATIOS else estimate_text
    cells = []
    for name in series:
        found = part[(part["series"] == name) & (part["measure"] == measure)]
        cells.append(BLANK if found.empty else text(found.iloc[0], facts))
    told = (*RATIOS, CLEAN_ERROR)
    words = measure if measure in told or measure.startswith(MEAN_ERROR) else f"{measure} (error)"
    return Line(measure, (words[0].upper() + words[1:] if measure not in RATIOS else words, *cells))


def _notes(part: "pd.DataFrame", facts: Facts) -> tuple[str, ...]:
    asked = str(part[ASKED].iloc[0]).split()
    whole = len(asked) == len(SEVERITIES)
    words = "five severities" if whole else f"severities {', '.join(asked)}"
    return (
        f"{facts.described_network} on {identity_of(facts)}. {band_sentence(part, facts)}",
        f"Errors are means over {words} and the corruptions of a category. mCE: mean over corruptions"
        f" of the error divided by that of {facts.label(REFERENCE)}, seed by seed; relative: of what a"
        f" corruption adds to the clean error.{_reason(part, whole)}{_lacking(part) if whole else ''}",
    )


def _reason(part: "pd.DataFrame", whole: bool) -> str:
    """Why a measure is not defined, if one is not."""
    if not (part["by_seed"] == "undefined").any():
        return ""
    why = "as a corruption does not raise the error of the reference" if whole else "for it takes all five"
    return f" – : not defined, {why}."


def _lacking(part: "pd.DataFrame") -> str:
    """Where not all corruptions were asked, that the ratios are of those that were."""
    some = any(str(name).startswith(f"{MEAN_ERROR} (") for name in part["measure"])
    return " Not all corruptions were asked: mCE and relative mCE are of those that were." if some else ""


draw, body = setters(_sheet)
