"""Networks of Table 2 whose matrix products are made in bf16 beside the same in float32.

Scales that train in bf16 take it that this changes no mean: here each network stands beside its twin of
the same seed.
"""

from typing import Final

import pandas as pd

from flexnet.figures.captions import attack_words, band_sentence
from flexnet.figures.cells import TRAINED, attack_epsilon, change_text, estimate_text, find
from flexnet.figures.curves import one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.notes import identity_of
from flexnet.figures.order import shown_series
from flexnet.figures.typeset import Block, Column, Line, Sheet, setters
from flexnet.statistics.changes import with_changes
from flexnet.statistics.summary import summarise

NAME = "table2_precision"
EXACT: Final = "-float32"  # what the name of a network's twin ends with


def summarise_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Summarise accuracy per series and epsilon, with the change of each network from its twin in float32.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    by, at = ["figure", "protocol", "series", "intervention", "epsilon"], {"intervention": TRAINED}
    parts = []
    for _, part in rows.groupby(rows["series"].str.removesuffix(EXACT), sort=False):
        twin = f"{part['series'].iloc[0].removesuffix(EXACT)}{EXACT}"
        parts.append(with_changes(summarise(part, by, at), part, by, at, twin))
    return pd.concat(parts, ignore_index=True)


def _sheet(table: pd.DataFrame, facts: Facts) -> Sheet:
    """A line for each network: clean, and under attack, with its change from the twin."""
    part = one_protocol(table, facts)
    attack = attack_epsilon(part)
    size = f", ε = {attack:g}" if attack else ""
    columns = (
        Column("network", "Network"),
        Column("clean", "here", "Clean accuracy (%)"),
        Column("clean change", "change", "Clean accuracy (%)"),
        Column("fgsm", "here", f"FGSM accuracy (%){size}"),
        Column("fgsm change", "change", f"FGSM accuracy (%){size}"),
    )
    lines = tuple(
        Line(
            series, (facts.label(series), *_two(part, series, 0.0, facts), *_two(part, series, attack, facts))
        )
        for series in shown_series(part, facts.series)
    )
    return Sheet(columns, (Block("", lines),), _notes(part, facts))


def _two(part: pd.DataFrame, series: str, epsilon: float | None, facts: Facts) -> tuple[str, str]:
    found = find(part, series, epsilon)
    return estimate_text(found, facts), change_text(found, facts)


def _notes(part: pd.DataFrame, facts: Facts) -> tuple[str, ...]:
    attacked = f" FGSM: {attack_words(part, facts)}." if attack_epsilon(part) else ""
    network = facts.described_network
    return (
        f"{network[:1].upper()}{network[1:]} on {identity_of(facts)}.{attacked} {band_sentence(part, facts)}",
        "Change: from the twin in float32, in percentage points, paired by training seed; its uncertainty as"
        " that of the means.",
    )


draw, body = setters(_sheet)
