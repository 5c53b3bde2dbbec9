"""Figure 5: what its panels hold, which are of two families."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from flexnet import config as settings
from flexnet.corruptions.names import GROUPINGS, NAMES
from flexnet.errors import DataError
from flexnet.figures import fig5, fig5_errors, fig5a, fig5b, fig5c
from flexnet.figures.captions import caption
from flexnet.figures.frost import SENTENCE
from flexnet.figures.pushpull import errors

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


def test_accuracies_of_b_are_those_of_severity_5(facts):
    table = fig5b.summarise_rows(rows())
    (fog,) = (row for _, row in table.iterrows() if (row["series"], row["corruption"]) == ("all", "fog"))
    # 40 %, 3 for the letters of its name, -2 for each severity and 0.1 for each seed, by 50 with the same.
    by_hand = [(0.43 - 0.1 + 0.001 * seed) / (0.5 - 0.1 + 0.001 * seed) for seed in (1, 2, 3)]
    assert fog["mean"] == pytest.approx(sum(by_hand) / 3)


@pytest.mark.parametrize(("protocol", "band"), [("paper", "sem"), ("corrected", "interval")])
def test_bars_of_b_are_those_of_the_protocol(make_facts, protocol, band):
    table = fig5b.summarise_rows(rows().assign(protocol=protocol))
    figure = fig5b.draw(table, make_facts(figure="fig5", protocol=protocol, series=list(SERIES)))
    bars = [bar for bar in figure.axes[0].collections if bar.get_gid() == "all band"]
    found = [bar.get_segments()[0][:, 1].tolist() for bar in bars]
    own = table[(table["series"] == "all") & table["sem"].notna()]  # none where all seeds have the same
    reach = own[["sem", "sem"]].to_numpy() * [-1, 1]
    ends = {"sem": own[["mean"]].to_numpy() + reach, "interval": own[["low", "high"]].to_numpy()}
    assert np.array(found) == pytest.approx(ends[band])
    assert len(found) == 16


def several():
    """Rows of both families as they are joined: the band-pass leaves less the higher its frequency."""
    bands = [
        {"figure": "fig5", "protocol": "paper", "series": series, "model": series, "seed": seed, "n": 100,
         "correct": 0, "family": "bandpass", "corruption": "none", "severity": 0, "filter": name,
         "frequency": frequency, "accuracy": level - 0.01 * frequency}
        for series, level in SERIES.items()
        for seed in (1, 2, 3)
        for name, frequency in (("none", 0.0), ("paper", 1.0), ("paper", 6.0), ("release", 1.0))
    ]  # fmt: skip
    corrupted = rows().assign(family="corruptions", filter="none", frequency=0.0)
    return pd.concat([corrupted, pd.DataFrame(bands)], ignore_index=True)


def test_two_families_are_panels_of_one_figure(facts, text_faults):
    figure = fig5.draw(fig5.summarise_rows(several()), facts)
    assert len(figure.axes) == 5 + 2 + 1
    letters = {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_title(loc="left")}
    assert list(letters) == ["A", "B", "C"]
    (line,) = (line for line in letters["C"].get_lines() if line.get_gid() == "all")
    assert list(line.get_ydata()) == pytest.approx([39.0, 34.0])  # the first filter alone
    assert text_faults(figure) == []


@pytest.mark.parametrize("named", [True, False])
def test_networks_of_b_differ_in_colour_those_of_ones_own_too(named, make_facts):
    """In panel B colour alone tells networks apart; "plain" alone has the colour of "schedule"."""
    names = [*SERIES, "plain", "plain-divisive", "mine"]
    own = [rows().query("series == 'all'").assign(series=name, model=name) for name in names[4:]]
    table = fig5b.summarise_rows(pd.concat([rows(), *own], ignore_index=True))
    facts = make_facts(figure="fig5", labels=dict.fromkeys(names, "x"), series=names if named else ())
    points = [line for line in fig5b.draw(table, facts).axes[0].get_lines() if line.get_gid() in names[1:]]
    colours = {line.get_gid(): line.get_markeredgecolor() for line in points}
    assert len(set(colours.values())) == len(colours) == 6


@pytest.mark.parametrize("module", [fig5, fig5c])
def test_levels_of_clean_images_differ_in_colour_those_of_ones_own_too(module, make_facts):
    names = [*SERIES, "plain", "mine"]  # which alone have the colours of "schedule" and "all"
    own = [several().query("series == 'all'").assign(series=name, model=name) for name in names[4:]]
    table = pd.concat([several(), *own], ignore_index=True)
    if module is fig5c:
        table = table.query("family == 'bandpass'").drop(columns=["family", "corruption", "severity"])
    facts = make_facts(figure="fig5", labels=dict.fromkeys(names, "x"), series=names)
    (*_, axes) = module.draw(module.summarise_rows(table), facts).axes
    levels = [line for line in axes.get_lines() if str(line.get_gid()).endswith("clean")]
    assert len({line.get_color() for line in levels}) == len(levels) == len(names)


def test_the_caption_names_the_networks_of_b_which_are_not_all():
    row = settings.read_yaml(ROOT / "config/figures.yaml")["fig5"]
    assert [row["labels"][name] for name in fig5.COMPARED] == [
        "All layers",
        "Baseline, schedule of All layers",
    ]
    words = " ".join(row["caption"].split())
    assert "B: accuracy of All layers, and of the baseline with its schedule, divided by" in words


def test_its_table_holds_the_tables_of_its_panels():
    table = fig5.summarise_rows(several())
    for panel, figure, alone in (
        ("A", fig5a, rows()),
        ("B", fig5b, rows()),
        ("C", fig5c, several()[lambda found: found["family"] == "bandpass"]),
    ):
        alone = alone.drop(columns=["family", "corruption", "severity"] if panel == "C" else [])
        alone = alone[[column for column in alone if alone[column].notna().any()]]
        pd.testing.assert_frame_equal(
            fig5._own(table, panel).reset_index(drop=True), figure.summarise_rows(alone),
            check_dtype=False, check_like=True,
        )  # fmt: skip


def test_rows_without_one_of_the_families_are_refused():
    with pytest.raises(DataError, match="expected rows of the family 'bandpass'; got none"):
        fig5.summarise_rows(rows().assign(family="corruptions"))


@pytest.mark.parametrize(("label", "words"), [("frost_synthetic", SENTENCE), ("frost", ""), (None, "")])
def test_captions_tell_whose_frost_it_is_from_the_rows(label, words, make_facts):
    """A corrupted set that somebody has may hold the original."""
    table = rows("fig5a")
    table = table[table["corruption"] != "fog" if label else ~table["corruption"].isin(["fog", "frost"])]
    table = table.replace({"corruption": {"frost": label}}) if label else table
    for module in (fig5a, fig5_errors, errors):
        summarise_rows = getattr(module, "summarise_rows", None) or module.summarise_errors
        assert caption("{frost}", summarise_rows(table), make_facts()) == words


def test_a_table_of_errors_names_the_severities_that_were_asked(make_facts):
    """An mCE takes all five; of three, errors are means and ratios are not defined."""
    facts = make_facts(figure="fig5_errors", series=list(SERIES))
    some = rows("fig5_errors").query("severity in [0, 1, 3, 5]")
    for part, words in (
        (rows("fig5_errors"), "means over five severities"),
        (some, "means over severities 1, 3, 5 "),
    ):
        table = fig5_errors.summarise_rows(part)
        text = " ".join(
            each.get_text().replace("\n", " ") for each in fig5_errors.draw(table, facts).findobj(Text)
        )
        assert words in text
        assert ("for it takes all five" in text) == (part is some)
        means = table[(table["series"] == "baseline") & (table["measure"] == "mean error")]
        assert means["mean"].tolist() == pytest.approx([0.5 + 0.02 * 3 - 0.002])
        ratios = table[table["measure"] == "mCE"]["mean"]
        assert ratios.isna().all() == (part is some)
