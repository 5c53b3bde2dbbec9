"""The note below a figure, in small print: the picture itself says data, n and what its bars mean."""

from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from flexnet.figures.captions import band_sentence
from flexnet.figures.facts import Facts
from flexnet.figures.look import INK, MM_PER_INCH, SMALL
from flexnet.figures.words import wrapped

if TYPE_CHECKING:
    import pandas as pd

NOTE_MM: Final = 3.0
_EDGE_MM: Final = 1.0


def note_of(table: "pd.DataFrame", facts: Facts) -> str:
    """Whose images, at which scale and protocol, over how many seeds, and what stands for uncertainty."""
    words = identity_of(facts)
    return f"{words[:1].upper()}{words[1:]}. {band_sentence(table, facts)}"


def identity_of(facts: Facts) -> str:
    """The images, then scale and protocol, unless both are the paper's."""
    stamp = stamp_of(facts)
    return f"{facts.dataset}; {stamp}" if stamp else facts.dataset


def stamp_of(facts: Facts) -> str:
    """Scale and protocol in words; nothing if both are the paper's. What shows no runs has no scale."""
    if facts.runs is None:
        return "" if facts.protocol == "paper" else f"{facts.protocol} protocol"
    paper = (facts.scale, facts.protocol) == ("paper", "paper")
    return "" if paper else f"{facts.scale} scale, {facts.protocol} protocol"


def add_note(figure: Figure, text: str) -> None:
    """Write a note below all axes. The page grows by its lines, so that the axes do not shrink."""
    width, height = (side * MM_PER_INCH for side in figure.get_size_inches())
    lines = wrapped(text, width - 2 * _EDGE_MM)
    room = NOTE_MM * len(lines) + _EDGE_MM
    figure.set_size_inches(width / MM_PER_INCH, (height + room) / MM_PER_INCH)
    share = room / (height + room)
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)  # the journal's
    engine.set(rect=(0.0, share, 1.0, 1.0 - share))
    for place, line in enumerate(reversed(lines)):
        y = (_EDGE_MM + NOTE_MM * place) / (height + room)
        figure.text(_EDGE_MM / width, y, line, fontsize=SMALL, color=INK, va="bottom", gid="note")
