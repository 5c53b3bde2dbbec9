from itertools import pairwise

import pytest
from matplotlib.colors import to_rgb

from flexnet.figures.palette import BLUE, GREEN, ORANGE, STYLES, style_of

MAIN = ("baseline", "flexible", "random")


def lightness(colour):
    """CIE L* of an sRGB colour: what a grey print shows."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    luminance = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return 116 * luminance ** (1 / 3) - 16


def test_main_series_have_the_papers_colours():
    assert [style_of(name).colour for name in MAIN] == [BLUE, ORANGE, GREEN]


def test_no_two_series_look_alike():
    for looks in (
        [(style.colour, style.line) for style in STYLES.values()],
        [(style.colour, style.marker) for style in STYLES.values()],
    ):
        assert len(set(looks)) == len(looks)


@pytest.mark.parametrize(
    "shown",
    [
        ("baseline", "flexible", "random", "frozen", "redrawn", "above", "max", "blend", "all"),
        ("baseline", "flexible", "conv", "above", "c1", "c1-above"),
        ("low", "high"),
    ],
)
def test_series_of_one_figure_differ_in_grey(shown):
    markers = [style_of(series).marker for series in shown]
    assert len(set(markers)) == len(markers)


def test_main_series_differ_in_grey():
    values = sorted(lightness(style_of(name).colour) for name in MAIN)
    assert min(second - first for first, second in pairwise(values)) > 10


def test_an_unnamed_series_keeps_its_style():
    assert style_of("my own") == style_of("my own")
    assert style_of("my own") not in STYLES.values()
