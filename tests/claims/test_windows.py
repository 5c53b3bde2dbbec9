"""Ranges of conditions: how far series are apart, what a range has more than the others, other columns."""

import math

import pandas as pd
import pytest

from flexnet.claims.catalogue import load_claims
from flexnet.claims.differences import folded
from flexnet.claims.kinds import AtChance, NotMeasured
from flexnet.claims.model import Comparison, Rule, Window
from flexnet.claims.rules import measure
from flexnet.errors import ConfigError

PAIR = Comparison("all", ("baseline",))
BAND = Window(at_least=5, up_to=20)
T_1 = 12.7062047


def rule(kind, over="frequency", chance=0.1, **changes):
    return Rule(kind, over, (PAIR,), "greater", "", chance=chance, **changes)


@pytest.fixture
def filtered(make_rows):
    """The band has 40 and 44 points of all layers and 20 of the baseline; outside 10, 12 and 10."""
    rows = make_rows(
        {
            "all": {
                1: {1.0: 0.1, 6.0: 0.5, 16.0: 0.5, 21.0: 0.1},
                2: {1.0: 0.12, 6.0: 0.6, 16.0: 0.52, 21.0: 0.12},
            },
            "baseline": {n: {1.0: 0.1, 6.0: 0.3, 16.0: 0.3, 21.0: 0.1} for n in (1, 2)},
        },
        figure="fig5c",
        over="frequency",
    )
    return rows.assign(filter="paper")


AT = {"where": {"filter": "paper"}}


def test_a_window_is_set_against_all_others_and_against_the_other_network(filtered):
    alone = measure(filtered, rule("window_contrast", **AT), Comparison("all"), BAND)
    assert (alone.effect, alone.n) == (pytest.approx((40 + 44) / 2), 2)
    both = measure(filtered, rule("window_contrast", **AT), PAIR, BAND)
    assert both.effect == pytest.approx((20 + 24) / 2)
    assert (both.low, both.high) == pytest.approx((22 - 2 * T_1, 22 + 2 * T_1), abs=1e-4)
    assert "mean over 2 values of frequency from 6 to 16 - mean over 2 others" in both.detail


@pytest.mark.parametrize("against", [("baseline", "flat"), ("flat", "baseline")])
def test_of_several_other_networks_the_one_with_the_greatest_contrast_counts(filtered, against):
    # The flat one has nothing more within the band; against it all layers would have all their 42 points.
    flat = filtered[filtered["series"] == "baseline"].assign(series="flat", model="flat", accuracy=0.3)
    rows = pd.concat([filtered, flat])
    found = measure(rows, rule("window_contrast", **AT), Comparison("all", against), BAND)
    assert found.effect == pytest.approx((20 + 24) / 2)


def test_outside_of_the_window_nobody_need_rise_above_chance(filtered):
    # At 1 and 21 everything is at chance: that is what "drops" means.
    assert measure(filtered, rule("window_contrast", **AT), PAIR, BAND).effect > 20
    flat = filtered.assign(accuracy=0.1)
    with pytest.raises(AtChance):
        measure(flat, rule("window_contrast", **AT), PAIR, BAND)


@pytest.mark.parametrize("window", [Window(), Window(above=100)])
def test_a_window_that_holds_everything_or_nothing_is_no_contrast(filtered, window):
    with pytest.raises(NotMeasured, match="no frequency both"):
        measure(filtered, rule("window_contrast", **AT), PAIR, window)


def test_a_distance_is_the_same_whoever_is_ahead(filtered):
    ahead = measure(filtered, rule("mean_distance", **AT), PAIR, BAND)
    behind = measure(filtered, rule("mean_distance", **AT), Comparison("baseline", ("all",)), BAND)
    assert ahead.effect == behind.effect == pytest.approx((20 + 30) / 2)
    assert (ahead.low, ahead.high) == pytest.approx((behind.low, behind.high))
    assert ahead.low == 0.0  # the interval of the difference holds 0
    assert ahead.by_seed == pytest.approx((20, 30))
    assert behind.by_seed == pytest.approx(ahead.by_seed)
    assert ahead.detail == "all - baseline, frequency 6, the farthest apart of 2 from 6 to 16: 25.0"


def test_differences_of_both_signs_do_not_cancel_in_a_distance(filtered):
    """31 points ahead at one frequency and 20 behind at another are not 5.5 points apart."""
    gains = {(6.0, 1): 0.30, (6.0, 2): 0.32, (16.0, 1): -0.21, (16.0, 2): -0.19}
    both = filtered.copy()
    for (frequency, seed), gain in gains.items():
        own = (both["series"] == "all") & (both["frequency"] == frequency) & (both["seed"] == seed)
        both.loc[own, "accuracy"] = 0.3 + gain
    for pair in (PAIR, Comparison("baseline", ("all",))):
        found = measure(both, rule("mean_distance", **AT), pair, BAND)
        assert (found.effect, found.n) == (pytest.approx(31), 2)
        assert (found.low, found.high) == pytest.approx((31 - T_1, 31 + T_1), abs=1e-4)


@pytest.mark.parametrize(
    ("ends", "found"), [((-3, 1), (0, 3)), ((2, 5), (2, 5)), ((-5, -2), (2, 5)), ((0, 4), (0, 4))]
)
def test_an_interval_is_folded_at_zero(ends, found):
    assert folded(*ends) == found
    assert all(map(math.isnan, folded(math.nan, 1.0)))


def test_a_comparison_has_conditions_of_its_own(make_rows):
    levels = {"contours": (0.3, 0.2), "silhouettes": (0.3, 0.5)}
    parts = [
        make_rows(
            {"all": {1: {0: mine}}, "baseline": {1: {0: other}}}, figure="fig6", over="inverted"
        ).assign(images=images)
        for images, (mine, other) in levels.items()
    ]
    rows = pd.concat(parts)
    for images, effect in (("contours", 10.0), ("silhouettes", -20.0)):
        own = Comparison("all", ("baseline",), where={"images": images})
        assert measure(rows, rule("mean_difference", "inverted"), own, Window()).effect == pytest.approx(
            effect
        )
        assert own.text == f"all - baseline, images {images}"
    missing = Comparison("all", ("baseline",), where={"images": "photographs"})
    with pytest.raises(NotMeasured):
        measure(rows, rule("mean_difference", "inverted"), missing, Window())


def test_a_measure_stands_in_the_place_of_the_accuracy(make_rows):
    rows = make_rows(
        {"all": {1: {4: 0.5}, 2: {4: 0.5}}, "baseline": {1: {4: 0.5}, 2: {4: 0.5}}},
        figure="figS1",
        over="layer",
    )
    rows["correlation"] = rows["series"].map({"all": 0.7, "baseline": 0.1}) + rows["seed"] / 100
    own = Comparison("all", ("baseline",), measure="correlation")
    judged = rule("mean_difference", "layer", chance=None)
    found = measure(rows, judged, own, Window())
    assert found.effect == pytest.approx(60.0)
    assert own.text == "all - baseline, correlation"
    with pytest.raises(NotMeasured):
        measure(
            rows.drop(columns="correlation"), rule("mean_difference", "layer", chance=None), own, Window()
        )


def test_unknown_measures_and_conditions_are_refused(tmp_path):
    text = """
paper: p
claims:
  - id: P1
    title: t
    statement: s
    unit: points
    source: x
    figure: f
    rule: {kind: mean_difference, over: layer, direction: less, size: 2, reason: r,
           compare: [{series: a, against: [b], %s}]}
"""
    for added, message in (("measure: corelation", "a measure"), ("where: {layers: 2}", "a condition")):
        path = tmp_path / "p.yaml"
        path.write_text(text % added)
        with pytest.raises(ConfigError, match=message):
            load_claims(path)
