"""One module per figure: rows -> tidy table -> matplotlib figure, with the facts of the runs behind it."""

from flexnet.figures.captions import caption
from flexnet.figures.facts import Facts
from flexnet.figures.registry import load, names
from flexnet.figures.save import save

__all__ = ["Facts", "caption", "load", "names", "save"]
