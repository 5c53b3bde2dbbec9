"""The page of an audit: a verdict for each network, and every check with its share, beside its threshold."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.figure import Figure

from flexnet.audit.findings import Audit
from flexnet.audit.rules import MASKED, RULES, UNDECIDED
from flexnet.audit.told import audit_of
from flexnet.families.audit import CLEAN, REFERENCE
from flexnet.figures.audit_curves import CURVE, NOTE, curve_block, curve_of, draw_curves
from flexnet.figures.captions import band_sentence
from flexnet.figures.cells import BLANK, estimate_text, find_at, share_text
from flexnet.figures.curves import PER_CENT, one_protocol
from flexnet.figures.epsilon import size_words
from flexnet.figures.facts import Facts
from flexnet.figures.look import journal
from flexnet.figures.notes import identity_of
from flexnet.figures.order import shown_series
from flexnet.figures.typeset import Block, Column, Line, Sheet, cells_of, draw_sheet, markdown
from flexnet.statistics.summary import summarise

if TYPE_CHECKING:
    import pandas as pd

CONDITION: Final = ["figure", "protocol", "series", "check", "epsilon"]
FAILS: Final = " ✗"
# What a reader is told of each check.
WORDS: Final = {
    "zero_gradients": "Gradient of exactly zero",
    "single_step": "Only one step fools",
    "noise": "Only random noise fools",
    "transfer": "Only another's gradient fools",
    "black_box": "Only the square attack fools",
    "decision": "Only HopSkipJump fools",
    "softened_gate": "Only softer gates fool",
    "frozen_gate": "Only constant gates fool",
    "float64": "Only float64 fools",
    "expectation": "Only averaged gradients fool",
    "suite": "Only the standard suite fools",
    "epsilon": "Right above chance, whole range",
    "steps": "Lost with twice the steps",
    "restarts": "Lost with twice the restarts",
    "monotone": "Falls of the loss, of its rise",
}


def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """One row for each series and check, with the series' verdict.

    Returns:
        The columns of `summarise` (of the images that withstood the check and all before it), then share (the
        greatest over seeds, NaN where the check does not apply), threshold, failed (seeds whose check fails),
        evidence (of the seed with the greatest share), curve (what a check that sweeps left of each seed),
        verdict (of the series) and verdicts (of its seeds, see `told_of_seeds`).

    Raises:
        DataError: if a column is missing, a series mixes several models, or rows are those of no audit.
    """
    table = summarise(rows, CONDITION)
    checks = [_of_check(part) for _, part in rows.groupby(CONDITION, sort=False)]
    for name in ("share", "threshold", "failed", "evidence", CURVE):
        table[name] = [found[name] for found in checks]
    keys = list(zip(table["protocol"], table["series"], strict=True))
    words = verdicts_of(rows)
    table["verdict"] = [together(words[key]) for key in keys]
    table["verdicts"] = [told_of_seeds(words[key]) for key in keys]
    return table


def verdicts_of(rows: "pd.DataFrame") -> dict[tuple[str, str], Counter[str]]:
    """How many seeds have each verdict, by protocol and series.

    Raises:
        DataError: if rows are those of no audit.
    """
    parts = rows.groupby(["protocol", "series"], sort=False)
    return {
        (str(protocol), str(series)): Counter(audit.verdict for audit in _audits(part))
        for (protocol, series), part in parts
    }


def _audits(part: "pd.DataFrame") -> Iterator[Audit]:
    """The audit of each seed."""
    for _, own in part.groupby("seed"):
        yield audit_of([{str(key): value for key, value in row.items()} for row in own.to_dict("records")])


def together(words: Mapping[str, int]) -> str:
    """The verdict on a model: the word that all its seeds share, else "undecided"."""
    return next(iter(words)) if len(words) == 1 else UNDECIDED


def told_of_seeds(words: Mapping[str, int]) -> str:
    """The word that all seeds share, else how many have which, the most frequent first."""
    if len(words) == 1:
        return next(iter(words))
    return ", ".join(f"{n} {word}" for word, n in Counter(words).most_common())


def _of_check(part: "pd.DataFrame") -> dict[str, Any]:
    """What a check found over the seeds of a series."""
    check = part["check"].iloc[0]
    threshold = RULES[check].threshold if check in RULES else np.nan
    share = part["share"].astype(float)
    worst = int(np.argmax(share.fillna(-1.0)))
    return {
        "share": share.max(),
        "threshold": threshold,
        "failed": int((share > threshold + 1e-12).sum()),
        "evidence": part["evidence"].iloc[worst],
        CURVE: curve_of(str(check), part["evidence"]),
    }


def draw(table: "pd.DataFrame", facts: Facts) -> Figure:
    """Set the page: a table, and the curves of the sweeps in the columns of their networks.

    Raises:
        DataError: if the table has no row of the facts' protocol.
    """
    part, sheet = one_protocol(table, facts), _sheet(table, facts, drawn=True)
    figure = draw_sheet(sheet)
    with journal():
        draw_curves(figure, cells_of(sheet), part, shown_series(part, facts.series), facts)
    return figure


def body(table: "pd.DataFrame", facts: Facts) -> str:
    """The page in Markdown, with the numbers of the curves."""
    return markdown(_sheet(table, facts, drawn=False))


def _sheet(table: "pd.DataFrame", facts: Facts, *, drawn: bool) -> Sheet:
    """Networks side by side; below each other verdict, what withstood, and the checks by what they mean.

    Last what the sweeps left, in numbers or, where curves are to be `drawn`, with room for them.
    """
    part = one_protocol(table, facts)
    series = shown_series(part, facts.series)
    asked = [name for name in RULES if name in set(part["check"])]
    curves = curve_block(part, series, drawn=drawn)
    blocks = [
        Block("", (_verdicts(part, series), *_withstanding(part, series, facts))),
        *(
            Block(heading, tuple(_check(part, series, name) for name in asked if RULES[name].failure == word))
            for word, heading in {
                MASKED: "Share in % (at most), else masked",
                UNDECIDED: "Share in % (at most), else undecided",
            }.items()
        ),
        curves,
    ]
    columns = (Column("check", "Check"), *(Column(name, facts.label(name)) for name in series))
    return Sheet(
        columns,
        tuple(block for block in blocks if block.lines),
        _notes(part, facts, drawn=bool(curves.lines)),
    )


def _verdicts(part: "pd.DataFrame", series: list[str]) -> Line:
    found = [find_at(part, {"series": name}) for name in series]
    return Line("verdict", ("Verdict", *(BLANK if row is None else str(row["verdict"]) for row in found)))


def _withstanding(part: "pd.DataFrame", series: list[str], facts: Facts) -> Iterator[Line]:
    """Shares of images: right without an attack, under the reference attack, and under everything."""
    checks = list(dict.fromkeys(part["check"]))
    rows = {CLEAN: "Right, no attack (%)", REFERENCE: "Right, PGD (%)", checks[-1]: "Right, everything (%)"}
    for check, words in rows.items():
        found = [find_at(part, {"series": name, "check": check}) for name in series]
        yield Line(f"right {check}", (words, *(estimate_text(row, facts) for row in found)))


def _check(part: "pd.DataFrame", series: list[str], check: str) -> Line:
    limit = f"{RULES[check].threshold * PER_CENT:g}"
    cells = [_share(find_at(part, {"series": name, "check": check})) for name in series]
    return Line(check, (f"{WORDS[check]} ({limit})", *cells))


def _share(row: Any) -> str:
    text = share_text(row, "share")
    return text + FAILS if row is not None and row["failed"] else text


def _notes(part: "pd.DataFrame", facts: Facts, *, drawn: bool) -> tuple[str, ...]:
    failed = [name for name in RULES if (part["failed"][part["check"] == name] > 0).any()]
    means = " ".join(f"{WORDS[name]}: {RULES[name].means}" for name in failed)
    told = dict(zip(part["series"], part["verdicts"], strict=True))
    mixed = [f"{facts.label(name)}: {words}." for name, words in told.items() if "," in words]
    network = facts.described_network
    sizes = " or ".join(size_words(size, facts) for size in dict.fromkeys(part["epsilon"]))
    unasked = [WORDS[name] for name in RULES if name not in set(part["check"])]
    return (
        f"{network[:1].upper()}{network[1:]} on {identity_of(facts)}. {band_sentence(part, facts)} "
        f"Attacks: ε = {sizes}.",
        "Only … fools: images that this fools and PGD along the network's own gradient does not. Of several "
        "training seeds the greatest share is shown. ✗: above the threshold, which was set beforehand. "
        "–: does not apply. Robust: nothing fails, and of the images more withstand all than a guess gets "
        "right, by the 95 % Wilson interval of each training seed.",
        *([NOTE] if drawn else []),
        *([f"Not asked here, so that robust says less: {', '.join(unasked)}."] if unasked else []),
        *([f"Seeds that differ: {' '.join(mixed)}"] if mixed else []),
        *([f"✗ means. {means}"] if means else []),
    )
