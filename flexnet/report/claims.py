"""The ledger of claims on a page: a summary of every claim, then every comparison with its interval."""

from typing import TYPE_CHECKING

from flexnet.report.markup import table_html
from flexnet.report.parts import Part

if TYPE_CHECKING:
    import pandas as pd

    from flexnet.figures.typeset import Sheet

UNJUDGED = ("no evidence", "not measured")
OUTDATED = "<p class='note'>Outdated: with today's settings or code it would be made again.</p>"
WORDS = (
    "A comparison is reproduced where its whole 95 % interval over training seeds, in brackets, lies on the"
    " claimed side of a border that was fixed beforehand, contradicted where it lies on the other side,"
    " partly reproduced where a claim about every condition fails in some, at chance where no network is"
    " above guessing, else undecided. A claim of several comparisons is mixed where some are reproduced and"
    " some contradicted."
)
NO_EVIDENCE = "This scale is a demonstration and no evidence: nothing is judged."


def ledger_html(part: Part) -> str:
    """The ledger of a part; of a scale that is no evidence, or that was none when it was judged, no verdict.

    Raises:
        DataError: if the ledger is not what it claims to be.
    """
    from flexnet.claims.ledger import read_ledger

    if part.ledger is None:
        return "" if part.evidence else f"<p class='note'>{NO_EVIDENCE}</p>"
    ledger = read_ledger(part.ledger)
    reason = _unfit(part, ledger)
    if reason:
        return f"<p class='note'>{reason}</p>"
    if not part.evidence:
        measured = f"<details><summary>What was measured</summary>{_all(part, ledger)}</details>"
        return f"<p class='note'>{NO_EVIDENCE}</p>{measured}"
    old = OUTDATED if part.outdated else ""
    return f"{old}<p>{WORDS}</p>{_summaries(ledger)}<h3>Every comparison</h3>{_all(part, ledger)}"


def may_show(part: Part) -> bool:
    """Whether the drawing of a part's ledger may be shown: not where its words are others than today's."""
    from flexnet.claims.ledger import read_ledger

    return part.ledger is None or not _unfit(part, read_ledger(part.ledger))


def _unfit(part: Part, ledger: "pd.DataFrame") -> str:
    """Why a ledger is not shown, or nothing."""
    again = f"<code>snakemake {part.home}figures/claims.pdf</code> judges again."
    if not (ledger["n"] > 0).any():
        return "No claim was measured yet."
    judged = not set(ledger["verdict"]) <= set(UNJUDGED)
    if judged and not part.evidence:
        return f"{NO_EVIDENCE} The ledger is from when it counted as evidence; {again}"
    if part.evidence and "no evidence" in set(ledger["verdict"]):
        return f"The ledger is from when this scale was no evidence; {again}"
    return ""


def _summaries(ledger: "pd.DataFrame") -> str:
    """One line a measured claim, one column a protocol."""
    measured = ledger[ledger["n"] > 0]
    protocols = list(dict.fromkeys(measured["protocol"]))
    rows = []
    for (paper, name), claim in measured.groupby(["paper", "id"], sort=False):
        words = dict(zip(claim["protocol"], claim["summary"], strict=True))
        said = f"{claim['title'].iloc[0]}. {claim['statement'].iloc[0]}"
        rows.append([f"{name}, {paper}", said, *(str(words.get(protocol, "")) for protocol in protocols)])
    return table_html(["Claim", "What the paper says", *(f"{name} protocol" for name in protocols)], rows)


def _all(part: Part, ledger: "pd.DataFrame") -> str:
    from flexnet.figures.claim_table import claims_sheet
    from flexnet.figures.claims import summarise_rows
    from flexnet.figures.facts import Facts

    facts = Facts(scale=part.title, protocol="paper", evidence=part.evidence)
    return _sheet(claims_sheet(summarise_rows(ledger), facts))


def _sheet(sheet: "Sheet") -> str:
    blank = [""] * (len(sheet.columns) - 1)
    rows = [
        row
        for block in sheet.blocks
        for row in ([block.heading, *blank], *(line.cells for line in block.lines))
    ]
    return table_html([column.head for column in sheet.columns], rows)
