"""Figure 6 with networks of colour photographs: grey drawings stand in all three of their channels."""

from flexnet.figures.fig6 import body, draw, summarise_rows

__all__ = ["NAME", "body", "draw", "summarise_rows"]

NAME = "fig6_colour"
