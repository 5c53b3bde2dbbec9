"""Controls of Table 2: what the layer's parts contribute, and what the thresholds carry.

Beside the paper's schemes stand networks with thresholds that never learn, that only pool or always blend,
or that have another uniform threshold; and the trained networks with their thresholds exchanged at test.
"""

import re
from typing import TYPE_CHECKING, Final

from flexnet.families.interventions import FAMILY
from flexnet.figures.captions import attack_words, band_sentence
from flexnet.figures.cells import TRAINED, attack_epsilon, distance_text, estimate_text, find, share_text
from flexnet.figures.curves import one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.notes import identity_of
from flexnet.figures.typeset import Block, Column, Line, Sheet, setters
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "table2_controls"
CONDITION: Final = ["figure", "protocol", "series", "intervention", "epsilon"]
GATES: Final = ("max_share", "switching", "threshold_shift")
LEARNED: Final = "learned"  # the scheme whose thresholds are trained
UNIFORM: Final = "uniform"  # what the names of series with one threshold for all units start with
_NORMAL: Final = re.compile(r"normal\(([^,]+),([^)]+)\)")


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy per series, intervention and epsilon, with the mean behaviour of the gates.

    Returns:
        The columns of `summarise`, then max_share, switching and threshold_shift, means over seeds, NaN for
        a network that has no gates.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    return summarise(rows, CONDITION, measures=tuple(FAMILY.measures))


def _sheet(table: "pd.DataFrame", facts: Facts) -> Sheet:
    """One line per network and intervention, in three blocks; empty blocks are left out."""
    part = one_protocol(table, facts)
    attack = attack_epsilon(part)
    columns = (
        Column("network", "Network"),
        Column("clean", "Clean (%)"),
        Column("fgsm", f"FGSM, ε = {attack:g} (%)" if attack else "FGSM (%)"),
        Column("max_share", "MAX share (%)"),
        Column("switching", "Switching (%)"),
        Column("threshold_shift", "Mean |T − T₀|"),
    )
    blocks = (
        Block(heading, tuple(_line(part, series, name, attack, facts) for series, name in members))
        for heading, members in _members(part).items()
    )
    return Sheet(columns, tuple(block for block in blocks if block.lines), _notes(part, facts))


def _members(part: "pd.DataFrame") -> dict[str, list[tuple[str, str]]]:
    """Series and intervention of each line, by the block's heading; the order is that of the rows."""
    found = list(dict.fromkeys(zip(part["series"], part["intervention"], strict=True)))
    trained = [series for series, name in found if name == TRAINED]
    return {
        "Schemes": [(name, TRAINED) for name in trained if not name.startswith(UNIFORM)],
        "Uniform thresholds": [(name, TRAINED) for name in trained if name.startswith(UNIFORM)],
        "Thresholds exchanged at test": [pair for pair in found if pair[1] != TRAINED],
    }


def _line(part: "pd.DataFrame", series: str, intervention: str, attack: float | None, facts: Facts) -> Line:
    clean, attacked = (find(part, series, epsilon, intervention) for epsilon in (0.0, attack))
    # The gates are looked at without an attack; their numbers stand in both rows.
    gates = clean if clean is not None else attacked
    fixed = intervention == TRAINED and _is_fixed(series, facts)
    exchanged = "" if intervention == TRAINED else f": {exchange_words(intervention)}"
    cells = (
        facts.label(series) + exchanged,
        estimate_text(clean, facts),
        estimate_text(attacked, facts),
        share_text(gates, "max_share"),
        share_text(gates, "switching"),
        distance_text(None if fixed else gates, "threshold_shift"),
    )
    return Line(series if intervention == TRAINED else f"{series} {intervention}", cells)


def _is_fixed(series: str, facts: Facts) -> bool:
    """Whether the thresholds of a series were never trained, so that their distance says nothing."""
    run = facts.known.of(series)
    layer = (run.options.get("layer") if run else None) or {"scheme": LEARNED}
    return bool(layer.get("scheme", LEARNED) != LEARNED)


def exchange_words(intervention: str) -> str:
    """An intervention as a reader says it: "normal(-0.5,0.1)" is "N(−0.5, 0.1)"."""
    normal = _NORMAL.fullmatch(intervention)
    return f"N({normal[1]}, {normal[2]})".replace("-", "−") if normal else intervention


def _notes(part: "pd.DataFrame", facts: Facts) -> tuple[str, ...]:
    attacked = f" FGSM: {attack_words(part, facts)}." if attack_epsilon(part) else ""
    network = facts.described_network
    network = network[:1].upper() + network[1:]
    return (
        f"{network} on {identity_of(facts)}.{attacked} {band_sentence(part, facts)}",
        "MAX share: how often, over units and images, the pooled branch is taken. Switching: units that take "
        "it for some images and not for others. |T − T₀|: distance from the thresholds before training, "
        "on average over units; – where they are not trained. "
        "Redrawn: from the distribution before training. N(m, s): from a normal distribution with mean m and "
        "standard deviation s.",
    )


draw, body = setters(_sheet)
