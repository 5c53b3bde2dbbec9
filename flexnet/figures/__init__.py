"""One module per figure: rows -> tidy table -> matplotlib figure. Drawing needs the table and the facts of its runs."""

from flexnet.figures.captions import caption
from flexnet.figures.facts import Facts
from flexnet.figures.registry import load, names
from flexnet.figures.save import save

__all__ = ["Facts", "caption", "load", "names", "save"]
