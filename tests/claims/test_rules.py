import math

import pandas as pd
import pytest

from flexnet.claims.differences import compared, crossing, differences
from flexnet.claims.kinds import NotMeasured, rule_kind
from flexnet.claims.model import Comparison, Rule, Window
from flexnet.claims.rules import measure
from flexnet.errors import ConfigError

PAIR = Comparison("flexible", ("baseline",))
BEST = Comparison("random", ("baseline", "flexible"))
EVERYTHING = Window()


def rule(kind, over="epsilon", universal=False, direction="greater"):
    return Rule(kind, over, (PAIR,), direction, "", universal=universal)


def difference_grid(rows, comparison, over):
    return differences(compared(rows, rule("mean_difference", over), comparison, EVERYTHING))


@pytest.fixture
def attacked(make_rows):
    return make_rows(
        {
            "baseline": {1: {0.0: 0.90, 0.2: 0.40, 0.4: 0.20}, 2: {0.0: 0.92, 0.2: 0.42, 0.4: 0.20}},
            "flexible": {1: {0.0: 0.88, 0.2: 0.41, 0.4: 0.30}, 2: {0.0: 0.90, 0.2: 0.43, 0.4: 0.28}},
            "random": {1: {0.0: 0.80, 0.2: 0.44, 0.4: 0.32}, 2: {0.0: 0.80, 0.2: 0.44, 0.4: 0.32}},
        }
    )


def test_the_grid_pairs_seeds_in_points(attacked):
    grid = difference_grid(attacked, PAIR, "epsilon")
    assert grid.loc[1].to_list() == pytest.approx([-2.0, 1.0, 10.0])
    assert grid.loc[2].to_list() == pytest.approx([-2.0, 1.0, 8.0])


def test_repeats_are_averaged_before_seeds_are_compared(make_rows):
    draws = [
        make_rows({"baseline": {1: {0.1: 0.2}}, "flexible": {1: {0.1: accuracy}}}, draw=draw)
        for draw, accuracy in enumerate((0.3, 0.5))
    ]
    grid = difference_grid(pd.concat(draws), PAIR, "epsilon")
    assert grid.to_numpy().tolist() == [[pytest.approx(20.0)]]


def test_the_best_rival_is_chosen_per_condition(attacked):
    # At 0 the baseline is the better rival (0.91), at 0.2 and 0.4 the flexible network is (0.42, 0.29).
    grid = difference_grid(attacked, BEST, "epsilon")
    assert grid.mean().to_list() == pytest.approx([-11.0, 2.0, 3.0])


def test_the_training_split_is_left_out(make_rows):
    train = make_rows({"baseline": {1: {1: 0.1}}, "flexible": {1: {1: 0.9}}}, over="epoch", split="train")
    test = make_rows({"baseline": {1: {1: 0.5}}, "flexible": {1: {1: 0.6}}}, over="epoch", split="test")
    grid = difference_grid(pd.concat([train, test]), PAIR, "epoch")
    assert grid.to_numpy().tolist() == [[pytest.approx(10.0)]]


def test_mean_difference_over_a_window_by_hand(attacked):
    # Seed 1: (1 + 10) / 2 = 5.5; seed 2: (1 + 8) / 2 = 4.5. Mean 5, SEM 0.5.
    measured = measure(attacked, rule("mean_difference"), PAIR, Window(above=0.0))
    assert (measured.effect, measured.n) == (pytest.approx(5.0), 2)
    assert measured.low == pytest.approx(5 - 12.7062047 * 0.5, abs=1e-6)
    assert measured.high == pytest.approx(5 + 12.7062047 * 0.5, abs=1e-6)
    assert measured.detail == "flexible - baseline, mean over 2 values of epsilon from 0.2 to 0.4"


def test_a_mean_over_one_condition_names_it(attacked):
    measured = measure(attacked, rule("mean_difference"), PAIR, Window(above=0.2))
    assert (measured.effect, measured.detail) == (pytest.approx(9.0), "flexible - baseline, epsilon 0.4")


def test_final_difference_takes_the_last_condition(attacked):
    measured = measure(attacked, rule("final_difference"), PAIR, EVERYTHING)
    assert measured.effect == pytest.approx(9.0)
    assert measured.detail == "flexible - baseline, epsilon 0.4"


def test_crossing_difference_reports_the_turn_outside_its_window(attacked):
    # The mean difference goes from -2 at 0 to +1 at 0.2: it is zero at 0.1333.
    measured = measure(attacked, rule("crossing_difference"), PAIR, Window(above=0.22))
    assert measured.effect == pytest.approx(9.0)
    assert "measured crossing at epsilon 0.133" in measured.detail


def test_a_claimed_loss_begins_where_the_difference_turns_negative(attacked):
    # The other way round it goes from +2 at 0 to -1 at 0.2.
    reverse, less = Comparison("baseline", ("flexible",)), rule("crossing_difference", direction="less")
    measured = measure(attacked, less, reverse, EVERYTHING)
    assert "measured crossing at epsilon 0.133" in measured.detail


def test_a_universal_part_counts_pairs_of_condition_and_seed(attacked):
    measured = measure(attacked, rule("mean_difference", universal=True), PAIR, EVERYTHING)
    assert measured.exceptions == (
        "2 of 6 pairs of epsilon and seed fail, worst by 2 points at epsilon 0, seed 1",
    )
    held = measure(attacked, rule("mean_difference", universal=True), PAIR, Window(above=0.1))
    assert held.exceptions == ()
    assert measure(attacked, rule("mean_difference"), PAIR, EVERYTHING).exceptions == ()


def test_a_universal_part_follows_the_claimed_direction(attacked):
    less = rule("mean_difference", universal=True, direction="less")
    measured = measure(attacked, less, PAIR, Window(above=0.1))
    assert measured.exceptions == (
        "4 of 4 pairs of epsilon and seed fail, worst by 10 points at epsilon 0.4, seed 1",
    )


def test_a_tie_is_no_loss_but_fails_too(make_rows):
    rows = make_rows(
        {
            "baseline": {1: {0.1: 0.3, 0.2: 0.3}, 2: {0.1: 0.3, 0.2: 0.2}},
            "flexible": {1: {0.1: 0.3, 0.2: 0.4}, 2: {0.1: 0.4, 0.2: 0.1 + 0.2}},
        }
    )
    measured = measure(rows, rule("mean_difference", universal=True), PAIR, EVERYTHING)
    assert measured.exceptions == ("0 of 4 pairs of epsilon and seed fail, 1 of 4 tie",)


@pytest.mark.parametrize("behind", [1e-14, -1e-14])
def test_a_difference_of_rounding_is_a_tie_on_either_side(make_rows, behind):
    rows = make_rows(
        {
            "baseline": {1: {0.1: 0.3}, 2: {0.1: 0.3}},
            "flexible": {1: {0.1: 0.3 - behind}, 2: {0.1: 0.4}},
        }
    )
    measured = measure(rows, rule("mean_difference", universal=True), PAIR, EVERYTHING)
    assert measured.exceptions == ("0 of 2 pairs of epsilon and seed fail, 1 of 2 tie",)


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([-2.0, -1.0, 1.0, 3.0], 0.15),
        ([1.0, -1.0, 3.0, 3.0], 0.125),
        ([1.0, 1.0, 1.0, 1.0], 0.0),
        ([-1.0, 0.0, 2.0, 2.0], 0.1),
    ],
)
def test_crossing_is_where_the_lead_begins_for_good(differences, expected):
    assert crossing([0.0, 0.1, 0.2, 0.3], differences) == pytest.approx(expected)


def test_no_crossing_when_the_end_is_behind_or_a_tie():
    assert math.isnan(crossing([0.0, 0.1], [1.0, -1.0]))
    assert math.isnan(crossing([0.0, 0.1], [1.0, 0.0]))
    assert math.isnan(crossing([], []))


@pytest.mark.parametrize(
    ("series", "window", "message"),
    [
        ("absent", EVERYTHING, "no rows of series 'absent'"),
        ("flexible", Window(above=0.5, up_to=1.0), r"no epsilon above 0.5 up to 1 among \[0.0, 0.2, 0.4\]"),
    ],
)
def test_what_is_absent_is_said(attacked, series, window, message):
    with pytest.raises(NotMeasured, match=message):
        measure(attacked, rule("mean_difference"), Comparison(series, ("baseline",)), window)


def test_no_common_seed(make_rows):
    rows = make_rows({"baseline": {1: {0.1: 0.5}}, "flexible": {2: {0.1: 0.5}}})
    with pytest.raises(NotMeasured) as raised:
        difference_grid(rows, PAIR, "epsilon")
    assert str(raised.value) == (
        "no training seed is complete in all of flexible, baseline: "
        "seed 1 left out (flexible has no such seed); seed 2 left out (baseline has no such seed)"
    )


def test_no_common_condition(make_rows):
    rows = make_rows({"baseline": {1: {0.1: 0.5}}, "flexible": {1: {0.2: 0.5}}})
    with pytest.raises(NotMeasured, match=r"seed 1 left out \(flexible is not complete at epsilon 0.1\)"):
        difference_grid(rows, PAIR, "epsilon")


def test_a_rule_may_speak_of_another_condition_than_its_own(make_rows):
    levels = {"baseline": {1: {3: 0.5}, 2: {3: 0.4}}, "flexible": {1: {3: 0.6}, 2: {3: 0.7}}}
    plain = make_rows(levels, over="epoch", figure="fig4b", split="test")
    trained = plain.assign(split="train", accuracy=plain["accuracy"] / 2)
    rows = pd.concat([plain, trained], ignore_index=True)
    spoken = Rule("final_difference", "epoch", (PAIR,), "greater", "", where={"split": "train"})
    assert measure(rows, rule("final_difference", "epoch"), PAIR, EVERYTHING).effect == pytest.approx(20.0)
    found = measure(rows, spoken, PAIR, EVERYTHING)
    assert (found.effect, found.notes[0]) == (pytest.approx(10.0), "at split train")
    with pytest.raises(NotMeasured, match="no rows of series 'flexible' at .*split train"):
        measure(plain, spoken, PAIR, EVERYTHING)


def test_unknown_kind_lists_the_known(attacked):
    with pytest.raises(
        ConfigError, match=r"expected a kind of rule: one of \['bandwidth_correlation', 'cat.*; got 'median'"
    ):
        measure(attacked, rule("median"), PAIR, EVERYTHING)


def test_a_kind_is_registered_once():
    def mean_difference(rows, rule, comparison, window):
        raise AssertionError

    with pytest.raises(ConfigError, match="'mean_difference' is registered already"):
        rule_kind()(mean_difference)


# --- PGD: conditions beside the one along which a rule looks -------------------------------------------

LAST = {"attack": "white", "scoring": "last", "steps": 20}


@pytest.fixture
def pgd(make_rows):
    """Accuracy of two networks and three seeds, clean, white-box and black-box, by both scorings."""
    levels = {"white": (0.25, 0.33), "black": (0.60, 0.61)}
    parts = [
        make_rows(
            {
                name: {seed: {0.031: level + 0.01 * seed - (scoring == "worst") * 0.1} for seed in (1, 2, 3)}
                for name, level in zip(("baseline", "flexible"), pair, strict=True)
            },
            attack=attack,
            scoring=scoring,
            steps=20,
        )
        for attack, pair in levels.items()
        for scoring in ("last", "worst")
    ]
    clean = {"baseline": {1: {0.0: 0.9}}, "flexible": {1: {0.0: 0.7}}}
    return pd.concat([*parts, make_rows(clean, attack="none", scoring="last", steps=0)])


def test_a_comparison_may_choose_other_conditions_than_its_rule(pgd):
    white = Rule("mean_difference", "epsilon", (PAIR,), "greater", "", where=LAST)
    assert measure(pgd, white, PAIR, EVERYTHING).effect == pytest.approx(8)
    black = Comparison("flexible", ("baseline",), where={"attack": "black"})
    assert measure(pgd, white, black, EVERYTHING).effect == pytest.approx(1)
    # Nothing is said: the plain values, which are those of clean images.
    clean = Rule("mean_difference", "epsilon", (PAIR,), "greater", "")
    assert measure(pgd, clean, PAIR, EVERYTHING).effect == pytest.approx(-20)


def test_a_series_is_set_against_itself_under_another_attack(pgd):
    kind = Rule("condition_difference", "epsilon", (), "greater", "", where={**LAST, "attack": "black"})
    against = Comparison("baseline", than={"attack": "white"})
    found = measure(pgd, kind, against, EVERYTHING)
    assert (found.effect, found.n) == (pytest.approx(35), 3)
    assert found.detail == "baseline, black - white, epsilon 0.031"
    # The other scoring of the other attack.
    both = Comparison("baseline", than={"attack": "white", "scoring": "worst"})
    assert measure(pgd, kind, both, EVERYTHING).effect == pytest.approx(45)
    with pytest.raises(ConfigError, match="the key 'than' is absent"):
        measure(pgd, kind, PAIR, EVERYTHING)
    with pytest.raises(NotMeasured, match="no rows of series 'random'"):
        measure(pgd, kind, Comparison("random", than={"attack": "white"}), EVERYTHING)


def test_a_condition_of_which_nothing_is_said_is_at_its_plain_value(make_rows):
    """Clean images minus those under an attack: only the attack is told."""
    levels = {"baseline": {1: {0.031: 0.9}, 2: {0.031: 0.8}}}
    attacked = {"baseline": {1: {0.031: 0.3}, 2: {0.031: 0.4}}}
    rows = pd.concat([
        make_rows(levels, attack="none", scoring="last", steps=0),
        make_rows(attacked, attack="white", scoring="last", steps=0),
    ])  # fmt: skip
    pair = Comparison("baseline", than={"attack": "white"})
    kind = Rule("condition_difference", "epsilon", (pair,), "greater", "")
    assert kind.text(pair, "paper") == "baseline, none - white"
    found = measure(rows, kind, pair, EVERYTHING)
    assert (found.effect, found.n, found.detail) == (
        pytest.approx(50), 2, "baseline, none - white, epsilon 0.031",
    )  # fmt: skip


def test_a_measure_is_set_against_itself_under_another_attack(make_rows):
    levels = {"baseline": {seed: {0.031: 0.5} for seed in (1, 2)}}
    parts = {"none": 0.7, "white": 0.4}
    rows = pd.concat([make_rows(levels, attack=attack, sameness=share) for attack, share in parts.items()])
    pair = Comparison("baseline", than={"attack": "white"}, measure="sameness")
    found = measure(rows, Rule("condition_difference", "epsilon", (pair,), "greater", ""), pair, EVERYTHING)
    assert found.effect == pytest.approx(30)


def test_one_seed_lacking_the_other_attack_leaves(pgd):
    lacking = pgd[~((pgd["seed"] == 2) & (pgd["attack"] == "white") & (pgd["series"] == "baseline"))]
    kind = Rule("condition_difference", "epsilon", (), "greater", "", where={**LAST, "attack": "black"})
    found = measure(lacking, kind, Comparison("baseline", than={"attack": "white"}), EVERYTHING)
    assert found.n == 2
    assert "seed 2 left out (baseline (white) has no such seed)" in found.notes


@pytest.mark.parametrize(
    ("levels", "effect", "low"),
    [
        ({1: 0.50, 2: 0.52, 3: 0.54}, 8.0, 3.03),  # all above: as far as they are
        ({1: 0.34, 2: 0.36, 3: 0.38}, 8.0, 3.03),  # all below
        ({1: 0.42, 2: 0.44, 3: 0.46}, 0.0, 0.0),  # on both sides of nothing
    ],
)
def test_a_distance_has_no_sign(make_rows, levels, effect, low):
    rows = make_rows({
        "baseline": {seed: {0.1: 0.44} for seed in levels},
        "flexible": {seed: {0.1: value} for seed, value in levels.items()},
    })  # fmt: skip
    found = measure(rows, Rule("mean_distance", "epsilon", (PAIR,), "less", "", margin=2), PAIR, EVERYTHING)
    assert found.effect == pytest.approx(effect, abs=1e-9)
    assert found.low == pytest.approx(low, abs=0.01)
    assert found.high == pytest.approx(effect + 4.97, abs=0.01)
