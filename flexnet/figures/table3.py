"""Table 3 of the Flexible Layer paper: VGG16 under PGD, along its own gradient and along a surrogate's."""

from typing import TYPE_CHECKING, Any, Final

from flexnet.claims.catalogue import published
from flexnet.families.pgd import BLACK, CLAMP, NONE, WHITE
from flexnet.figures.captions import band_sentence
from flexnet.figures.cells import BLANK, change_text, estimate_text, find_at, number_text
from flexnet.figures.curves import one_protocol
from flexnet.figures.epsilon import size_words
from flexnet.figures.facts import Facts
from flexnet.figures.notes import identity_of
from flexnet.figures.order import shown_series
from flexnet.figures.typeset import Block, Column, Line, Sheet, setters
from flexnet.statistics.changes import with_changes
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

NAME = "table3"
REFERENCE: Final = "baseline"
CONDITION: Final = ["figure", "protocol", "series", "attack", "scoring", "epsilon", "steps"]
SCORINGS: Final = {"last": "last iterate", "worst": "worst iterate"}
# The paper's attack: 0.031, about 8 grey levels of 255, 20 steps, the last iterate.
PAPER: Final = ("last", 0.031, 20)
NEAR: Final = 0.001
PAPER_NAMES: Final = {"baseline": "table3_baseline", "flexible": "table3_flexible"}
KEYS: Final = {NONE: "natural", WHITE: "pgd_white_box", BLACK: "pgd_black_box"}


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Summarise accuracy per series and attack, with the change from the baseline: repeats first, then seeds.

    Raises:
        DataError: if a column is missing or a series mixes several models.
    """
    return with_changes(summarise(rows, CONDITION), rows, CONDITION, None, REFERENCE)


def _sheet(table: "pd.DataFrame", facts: Facts) -> Sheet:
    """A block for each size, number of steps and scoring; a network without rows keeps its line, with blanks.

    The paper's numbers stand where the attack is as long and large as its own, and are absent where the scale
    is no evidence.
    """
    part = one_protocol(table, facts)
    attacks = part[part["attack"].isin([WHITE, BLACK])]
    runs = list(dict.fromkeys(zip(attacks["scoring"], attacks["epsilon"], attacks["steps"], strict=True)))
    series = shown_series(part, facts.series, PAPER_NAMES)
    blocks = tuple(
        Block(_heading(*run, facts), tuple(_line(part, name, run, facts) for name in series))
        for run in runs or [PAPER]
    )
    return Sheet(_columns(part, facts), blocks, _notes(part, facts))


def _heading(scoring: str, epsilon: float, steps: int, facts: Facts) -> str:
    return f"ε = {size_words(epsilon, facts)}, {steps:g} steps, {SCORINGS[scoring]}"


def _columns(part: "pd.DataFrame", facts: Facts) -> tuple[Column, ...]:
    paper = ("paper",) if facts.evidence else ()
    groups: dict[str, tuple[str, tuple[str, ...]]] = {"clean": ("Clean (%)", ("here", *paper))}
    if CLAMP in set(part["attack"]):
        groups["clamp"] = ("Clamp (%)", ("here",))
    groups["white"] = ("White-box (%)", ("here", "change", *paper))
    groups["black"] = ("Black-box (%)", ("here", *paper))
    return (
        Column("network", "Network"),
        *(Column(f"{key} {name}", name, group) for key, (group, names) in groups.items() for name in names),
    )


def _line(part: "pd.DataFrame", series: str, run: tuple[str, float, int], facts: Facts) -> Line:
    scoring, epsilon, steps = run
    plain = {"scoring": "last", "epsilon": 0.0, "steps": 0}
    attacked = {"scoring": scoring, "epsilon": epsilon, "steps": steps}

    def row(attack: str, at: dict[str, Any]) -> Any:
        return find_at(part, {"series": series, "attack": attack, **at})

    def theirs(attack: str) -> tuple[str, ...]:
        return (_published(series, attack, run),) if facts.evidence else ()

    white = row(WHITE, attacked)
    clamp = (estimate_text(row(CLAMP, plain), facts),) if CLAMP in set(part["attack"]) else ()
    cells = (
        facts.label(series),
        *(estimate_text(row(NONE, plain), facts), *theirs(NONE)),
        *clamp,
        *(estimate_text(white, facts), change_text(white, facts), *theirs(WHITE)),
        *(estimate_text(row(BLACK, attacked), facts), *theirs(BLACK)),
    )
    return Line(f"{series} {scoring} {epsilon:g} {steps:g}", cells)


def _published(series: str, attack: str, run: tuple[str, float, int]) -> str:
    """The paper's number, of attacks only where ours is as large and as long."""
    alike = run[0] == PAPER[0] and abs(run[1] - PAPER[1]) < NEAR and run[2] == PAPER[2]
    if series not in PAPER_NAMES or not (alike or attack == NONE):
        return BLANK
    numbers = published("flexible-layer", PAPER_NAMES[series]).value
    assert not isinstance(numbers, float)
    return number_text(numbers[KEYS[attack]])  # type: ignore[index]


def _notes(part: "pd.DataFrame", facts: Facts) -> tuple[str, ...]:
    notes = [
        f"{facts.described_network} on {identity_of(facts)}. {band_sentence(part, facts)}",
        "White-box: PGD along the network's own gradient; black-box: along that of a surrogate that was "
        "trained on the same images. Last iterate: the end of the attack is judged; worst iterate: the most "
        "harmful of all its images.",
    ]
    if CLAMP in set(part["attack"]):
        notes.append(
            "Clamp: no attack, but images clamped as the attack clamps them, which alone changes most values."
        )
    change = "Change: from the baseline, in percentage points, paired by training seed."
    paper = " Paper: one network each; 20 steps of 0.003 within 0.031." if facts.evidence else ""
    return (*notes, change + paper)


draw, body = setters(_sheet)
