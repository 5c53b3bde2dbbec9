"""Figure 4C's networks with ten times the steps: accuracies, losses, and when they leave chance."""

from flexnet.figures.fig4c_start import body, draw, summarise_rows

__all__ = ["NAME", "body", "draw", "summarise_rows"]

NAME = "fig4c_long"
