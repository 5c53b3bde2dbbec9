"""How the verdicts on claims look: a colour and a marker for each word, the same in every place."""

from typing import Final

from flexnet.figures.look import FAINT
from flexnet.figures.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION

# The last word is one that only a summary of several comparisons has.
COLOURS: Final = {
    "reproduced": GREEN,
    "partly": BLUE,
    "undecided": GREY,
    "contradicted": VERMILLION,
    "at chance": PURPLE,
    "not measured": FAINT,
    "no evidence": GREY,
    "mixed": ORANGE,
}
MARKERS: Final = {
    "reproduced": "o",
    "partly": "s",
    "undecided": "D",
    "contradicted": "X",
    "at chance": "v",
    "not measured": "_",
    "no evidence": "o",
    "mixed": "P",
}
# Those that a legend explains; a scale that is no evidence has no verdicts.
EXPLAINED: Final = tuple(word for word in COLOURS if word != "no evidence")
