"""Figures 5C, 6 and S1 and the heat maps: what they draw is what the rows hold."""

import numpy as np
import pandas as pd
import pytest
import torch

from flexnet.errors import DataError
from flexnet.evaluation.maps import pictures
from flexnet.figures import fig5c, fig6, figS1, fourier_heatmap
from flexnet.figures.pictures import read_pictures

SERIES = ("baseline", "all")


def drawings(accuracy, seeds=2, gained=0, lost=0):
    """Rows of two networks: `accuracy` by series and images, the same for all seeds but a hundredth."""
    rows = [
        {"series": name, "seed": seed, "images": images, "inverted": inverted, "n": 100}
        | {"accuracy": level + seed / 100, "title": f"the {images}", "digest": "d"}
        | {"gained": 0 if name == "baseline" else gained, "lost": 0 if name == "baseline" else lost}
        for (name, images), level in accuracy.items()
        for inverted in ((0,) if images == "own" else (0, 1))
        for seed in range(1, seeds + 1)
    ]
    return pd.DataFrame(rows).assign(figure="fig6", protocol="paper", model=lambda found: found["series"])


LEVELS = {
    **{
        ("baseline", images): level
        for images, level in (("own", 0.59), ("contours", 0.2), ("silhouettes", 0.3))
    },
    **{("all", images): level for images, level in (("own", 0.49), ("contours", 0.29), ("silhouettes", 0.1))},
}


@pytest.fixture
def facts(make_facts):
    return make_facts(labels={"baseline": "Baseline", "all": "All layers"}, series=SERIES)


def test_bars_are_as_high_as_the_means_and_stand_where_they_belong(facts):
    figure = fig6.draw(fig6.summarise_rows(drawings(LEVELS)), facts)
    contours, silhouettes = figure.axes[:2]
    assert [round(bar.get_height(), 1) for bar in contours.patches] == [21.5, 21.5, 30.5, 30.5]
    assert [round(bar.get_height(), 1) for bar in silhouettes.patches] == [31.5, 31.5, 11.5, 11.5]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in contours.patches]
    assert middles[0] < 0 < middles[2] < middles[1] < 1 < middles[3]


@pytest.mark.parametrize(("gained", "lost", "shown"), [(30, 5, True), (12, 10, False), (0, 0, False)])
def test_only_networks_that_are_told_apart_have_a_mark(facts, gained, lost, shown):
    figure = fig6.draw(fig6.summarise_rows(drawings(LEVELS, gained=gained, lost=lost)), facts)
    marks = [text.get_text() for axes in figure.axes[:2] for text in axes.texts]
    assert marks.count("2/2") == (4 if shown else 0)
    assert ("McNemar" in " ".join(text.get_text() for text in figure.texts)) is True


def test_only_seeds_that_were_tested_are_counted(facts):
    """The baseline has two seeds, the other network four."""
    rows = drawings(LEVELS, seeds=4, gained=30, lost=5)
    alone = (rows["series"] == "all") & (rows["seed"] > 2)
    rows[["gained", "lost"]] = rows[["gained", "lost"]].astype(float)
    rows.loc[alone, ["gained", "lost"]] = np.nan
    rows = rows[(rows["series"] != "baseline") | (rows["seed"] <= 2)]
    figure = fig6.draw(fig6.summarise_rows(rows), facts)
    words = [text.get_text() for axes in figure.axes[:2] for text in axes.texts]
    assert {word for word in words if "/" in word} == {"2/2"}


@pytest.mark.parametrize(
    ("kinds", "inverted", "letters", "words"),
    [
        (("contours", "line_drawings", "silhouettes"), (0, 1), "ABCD", "raised for the six sets by Holm's"),
        (("contours", "silhouettes"), (0, 1), "ACD", "raised for the four sets by Holm's"),
        (("line_drawings",), (0, 1), "BD", "raised for the two sets by Holm's"),
        (("line_drawings",), (0,), "BD", "(p < 0.05)."),
    ],
)
def test_what_is_there_is_shown_and_counted(facts, text_faults, kinds, inverted, letters, words):
    levels = {(name, images): 0.3 for name in SERIES for images in ("own", *kinds)}
    rows = drawings(levels, gained=9, lost=1)[lambda found: found["inverted"].isin(inverted)]
    figure = fig6.draw(fig6.summarise_rows(rows), facts)
    assert "".join(axes.get_title(loc="left") for axes in figure.axes) == letters
    note = " ".join(text.get_text() for text in reversed(figure.texts))  # written from its last line up
    assert words in note
    assert ("and their negatives" in note) == (1 in inverted)
    assert text_faults(figure) == []


def test_bars_of_ones_own_networks_have_colours_of_their_own(make_facts):
    names = [*SERIES, "plain", "plain-divisive", "mine"]
    rows = drawings({(name, "contours"): 0.3 for name in names})
    facts = make_facts(labels=dict.fromkeys(names, "x"), series=names)
    bars = fig6.draw(fig6.summarise_rows(rows), facts).axes[0].patches
    assert len({bar.get_edgecolor() for bar in bars}) == len(names)


def test_rows_without_pairs_have_no_tests_and_no_words_of_them(facts):
    rows = drawings(LEVELS).drop(columns=["gained", "lost"])
    figure = fig6.draw(fig6.summarise_rows(rows), facts)
    assert "McNemar" not in " ".join(text.get_text() for text in figure.texts)


def test_what_is_kept_is_counted_above_chance(facts):
    text = fig6.body(fig6.summarise_rows(drawings(LEVELS, seeds=1)), facts)
    line = next(line for line in text.splitlines() if line.startswith("| All layers | the contours"))
    # 30 of 50 per cent, of which 10 are chance: 20 of 40.
    assert line.endswith("| 50 |")
    assert "+9.0" in line
    own = next(line for line in text.splitlines() if line.startswith("| All layers | own test images"))
    assert own.endswith("| – |")


@pytest.mark.parametrize(("own", "kept"), [(0.13, "–"), (0.14, "–"), (0.17, "112")])
def test_of_a_network_that_guesses_nothing_is_kept(facts, own, kept):
    """Of 100 images of ten classes 16 right ones may be luck in one of two seeds, and 18 are none."""
    rows = drawings(LEVELS | {("all", "own"): own, ("all", "contours"): 0.18})
    text = fig6.body(fig6.summarise_rows(rows), facts)
    line = next(line for line in text.splitlines() if line.startswith("| All layers | the contours"))
    assert line.endswith(f"| {kept} |")
    other = next(line for line in text.splitlines() if line.startswith("| Baseline | the contours"))
    assert other.endswith("| 23 |")


def test_of_a_network_one_of_whose_seeds_guesses_nothing_is_kept(facts):
    """Of 100 images of ten classes 13 right ones are luck, whatever the other seed does."""
    rows = drawings(LEVELS)
    for seed, level in ((1, 0.13), (2, 0.30)):
        own = (rows["series"] == "all") & (rows["images"] == "own") & (rows["seed"] == seed)
        rows.loc[own, "accuracy"] = level
    text = fig6.body(fig6.summarise_rows(rows), facts)
    line = next(line for line in text.splitlines() if line.startswith("| All layers | the contours"))
    assert line.endswith("| – |")


def test_the_example_is_no_image_of_the_drawings(facts):
    figure = fig6.draw(fig6.summarise_rows(drawings(LEVELS)), facts)
    shown = [axes.images[0].get_array() for axes in figure.axes[2:]]
    assert len(shown) == 5  # the object, and both drawings of either kind
    for plain, inverted in zip(shown[1::2], shown[2::2], strict=True):
        assert np.allclose(np.asarray(plain) + np.asarray(inverted), 1.0)
    note = " ".join(text.get_text() for text in reversed(figure.texts))  # written from its last line up
    assert "D: not of these" in note


def test_pictures_are_read_as_they_were_written():
    values = torch.tensor([[[0.0, 1, 2], [3, 7, 15]], [[0.0, 0, 0], [0, 0, 1]]]).double()
    first, second = read_pictures(pictures(values, 2))
    assert np.allclose(first, values[0] / 15)
    assert np.allclose(second, values[1])
    for text in ("2x2:0f0", "2:0f", "2x2:0f0g", ""):
        with pytest.raises(DataError, match="expected a picture"):
            read_pictures(text)


def test_a_wave_stands_at_its_mirror_image_and_nowhere_else():
    noisy = pd.DataFrame({"vertical": [0, 0, 2, 2, 2], "horizontal": [0, 2, -2, 0, 2]})
    noisy["mean"] = [0.1, 0.2, 0.3, 0.4, 0.5]
    frequencies, grid = fourier_heatmap.whole_plane(noisy)
    assert frequencies == [-2, 0, 2]
    assert grid.tolist() == [[0.5, 0.4, 0.3], [0.2, 0.1, 0.2], [0.3, 0.4, 0.5]]


def test_levels_of_clean_images_stand_at_the_right_edge(facts):
    rows = pd.DataFrame(
        [
            {"series": name, "model": name, "seed": 1, "filter": kind, "frequency": frequency, "n": 100}
            | {"accuracy": level}
            for name, clean in (("baseline", 0.9), ("all", 0.8))
            for kind, frequency, level in (("none", 0.0, clean), ("paper", 1.0, 0.4), ("release", 1.0, 0.2))
        ]
    ).assign(figure="fig5c", protocol="paper")
    figure = fig5c.draw(fig5c.summarise_rows(rows), facts)
    for axes in figure.axes:
        clean = {line.get_gid(): line for line in axes.get_lines() if str(line.get_gid()).endswith("clean")}
        assert {name: line.get_ydata()[0] for name, line in clean.items()} == {
            "baseline clean": 90.0,
            "all clean": 80.0,
        }
        assert min(line.get_xdata()[0] for line in clean.values()) > 1.0
    assert [axes.get_title() for axes in figure.axes] == [fig5c.TITLES["paper"], fig5c.TITLES["release"]]


def test_maps_stand_under_their_layer_with_their_numbers(facts):
    rows = pd.DataFrame(
        [
            {"series": name, "model": name, "seed": seed, "layer": layer, "n": 20, "accuracy": 0.5}
            | {"correlation": alike + seed / 100, "sameness": 0.1 * layer, "picture": f"1x2:{seed}f"}
            for name, alike in (("baseline", 0.0), ("all", 0.5))
            for layer in (0, 2, 4)
            for seed in (1, 2)
        ]
    ).assign(figure="figS1", protocol="paper")
    figure = figS1.draw(figS1.summarise_rows(rows), facts)
    words = [axes.get_xlabel() for axes in figure.axes]
    assert words[1] == "alike over images: 0.01\nflat: 0.20"
    assert words[5] == "alike over images: 0.52\nflat: 0.40"
    # The picture is that of the first seed.
    assert float(figure.axes[0].images[0].get_array()[0, 0]) == pytest.approx(1 / 15)
    letters = [axes.get_title(loc="left") for axes in figure.axes]
    assert letters == ["", "A", "B", "", "C", "D"]
