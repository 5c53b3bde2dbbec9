"""Table 2 of the push-pull paper for the weights that its authors published: nothing is trained."""

from flexnet.figures.pushpull.table2 import body, draw, summarise_rows

__all__ = ["NAME", "body", "draw", "summarise_rows"]

NAME = "pushpull/table2_published"
