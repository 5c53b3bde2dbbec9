import pandas as pd
import pytest

from flexnet.errors import DataError
from flexnet.figures import fig3
from flexnet.figures.captions import band_sentence

THRESHOLDS = (0.0, 0.1, 0.5, 0.6, 1.0)
LABELS = {"low": "Trained at T = 0.1", "high": "Trained at T = 0.6"}
TRAINED = {
    name: {"options": {"layer": {"scheme": "uniform", "value": value}}}
    for name, value in (("low", 0.1), ("high", 0.5))
}


def rows_of(seeds=(1, 2, 3), series=("low", "high"), protocol="paper"):
    """Accuracy falls from the threshold of training; seeds lie one point apart; an attack costs 50 points."""
    return pd.DataFrame(
        [
            {
                "figure": "fig3",
                "protocol": protocol,
                "series": name,
                "model": name,
                "seed": seed,
                "threshold": threshold,
                "epsilon": epsilon,
                "draw": 0,
                "n": 10000,
                "correct": 0,
                "accuracy": 0.9 - 0.3 * abs(threshold - trained) + (seed - 2) / 100 - 5 * epsilon,
            }
            for name, trained in (("low", 0.1), ("high", 0.6))
            if name in series
            for seed in seeds
            for threshold in THRESHOLDS
            for epsilon in (0.0, 0.1)
        ]
    )


@pytest.fixture
def drawn(make_facts):
    def build(protocol="paper", evidence=True, **changes):
        table = fig3.summarise_rows(rows_of(protocol=protocol, **changes))
        facts = make_facts(labels=LABELS, protocol=protocol, evidence=evidence, figure="fig3", each=TRAINED)
        return fig3.draw(table, facts)

    return build


def artists(axes):
    return {line.get_gid(): line for line in axes.get_lines()}


def bars(axes, series):
    return [found for found in axes.collections if found.get_gid() == f"{series} band"]


def test_an_attack_is_no_part_of_the_table():
    table = fig3.summarise_rows(rows_of())
    assert len(table) == 2 * len(THRESHOLDS)
    assert table["mean"].max() == pytest.approx(0.9)
    assert set(table["n"]) == {3}
    assert fig3.summarise_rows(rows_of().query("epsilon == 0").drop(columns="epsilon")).equals(table)


def test_each_panel_shows_one_network(drawn):
    left, right = drawn().axes
    assert [axes.get_title(loc="left") for axes in (left, right)] == ["A", "B"]
    assert artists(left)["low"].get_ydata().tolist() == pytest.approx([87.0, 90.0, 78.0, 75.0, 63.0])
    assert artists(right)["high"].get_ydata().tolist() == pytest.approx([72.0, 75.0, 87.0, 90.0, 78.0])
    assert "high" not in artists(left)
    assert left.get_ylim() == right.get_ylim() == (0.0, 100.0)
    assert bars(left, "low")[0].get_segments()[0][:, 1].tolist() == pytest.approx(
        [86.4226, 87.5774], abs=1e-3
    )


def test_the_threshold_of_training_and_the_released_runs_are_marked(drawn):
    left, right = (artists(axes) for axes in drawn().axes)
    assert [set(panel["trained"].get_xdata()) for panel in (left, right)] == [{0.1}, {0.5}]
    assert list(left["released"].get_ydata()) == [86, 86, 86, 85, 84, 83, 80, 76, 68, 49, 20]
    assert list(right["released"].get_ydata()) == [81, 83, 84, 84, 85, 85, 86, 85, 83, 77, 64]
    assert list(left["released"].get_xdata()) == [place / 10 for place in range(11)]


def test_the_legend_names_everything_once(drawn):
    labels = [text.get_text() for text in drawn().legends[0].get_texts()]
    assert labels == [
        "Trained at T = 0.1",
        "Trained at T = 0.6",
        "threshold in training",
        "authors' released runs",
    ]


def test_a_demonstration_shows_no_released_runs(drawn):
    figure = drawn(evidence=False)
    assert not [axes for axes in figure.axes if "released" in artists(axes)]
    left, right = (set(artists(axes)) for axes in figure.axes)
    assert {"trained", "low"} <= left
    assert {"trained", "high"} <= right
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["Trained at T = 0.1", "Trained at T = 0.6", "threshold in training"]


def test_one_seed_has_no_bars(drawn, make_facts):
    axes = drawn(seeds=(2,)).axes[0]
    assert bars(axes, "low") == []
    assert artists(axes)["low"].get_ydata()[1] == pytest.approx(90.0)
    assert band_sentence(fig3.summarise_rows(rows_of()), make_facts()).startswith(
        "Bars: ± the standard error"
    )


def test_a_series_without_rows_leaves_the_released_runs(drawn):
    left, right = (artists(axes) for axes in drawn(series=("low",)).axes)
    assert set(left) >= {"low", "trained", "released", "chance"}
    assert set(right) == {"trained", "released", "chance"}


def test_panels_are_in_the_order_of_the_registry(make_facts):
    table = fig3.summarise_rows(rows_of())
    figure = fig3.draw(table, make_facts(labels=LABELS, series=("high", "low")))
    assert [set(artists(axes)) & set(LABELS) for axes in figure.axes] == [{"high"}, {"low"}]
    assert [set(artists(axes)["trained"].get_xdata()) for axes in figure.axes] == [{0.6}, {0.1}]


def test_a_series_that_the_paper_does_not_have_gets_a_panel_too(make_facts):
    mine = rows_of(series=("low",)).assign(series="mine", model="mine")
    table = fig3.summarise_rows(pd.concat([rows_of(), mine], ignore_index=True))
    figure = fig3.draw(table, make_facts(labels=LABELS))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["A", "B", "C"]
    assert {"trained", "released"} & set(artists(figure.axes[2])) == set()
    assert "mine" in artists(figure.axes[2])
    assert len({text.get_text() for text in figure.legends[0].get_texts()}) == 5
    assert figure.get_figwidth() * 25.4 == pytest.approx(120)  # a wider page than two panels need


def test_the_axis_reaches_every_threshold_and_is_from_0_to_1_where_these_do(make_facts):
    each = {"low": {"options": {"layer": {"scheme": "uniform", "value": -2.0}}}}
    for wide, trained, limits in (
        ({}, {}, (-0.04, 1.04)),
        ({0.0: -0.5, 1.0: 1.5}, {}, (-0.58, 1.58)),
        ({}, each, (-2.12, 1.12)),
    ):
        rows = rows_of().replace({"threshold": wide})
        figure = fig3.draw(fig3.summarise_rows(rows), make_facts(labels=LABELS, figure="fig3", each=trained))
        assert [axes.get_xlim() for axes in figure.axes] == [pytest.approx(limits)] * 2
    narrow = rows_of().query("0.1 <= threshold <= 0.6")
    facts = make_facts(labels=LABELS, evidence=False, runs=make_facts().runs)
    assert fig3.draw(fig3.summarise_rows(narrow), facts).axes[0].get_xlim() == pytest.approx((0.08, 0.62))
    released = fig3.draw(fig3.summarise_rows(narrow), make_facts(labels=LABELS))
    assert released.axes[0].get_xlim() == pytest.approx((-0.04, 1.04))


def test_no_rows_of_the_protocol(make_facts):
    with pytest.raises(DataError, match="rows of protocol 'release'"):
        fig3.draw(fig3.summarise_rows(rows_of()), make_facts(protocol="release"))
