from itertools import combinations, pairwise

import pytest
from matplotlib.colors import to_rgb

from flexnet.figures.palette import BLUE, GREEN, ORANGE, STYLES, style_of, styles_of

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


OWN = (
    "plain",
    "plain-divisive",
    "blurpool",
    "softmax",
    "mine",
    "gelu",
)  # the first four have one spare style


def alike(styles):
    """Pairs of series of which a reader could take one for the other."""
    return [
        (one, other)
        for one, other in combinations(styles, 2)
        if styles[one].colour == styles[other].colour
        and (styles[one].line == styles[other].line or styles[one].marker == styles[other].marker)
    ]


@pytest.mark.parametrize("by_colour", [False, True])
@pytest.mark.parametrize("named", [(), ("baseline", "flexible", "c1"), ("baseline", "all", "max", "blend")])
def test_own_series_of_one_figure_look_like_no_other(named, by_colour):
    assert len({style_of(name) for name in OWN[:4]}) == 1
    styles = styles_of([*OWN, *named], by_colour=by_colour)
    assert alike(styles) == []
    assert {name: styles[name] for name in named} == {name: STYLES[name] for name in named}
    if not by_colour and "c1" not in named:  # which has its colour and marker
        assert styles["plain"] == style_of("plain")  # the first one keeps what it has alone


def test_where_colour_alone_tells_series_apart_no_two_share_one_as_long_as_there_are_some():
    for own, colours in ((OWN[:4], 8), (OWN, 8)):
        styles = styles_of(["baseline", "flexible", "all", "schedule", *own], by_colour=True)
        assert len({style.colour for style in styles.values()}) == colours
    assert styles_of(["schedule", "plain"])["plain"].colour == STYLES["schedule"].colour  # elsewhere it stays


def test_any_number_of_own_series_differ_at_least_in_their_markers():
    styles = styles_of([f"mine {number}" for number in range(60)])
    assert len({(style.colour, style.marker) for style in styles.values()}) == 60


def test_an_unnamed_series_keeps_its_style():
    assert style_of("my own") == style_of("my own")
    assert style_of("my own") not in STYLES.values()
