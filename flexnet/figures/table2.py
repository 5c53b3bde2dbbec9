"""Table 2 of the Flexible Layer paper: the small network, clean and under FGSM, in four schemes."""

from typing import TYPE_CHECKING, Final

from flexnet.claims.catalogue import published
from flexnet.figures.captions import attack_words, band_sentence
from flexnet.figures.cells import (
    BLANK,
    TRAINED,
    attack_epsilon,
    change_text,
    estimate_text,
    find,
    published_text,
)
from flexnet.figures.curves import one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.notes import identity_of
from flexnet.figures.order import shown_series
from flexnet.figures.typeset import Block, Column, Line, Sheet, setters
from flexnet.statistics.changes import with_changes
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "table2"
REFERENCE: Final = "baseline"
PAPER_ATTACK: Final = (0.1, "normalised")
SPACES: Final = {"normalised": "normalised", "pixel": "pixels"}
# Our series that the paper has as well, and its word for each.
PAPER_NAMES: Final = {
    "baseline": "baseline",
    "uniform": "uniform",
    "flexible": "standard",
    "above": "reverse",
}


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy per series and epsilon, thresholds as trained, with the change from the baseline.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    by, at = ["figure", "protocol", "series", "intervention", "epsilon"], {"intervention": TRAINED}
    return with_changes(summarise(rows, by, at), rows, by, at, REFERENCE)


def _sheet(table: "pd.DataFrame", facts: Facts) -> Sheet:
    """The table: our means, their change against the baseline and the paper's means beside them.

    A network that has no rows keeps its line, with blanks for what was not measured. The paper's means are
    absent where the scale is no evidence.
    """
    part = one_protocol(table, facts)
    attack = attack_epsilon(part)
    lines = tuple(
        Line(
            series,
            (facts.label(series), *_three(part, series, 0.0, facts), *_three(part, series, attack, facts)),
        )
        for series in shown_series(part, facts.series, PAPER_NAMES)
    )
    return Sheet(_columns(attack, facts), (Block("", lines),), _notes(part, facts))


def _columns(attack: float | None, facts: Facts) -> tuple[Column, ...]:
    alike = (attack, facts.space) in ((None, facts.space), PAPER_ATTACK) or not facts.evidence
    under = f", ε = {attack:g}" if attack and alike else ""
    # Where ours is another attack than the paper's, each column says its own.
    ours, theirs = ("", "") if alike else (_size(attack, facts.space), _size(*PAPER_ATTACK))
    paper = ("paper",) if facts.evidence else ()
    heads = {
        "clean": ("Clean accuracy (%)", "", ""),
        "fgsm": (f"FGSM accuracy (%){under}", ours, theirs),
    }
    told = {"here": 1, "change": None, "paper": 2}
    return (
        Column("network", "Network"),
        *(
            Column(f"{key} {name}", name + (head[place] if (place := told[name]) else ""), head[0])
            for key, head in heads.items()
            for name in ("here", "change", *paper)
        ),
    )


def _size(attack: float | None, space: str | None) -> str:
    return f"\nε = {attack:g}, {SPACES[str(space)]}"


def _three(part: "pd.DataFrame", series: str, epsilon: float | None, facts: Facts) -> tuple[str, ...]:
    """Our mean, its change against the baseline, and, beside evidence, the paper's mean."""
    ours = find(part, series, epsilon)
    theirs = (_published(series, "clean" if epsilon == 0.0 else "fgsm"),) if facts.evidence else ()
    return estimate_text(ours, facts), change_text(ours, facts), *theirs


def _published(series: str, condition: str) -> str:
    if series not in PAPER_NAMES:
        return BLANK
    numbers = [
        published("flexible-layer", f"table2_{condition}_{part}").value[PAPER_NAMES[series]]  # type: ignore[index]
        for part in ("accuracy", "sem")
    ]
    return published_text(*numbers)


def _notes(part: "pd.DataFrame", facts: Facts) -> tuple[str, ...]:
    attacked = f" FGSM here: {attack_words(part, facts)}." if attack_epsilon(part) else ""
    paper = " Paper: epsilon = 0.1 in normalised units; ± standard error over ten initialisations."
    return (
        f"Here: {facts.described_network} on {identity_of(facts)}.{attacked} {band_sentence(part, facts)}",
        "Change: from the baseline, in percentage points, paired by training seed; its uncertainty as that of"
        " the means." + (paper if facts.evidence else ""),
    )


draw, body = setters(_sheet)
