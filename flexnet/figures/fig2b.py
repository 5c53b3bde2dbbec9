"""Figure 2B: where the Flexible Layer sits in the small network."""

from flexnet.figures.fig2 import draw, read, summarise_rows

__all__ = ["NAME", "draw", "read", "summarise_rows"]

NAME = "fig2b"
