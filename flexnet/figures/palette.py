"""One colour, marker and line per series, the same in every figure; a user's own series step aside in some.

Colours are Okabe and Ito's, safe for colour-blind readers. Lines and markers differ too, so that a grey
print stays readable; the three main series also differ in lightness (40, 72 and 57 %).
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, TypeAlias

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, BLACK, GREY = "#CC79A7", "#56B4E9", "#000000", "#6E6E6E"

Dash: TypeAlias = str | tuple[float, tuple[float, ...]]
SOLID, DASHED, DOTTED, DASH_DOT = "-", (0.0, (5.0, 1.6)), (0.0, (1.2, 1.2)), (0.0, (6.0, 1.5, 1.2, 1.5))


@dataclass(frozen=True)
class SeriesStyle:
    """How one series is drawn."""

    colour: str
    marker: str
    line: Dash

    def is_like(self, other: "SeriesStyle") -> bool:
        """Whether the lines or the markers of both look the same."""
        return self.colour == other.colour and (self.line == other.line or self.marker == other.marker)


STYLES: Final = {
    "baseline": SeriesStyle(BLUE, "o", SOLID),
    "flexible": SeriesStyle(ORANGE, "s", DASHED),
    "random": SeriesStyle(GREEN, "^", DASH_DOT),
    "above": SeriesStyle(VERMILLION, "D", SOLID),
    "frozen": SeriesStyle(PURPLE, "v", DASHED),
    "redrawn": SeriesStyle(SKY, "P", DASH_DOT),
    "uniform": SeriesStyle(VERMILLION, "X", DOTTED),
    "max": SeriesStyle(BLACK, "<", DOTTED),
    "blend": SeriesStyle(GREY, ">", DASHED),
    "all": SeriesStyle(PURPLE, "h", SOLID),
    "schedule": SeriesStyle(SKY, "D", DASHED),
    "pooled-max": SeriesStyle(BLACK, "d", DASHED),
    "pooled-avg": SeriesStyle(GREY, "p", DASH_DOT),
    "push-pull": SeriesStyle(VERMILLION, "*", DASH_DOT),
    "both": SeriesStyle(ORANGE, "X", DOTTED),
    "lowpass": SeriesStyle(GREY, "D", SOLID),
    "conv": SeriesStyle(GREEN, ">", SOLID),
    "c1": SeriesStyle(SKY, "v", SOLID),
    "c1-above": SeriesStyle(PURPLE, "p", DASH_DOT),
    "low": SeriesStyle(BLUE, "h", DASHED),
    "high": SeriesStyle(VERMILLION, "s", DASHED),
}
# Of series that have no style above: their name says which.
_SPARE: Final = (
    SeriesStyle(SKY, "8", SOLID),
    SeriesStyle(GREY, "H", DOTTED),
    SeriesStyle(PURPLE, "d", DOTTED),
    SeriesStyle(BLACK, "p", DASH_DOT),
    SeriesStyle(SKY, "v", DOTTED),
)
# Where another series of the figure looks like that: the next of these that none looks like.
_COLOURS: Final = (GREEN, BLACK, VERMILLION, ORANGE, SKY, PURPLE, GREY, BLUE)
_SHAPES: Final[tuple[tuple[str, Dash], ...]] = (("8", DOTTED), ("H", DASH_DOT), ("P", DASHED), ("d", SOLID))
_FURTHER: Final = tuple(SeriesStyle(colour, *shape) for shape, colour in product(_SHAPES, _COLOURS))


def styles_of(series: Sequence[str], *, by_colour: bool = False) -> dict[str, SeriesStyle]:
    """The styles of the series of one figure: those that the palette names have theirs, others spare ones.

    A spare style is the one that the name stands for. Where a series before it, or one with a style of its
    own, looks like that, it is the next that none looks like, of a colour that none has as long as there is
    one. Of more series than there are styles, the last differ in their markers alone.

    Args:
        series: of the figure, in its order, each once.
        by_colour: whether colour alone tells series apart somewhere in the figure: then colours come first.
    """
    styles = {name: STYLES[name] for name in series if name in STYLES}
    for name in series:
        if name not in styles:
            styles[name] = _free(_choices(name), styles.values(), by_colour)
    return styles


def style_of(series: str) -> SeriesStyle:
    """The style of a series that stands alone: it never changes."""
    return styles_of([series])[series]


def _choices(name: str) -> Sequence[SeriesStyle]:
    """The spare styles in the order in which a name takes them."""
    digest = hashlib.blake2b(name.encode(), digest_size=4).digest()
    place = int.from_bytes(digest, "little") % len(_SPARE)
    return (*_SPARE[place:], *_SPARE[:place], *_FURTHER)


def _free(choices: Sequence[SeriesStyle], taken: Collection[SeriesStyle], by_colour: bool) -> SeriesStyle:
    """The best of the choices that look like none of those taken."""
    free = [each for each in choices if not any(map(each.is_like, taken))]
    if choices[0] in free and not by_colour:
        return choices[0]
    colours = {each.colour for each in taken}
    alone = [each for each in free if each.colour not in colours]
    numbered = replace(choices[0], marker=f"${len(taken)}$")
    return [*alone, *free, numbered][0]
