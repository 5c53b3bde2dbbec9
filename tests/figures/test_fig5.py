"""Figure 5: what its panels hold, and another figure as a panel of it."""

import json
from pathlib import Path

import pandas as pd
import pytest

from flexnet import config as settings
from flexnet.corruptions.names import GROUPINGS, NAMES
from flexnet.errors import ConfigError
from flexnet.figures import fig5, fig5a, fig5b
from flexnet.study import drawing
from flexnet.study.configuration import Given, load_figures, load_scales
from flexnet.study.places import Places
from flexnet.study.study import Study
from flexnet.yaml_files import read_yaml

ROOT = Path(__file__).parents[2]
SERIES = {"baseline": 0.5, "flexible": 0.5, "all": 0.4, "schedule": 0.45}


def rows(figure="fig5"):
    """The all-layers network gains under corruptions with long names, whose images are wide."""
    found = []
    for series, level in SERIES.items():
        for seed in (1, 2, 3):
            for name, severity in [("none", 0), *((n, s) for n in NAMES for s in range(1, 6))]:
                gain = 0.01 * len(name) if series == "all" and severity else 0.0
                row = {"figure": figure, "protocol": "paper", "series": series, "model": series, "seed": seed}
                row |= {"corruption": name, "severity": severity, "n": 100, "correct": 0}
                row |= {f"{key}_fold": len(name) / 10 for key in ("fwhm", "fwhm_log", "centroid", "rms")}
                row["fwhm_log_edge"] = 0.6 if name in ("shot_noise", "fog", "snow") else 0.5
                found.append({**row, "accuracy": level + gain - 0.02 * severity + 0.001 * seed})
    return pd.DataFrame(found)


@pytest.fixture
def facts(make_facts):
    return make_facts(figure="fig5", series=list(SERIES), labels={name: name.upper() for name in SERIES})


def test_panels_of_a_are_categories_with_the_means_of_their_corruptions(facts):
    figure = fig5a.draw(fig5a.summarise_rows(rows()), facts)
    assert [axes.get_title() for axes in figure.axes] == ["Noise", "Blur", "Weather", "Digital", "Other"]
    (line,) = (line for line in figure.axes[0].get_lines() if line.get_gid() == "all")
    names = GROUPINGS["flexible-layer"]["noise"]
    gain = sum(map(len, names)) / len(names)
    assert list(line.get_xdata()) == [0, 1, 2, 3, 4, 5]
    expected = [40.2, *(40.2 + gain - 2 * severity for severity in range(1, 6))]
    assert list(line.get_ydata()) == pytest.approx(expected)


def test_a_category_of_which_some_corruptions_are_missing_says_so(facts):
    table = fig5a.summarise_rows(rows()[lambda frame: frame["corruption"] != "fog"])
    assert [axes.get_title() for axes in fig5a.draw(table, facts).axes][2] == "Weather (3 of 4)"


def test_points_of_b_are_corruptions_and_the_correlation_is_told(facts):
    table = fig5b.summarise_rows(rows())
    figure = fig5b.draw(table, facts)
    points = [line for line in figure.axes[0].get_lines() if line.get_gid() == "all"]
    assert sum(len(line.get_xdata()) for line in points) == 19
    filled = [line for line in points if line.get_markerfacecolor() != "none"]
    assert sum(len(line.get_xdata()) for line in filled) == 4  # noise types
    assert "r = 1.00" in figure.axes[0].texts[0].get_text()
    found = fig5b.correlations(table, "fwhm_log_fold")["all"]
    assert (found["all"].n, found["rest"].n) == (19, 15)
    assert "| ALL | fwhm_log | without noise types | 15 | 2 |" in fig5b.body(table, facts)
    assert "| ALL | centroid | without noise types | 15 | 0 |" in fig5b.body(table, facts)


def test_points_of_b_whose_width_is_a_bound_are_pale_where_it_is_one(facts):
    figure = fig5b.draw(fig5b.summarise_rows(rows()), facts)
    for axes, number in zip(figure.axes, (3, 0), strict=True):
        points = [line for line in axes.get_lines() if line.get_gid() == "all"]
        pale = [line for line in points if line.get_alpha() is not None]
        assert sum(len(line.get_xdata()) for line in pale) == number
        assert ("pale: 3 at the edge" in axes.texts[0].get_text()) == (number > 0)
        # The noise among them stays filled.
        assert sum(line.get_markerfacecolor() != "none" for line in pale) == (number > 0)


def test_another_figure_is_a_further_panel(facts, text_faults):
    table = fig5.summarise_rows(rows())
    alone = fig5.draw(table, facts)
    beside = fig5.draw_beside(table, facts, {"fig5b": (fig5b.summarise_rows(rows("fig5b")), facts)})
    assert len(beside.axes) == len(alone.axes) + 1 == 8
    letters = [axes.get_title(loc="left") for axes in beside.axes]
    assert [letter for letter in letters if letter] == ["A", "B", "C"]
    assert letters[-1] == "C"
    assert text_faults(alone) == []


def test_its_table_holds_the_tables_of_its_panels():
    table = fig5.summarise_rows(rows())
    first = fig5._own(table, "A")
    pd.testing.assert_frame_equal(
        first.reset_index(drop=True), fig5a.summarise_rows(rows()), check_dtype=False, check_like=True
    )


def study(tmp_path, **beside):
    places = Places(ROOT, tmp_path)
    scales = load_scales(places, read_yaml(ROOT / "workflow/schemas/config.schema.yaml"), Given())
    figures = load_figures(places, read_yaml(ROOT / "workflow/schemas/figures.schema.yaml"), scales)
    return Study(scales, settings.lay_over(figures, {"fig5": beside}), {}, tmp_path)


def test_rows_and_words_of_other_panels_are_those_of_their_own_figures(tmp_path):
    found = study(tmp_path, beside=["fig4d", "fig5b"])
    assert drawing.beside_rows(found, "demo/", "", "fig5") == [
        "demo/results/rows/paper/fig4d.csv",
        "demo/results/rows/paper/fig5b.csv",
    ]
    told = json.loads(drawing.figure_settings(found, "demo/", "", "fig5"))
    assert told["beside"]["fig4d"]["labels"] == found.figures["fig4d"]["labels"]
    # Under a protocol that does not ask a family, its panel is left out.
    assert drawing.figures_beside(found, "demo/", "release/", "fig5") == ["fig4d"]
    alone = json.loads(drawing.figure_settings(study(tmp_path), "demo/", "", "fig4d"))
    assert "beside" not in alone


@pytest.mark.parametrize("other", ["fig5", "fig9z"])
def test_a_panel_that_is_no_other_figure_is_refused(other, tmp_path):
    found = study(tmp_path)
    figures = settings.lay_over(dict(found.figures), {"fig5": {"beside": [other]}})
    with pytest.raises(ConfigError, match=r"fig5.beside.0: expected another figure"):
        settings.check_figures(figures, found.base)
