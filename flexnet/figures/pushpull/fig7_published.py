"""Figure 7 of the push-pull paper for the weights that its authors published: nothing is trained."""

from flexnet.figures.pushpull.fig7 import draw, summarise_rows

__all__ = ["NAME", "draw", "summarise_rows"]

NAME = "pushpull/fig7_published"
