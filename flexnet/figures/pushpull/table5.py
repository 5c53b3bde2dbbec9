"""Table 5 of the push-pull paper: inhibition strength that is fixed, and that is learned."""

from typing import Final

from flexnet.corruptions.names import CLEAN
from flexnet.figures.pushpull.errors import MEAN, summarise_errors
from flexnet.figures.pushpull.table3 import HEADS, sheet
from flexnet.figures.typeset import setters

NAME = "pushpull/table5"
ABOUT: Final = (
    "Error under corruptions: mean over corruptions and severities. Learned: the inhibition strength of each"
    " kernel is trained with the weights."
)
_HEADS: Final = {key: HEADS[key] for key in (CLEAN, MEAN)}

summarise_rows = summarise_errors
draw, body = setters(lambda table, facts: sheet(table, facts, _HEADS, "table5", ABOUT))
