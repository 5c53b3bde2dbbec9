"""Figure 4 of the push-pull paper for LeNets whose images are not normalised."""

from flexnet.figures.pushpull.fig4 import draw, summarise_rows

__all__ = ["NAME", "draw", "summarise_rows"]

NAME = "pushpull/fig4_raw"
