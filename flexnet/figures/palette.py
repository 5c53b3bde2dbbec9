"""One colour, marker and line per series, the same in every figure.

Colours are Okabe and Ito's, safe for colour-blind readers. Lines and markers differ too, so that a grey
print stays readable; the three main series also differ in lightness (40, 72 and 57 %).
"""

import hashlib
from dataclasses import dataclass
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
    "conv": SeriesStyle(GREEN, ">", SOLID),
    "c1": SeriesStyle(SKY, "v", SOLID),
    "c1-above": SeriesStyle(PURPLE, "p", DASH_DOT),
    "low": SeriesStyle(BLUE, "h", DASHED),
    "high": SeriesStyle(VERMILLION, "s", DASHED),
}
_SPARE: Final = (
    SeriesStyle(SKY, "8", SOLID),
    SeriesStyle(GREY, "H", DOTTED),
    SeriesStyle(PURPLE, "d", DOTTED),
    SeriesStyle(BLACK, "p", DASH_DOT),
    SeriesStyle(SKY, "v", DOTTED),
)


def style_of(series: str) -> SeriesStyle:
    """The style of a series; one that the palette does not name gets a spare one that never changes."""
    if series in STYLES:
        return STYLES[series]
    digest = hashlib.blake2b(series.encode(), digest_size=4).digest()
    return _SPARE[int.from_bytes(digest, "little") % len(_SPARE)]
