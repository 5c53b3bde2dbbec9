"""What the standard suite of attacks leaves of VGG16's accuracy: Table 3 under stronger attacks."""

from typing import TYPE_CHECKING, Final

import numpy as np

from flexnet.families.pgd import NONE
from flexnet.families.suite import FAMILY, L2
from flexnet.figures.captions import band_sentence
from flexnet.figures.cells import BLANK, estimate_text, find_at, share_text
from flexnet.figures.curves import one_protocol
from flexnet.figures.epsilon import size_words
from flexnet.figures.facts import Facts
from flexnet.figures.notes import identity_of
from flexnet.figures.order import shown_series
from flexnet.figures.typeset import Block, Column, Line, Sheet, setters
from flexnet.options.iterated import PARTS
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "table3_suite"
CONDITION: Final = ["figure", "protocol", "series", "attack", "norm", "epsilon"]
WORDS: Final = {
    "apgd-ce": "APGD-CE",
    "apgd-dlr": "APGD-DLR",
    "apgd-margin": "APGD-margin",
    "apgd-t": "APGD-T",
    "fab-t": "FAB-T",
    "square": "Square",
}
Ball = tuple[str, float]


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy per series after each attack, with the mean share of images that draws leave open.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    return summarise(rows, CONDITION, measures=tuple(FAMILY.measures))


def _sheet(table: "pd.DataFrame", facts: Facts) -> Sheet:
    """A block for each ball; a network that an attack cannot attack has a blank there."""
    part = one_protocol(table, facts)
    attacked = part[part["attack"] != NONE]
    balls: list[Ball] = list(dict.fromkeys(zip(attacked["norm"], attacked["epsilon"], strict=True)))
    attacks = [name for name in PARTS if name in set(attacked["attack"])]
    columns = (
        Column("network", "Network"),
        Column("clean", "Clean (%)"),
        *(Column(name, f"after\n{WORDS[name]}", "Withstand (%)") for name in attacks),
        Column("all", "all", "Withstand (%)"),
        Column("uncertain", "Open (%)"),
    )
    blocks = tuple(
        Block(
            _heading(*ball, facts),
            tuple(_line(part, name, ball, attacks, facts) for name in shown_series(part, facts.series)),
        )
        for ball in balls
    )
    return Sheet(columns, blocks, _notes(part, facts))


def _heading(norm: str, epsilon: float, facts: Facts) -> str:
    distance = "root of the summed squares (L2)" if norm == L2 else "largest change of a value (Linf)"
    return f"ε = {size_words(epsilon, facts)}, {distance}"


def _line(part: "pd.DataFrame", series: str, ball: Ball, attacks: list[str], facts: Facts) -> Line:
    clean = find_at(part, {"series": series, "attack": NONE})
    at = {"series": series, "norm": ball[0], "epsilon": ball[1]}
    found = [find_at(part, {**at, "attack": name}) for name in attacks]
    last = next((row for row in reversed(found) if row is not None), None)
    told = last is not None and not np.isnan(last["uncertain"])
    cells = (
        facts.label(series),
        estimate_text(clean, facts),
        *(estimate_text(row, facts) for row in found),
        estimate_text(last, facts),
        share_text(last, "uncertain") if told else BLANK,
    )
    return Line(f"{series} {ball[0]} {ball[1]:g}", cells)


def _notes(part: "pd.DataFrame", facts: Facts) -> tuple[str, ...]:
    return (
        f"{facts.described_network} on {identity_of(facts)}. {band_sentence(part, facts)}",
        "Each attack meets the images that withstood those before it. – under an attack: it cannot attack "
        "networks that draw, whose gradients are averaged over draws instead. Open: of such a network, "
        "images whose 95 % interval over the verdict's draws holds one half: more draws could turn them.",
    )


draw, body = setters(_sheet)
