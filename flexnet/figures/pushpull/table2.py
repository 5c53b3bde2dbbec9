"""Table 2 of the push-pull paper: errors of networks under each corruption, beside the paper's."""

from typing import TYPE_CHECKING, Final

from flexnet.corruptions.names import CLEAN
from flexnet.figures.captions import spread
from flexnet.figures.curves import one_protocol
from flexnet.figures.facts import Facts
from flexnet.figures.frost import frost_sentence
from flexnet.figures.notes import identity_of
from flexnet.figures.order import shown_series
from flexnet.figures.pushpull.errors import GROUPS, MEAN, find, mean_text, paper_text, summarise_errors
from flexnet.figures.pushpull.lenets import paper_numbers
from flexnet.figures.typeset import Block, Column, Line, Sheet, setters
from flexnet.figures.words import wrapped

if TYPE_CHECKING:
    import pandas as pd

NAME = "pushpull/table2"
HEAD_MM = 15.0
# What stands below our numbers, and how the entries of these numbers begin.
SOURCES: Final = {"paper": "table2", "authors' file": "files"}
ABOUT: Final = "Errors in per cent, means over severities and training seeds."
OTHER_FROST: Final = " Its numbers are not those of the original frost."

summarise_rows = summarise_errors


def _sheet(table: "pd.DataFrame", facts: Facts) -> Sheet:
    """The table: a line for each corruption, and below it the paper's numbers, unless it is no evidence."""
    part = one_protocol(table, facts)
    series = shown_series(part, facts.series)
    found = set(part["measure"])
    blocks = [Block("", _lines(part, CLEAN, "clean images", series, facts))]
    for group, names in GROUPS.items():
        lines = [_lines(part, name, name.replace("_", " "), series, facts) for name in names if name in found]
        if lines:
            blocks.append(Block(group, tuple(line for some in lines for line in some)))
    blocks.append(Block("all", _lines(part, MEAN, "mean of corruptions", series, facts)))
    heads = ["\n".join(wrapped(facts.label(name), HEAD_MM, 7.0)) for name in series]
    columns = [Column("corruption", ""), *(Column(*pair) for pair in zip(series, heads, strict=True))]
    here = f"Here: {facts.network} on {identity_of(facts)}; n = {spread(part['n'])}."
    frost = frost_sentence(part)
    return Sheet(tuple(columns), tuple(blocks), (here, f"{ABOUT} {frost}{OTHER_FROST}" if frost else ABOUT))


def _lines(
    part: "pd.DataFrame", measure: str, words: str, series: list[str], facts: Facts
) -> tuple[Line, ...]:
    """Our numbers and, beside evidence, those of the paper and of the authors' own files, where there are."""
    lines = [Line(measure, (words, *(mean_text(find(part, name, measure)) for name in series)))]
    for source, prefix in SOURCES.items() if facts.evidence else ():
        theirs = [_published(prefix, name, measure) for name in series]
        known = prefix == "table2" or any(model.endswith("-published") for model in models_of(facts))
        if known and any(text[0].isdigit() for text in theirs):
            lines.append(Line(f"{measure} {prefix}", (f"\u2003{source}", *theirs)))
    return tuple(lines)


def models_of(facts: Facts) -> list[str]:
    """The models behind a figure."""
    return [run.model for run in facts.known.series]


def _published(prefix: str, series: str, measure: str) -> str:
    if prefix == "table2" and measure in (CLEAN, MEAN):
        name = {CLEAN: "table3_clean", MEAN: "table3_mean"}[measure]
        return paper_text(paper_numbers(name), series)
    numbers = dict(paper_numbers(f"{prefix}_{series}"))
    if numbers:
        numbers[MEAN] = sum(numbers.values()) / len(numbers)
    return paper_text(numbers, measure)


draw, body = setters(_sheet)
