"""Tables whose right verdict is known: what a word may say of them, and what not."""

import numpy as np
import pandas as pd
import pytest

from flexnet.claims.catalogue import load_claims
from flexnet.claims.ledger import judge
from flexnet.errors import DataError

SEEDS = (1, 2, 3, 4, 5)
STRONG = (0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def noise(seed, place):
    """A small number that differs between seeds and series: seeds are never alike."""
    return 0.002 * (((seed * 7 + place * 3) % 5) - 2)


@pytest.fixture
def ledger():
    def build(name, rows, protocol="paper"):
        """The rows of one claim, by comparison."""
        figure = rows["figure"].iloc[0]
        found = judge(
            load_claims("flexible-layer"), {figure: rows}, protocol, "laptop", classes={figure: [10]}
        )
        return {row["comparison"]: row for row in found if row["id"] == name}

    return build


@pytest.fixture
def table(make_rows):
    def build(levels, conditions, figure, over, seeds=SEEDS, n=1000, **columns):
        """Rows with the accuracies `levels`, a number or a function of seed and condition for each series."""
        return make_rows(
            {
                series: {
                    seed: {
                        condition: (level(seed, condition) if callable(level) else level) + noise(seed, place)
                        for condition in conditions
                    }
                    for seed in seeds
                }
                for place, (series, level) in enumerate(levels.items())
            },
            figure=figure,
            over=over,
            n=n,
            **columns,
        )

    return build


def learning(table, levels, epochs=range(1, 16), figure="fig4b", **options):
    return table(levels, epochs, figure, "epoch", split="test", **options)


def attacked(table, levels, epsilons=(0.0, 0.1, 0.2, *STRONG), **options):
    return table(levels, epsilons, "fig4d", "epsilon", **options)


# --- the floor -------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.10, 0.105, 0.05, 0.03])
def test_networks_at_or_below_chance_cannot_tell_a_gain_under_attack(ledger, table, level):
    levels = {"baseline": level, "flexible": level + 0.004, "random": level - 0.003}
    for name in ("C09", "C10"):
        (row,) = ledger(name, attacked(table, levels)).values()
        assert (row["verdict"], row["summary"], row["n"]) == ("at chance", "at chance", 5)
        assert np.isnan(row["measured_value"])
        assert "no network rises above chance at epsilon" in row["detail"]


def test_a_gain_among_defeated_networks_is_none_either(ledger, table):
    """Ten points, but from one to eleven per cent where guessing gives ten."""
    (row,) = ledger("C09", attacked(table, {"baseline": 0.01, "flexible": 0.105, "random": 0.02})).values()
    assert row["verdict"] == "at chance"


def test_a_lucky_network_is_no_evidence(ledger, table):
    """One of 90 at 13.2 %, beyond the bound of 45: two series, five seeds and nine conditions all count."""
    rows = attacked(table, {"baseline": 0.1, "flexible": 0.1, "random": 0.1}, (0.0, *STRONG))
    lucky = (rows["series"] == "flexible") & (rows["seed"] == 3) & (rows["epsilon"] == 0.5)
    rows.loc[lucky, "accuracy"] = 0.132  # with a probability of 0.0007: 0.05 / 90 < 0.0007 < 0.05 / 45
    assert ledger("C09", rows)["flexible - baseline"]["verdict"] == "at chance"
    rows.loc[lucky, "accuracy"] = 0.2
    row = ledger("C09", rows)["flexible - baseline"]
    assert row["verdict"] == "undecided"
    assert "left out, no network rises above chance there: epsilon 0.25, 0.3, 0.4, 0.6" in row["detail"]


def test_conditions_above_chance_decide_without_the_others(ledger, table):
    def falls(gain):
        return lambda seed, epsilon: (0.4 + gain if epsilon <= 0.4 else 0.05) + 0.001 * seed * (gain > 0)

    rows = attacked(table, {"baseline": falls(0.0), "flexible": falls(0.1), "random": falls(0.0)})
    row = ledger("C09", rows)["flexible - baseline"]
    assert row["measured_value"] == pytest.approx(10.3, abs=0.5)
    assert row["verdict"] == "reproduced"
    assert "mean over 3 values of epsilon from 0.25 to 0.4" in row["detail"]
    assert "above chance there: epsilon 0.5, 0.6, 0.7, 0.8, 0.9, 1" in row["detail"]


def test_one_network_above_chance_is_enough(ledger, table):
    rows = attacked(table, {"baseline": 0.05, "flexible": 0.3, "random": 0.05})
    assert ledger("C09", rows)["flexible - baseline"]["verdict"] == "reproduced"
    worse = attacked(table, {"baseline": 0.3, "flexible": 0.05, "random": 0.05})
    assert ledger("C09", worse)["flexible - baseline"]["verdict"] == "contradicted"


def test_networks_that_have_not_learned_tell_nothing_of_each_other(ledger, table):
    """The last epoch counts, also where an earlier one was above chance."""
    rows = learning(table, {"baseline": 0.1, "flexible": 0.11, "conv": 0.09}, range(1, 5), "fig4a")
    rows.loc[rows["epoch"] == 2, "accuracy"] += 0.4
    for name in ("C03", "C04"):
        (row,) = ledger(name, rows).values()
        assert row["verdict"] == "at chance"
        assert "at epoch 4" in row["detail"]


def test_a_comparison_at_chance_leaves_the_claim_open(ledger, table):
    cells = {"baseline": 0.05, "uniform": 0.4, "flexible": 0.06, "above": 0.07}
    rows = table(cells, (0.0, 0.1), "table2", "epsilon", intervention="trained")
    words = {name: row["verdict"] for name, row in ledger("C07", rows).items()}
    assert list(words.values()) == ["reproduced", "at chance", "at chance"]
    assert {row["summary"] for row in ledger("C07", rows).values()} == {"undecided"}


def test_a_network_that_falls_to_chance_away_from_its_threshold_is_tuned_to_it(ledger, table):
    """Here the floor is one side of the comparison, not both."""

    def tuned(place):
        return lambda seed, threshold: 0.8 + seed / 1000 if abs(threshold - place) < 0.05 else 0.1

    thresholds = [place / 10 for place in range(11)]
    rows = table({"low": tuned(0.1), "high": tuned(0.6)}, thresholds, "fig3", "threshold", epsilon=0.0)
    assert {row["verdict"] for row in ledger("C02", rows).values()} == {"reproduced"}
    flat = table({"low": 0.1, "high": 0.1}, thresholds, "fig3", "threshold", epsilon=0.0)
    assert {row["verdict"] for row in ledger("C02", flat).values()} == {"at chance"}


# --- intervals without width -----------------------------------------------------------------------


def test_two_seeds_with_identical_values_decide_nothing(ledger, make_rows):
    rows = make_rows(
        {name: {s: {15: level} for s in (1, 2)} for name, level in (("baseline", 0.6), ("flexible", 0.5))},
        figure="fig4b",
        over="epoch",
    )
    row = ledger("C05", rows)["flexible - baseline"]
    assert row["verdict"] == "undecided"
    assert np.isnan([row["low"], row["high"]]).all()
    assert row["n"] == 2  # so few numbers may be the same by chance
    assert "identical values in all seeds give no interval" in row["detail"]


def test_equal_differences_decide_nothing(ledger, make_rows):
    """Seeds differ, but every one of them loses ten points: no spread is known, and rounding is none."""
    rows = make_rows(
        {
            "baseline": {s: {15: 0.6 + 0.01 * s} for s in SEEDS},
            "flexible": {s: {15: 0.5 + 0.01 * s} for s in SEEDS},
        },
        figure="fig4b",
        over="epoch",
    )
    row = ledger("C05", rows)["flexible - baseline"]
    assert (row["verdict"], row["n"], row["measured_value"]) == ("undecided", 5, pytest.approx(-10.0))
    assert "identical values in all seeds give no interval" in row["detail"]


def rising(seed, epoch):
    return 0.5 + 0.01 * epoch


def test_copies_of_one_run_count_once(ledger, table):
    rows = learning(table, {"baseline": rising, "flexible": 0.4}, seeds=(1, 2))
    copies = [rows.assign(seed=rows["seed"] + 2 * times) for times in range(4)]
    row = ledger("C05", pd.concat(copies))["flexible - baseline"]
    assert row["n"] == 2
    assert "seeds 3, 5, 7 left out (it repeats seed 1 in every value)" in row["detail"]
    stopped = pd.concat(copies[:2]).query("seed != 3 or epoch > 9")  # of a copy not all need be there
    assert ledger("C05", stopped)["flexible - baseline"]["n"] == 2


def under_pgd(make_rows, levels, **more):
    """White-box PGD on 1,000 images, beside clean and black-box accuracies where they are told."""
    attacks = {"white": levels, **more}
    parts = [
        make_rows(
            {name: {seed: {0.0 if attack == "none" else 0.031: of(seed)} for seed in range(1, 11)}
             for name, of in by_series.items()},
            figure="table3", attack=attack, scoring="last", steps=0 if attack == "none" else 20, n=1000,
        )
        for attack, by_series in attacks.items()
    ]  # fmt: skip
    return pd.concat(parts)


def test_seeds_that_are_right_about_nothing_are_no_copies(ledger, make_rows):
    """Of ten seeds six have nothing left in either network: they count, or twice the gain would be told."""

    def gain(seed):
        return 0.0 if seed <= 6 else 0.28 + 0.002 * seed

    for more in ({}, {"none": dict.fromkeys(("baseline", "flexible"), lambda seed: 0.8 + 0.01 * seed)}):
        rows = under_pgd(make_rows, {"baseline": lambda seed: 0.0, "flexible": gain}, **more)
        (row,) = ledger("C11", rows).values()
        assert (row["n"], row["measured_value"]) == (10, pytest.approx(100 * (0.297 * 4) / 10))


def test_a_few_numbers_that_agree_make_no_copy(ledger, make_rows):
    """Seeds 1 and 2 agree where they are compared, and differ where they are not."""
    levels = {"baseline": lambda seed: 0.2 + 0.01 * max(seed, 2), "flexible": lambda seed: 0.3}
    more = {"black": dict.fromkeys(levels, lambda seed: 0.6 + 0.01 * seed)}
    (row,) = ledger("C11", under_pgd(make_rows, levels, **more)).values()
    assert row["n"] == 10
    more = {"black": dict.fromkeys(levels, lambda seed: 0.6 + 0.01 * max(seed, 2))}
    (row,) = ledger("C11", under_pgd(make_rows, levels, **more)).values()
    assert row["n"] == 10  # three numbers that tell, and one that all seeds have


def test_copies_are_known_by_what_is_not_compared(ledger, make_rows):
    """Four numbers at the attack of C24, of which each of its comparisons looks at two."""
    levels = {"baseline": lambda seed: 0.2 + 0.01 * max(seed, 2), "flexible": lambda seed: 0.3}
    clean = {"baseline": lambda seed: 0.8 + 0.01 * max(seed, 2), "flexible": lambda seed: 0.9}
    black = {name: lambda seed: 0.6 + 0.01 * max(seed, 2) for name in levels}
    more = {**clean, "baseline": lambda seed: 0.7 + 0.01 * max(seed, 2)}
    rows = under_pgd(make_rows, levels, none=clean, black=black, clamp=more)
    told = "seed 2 left out (it repeats seed 1 in every value)"
    assert told in ledger("C11", rows)["flexible - baseline"]["detail"]
    assert told in ledger("C24", rows)["baseline, black - white"]["detail"]
    assert told not in ledger("C24", rows)["flexible, black - white"]["detail"]  # one number that tells


def test_who_left_is_told_of_networks_at_chance_too(ledger, table):
    rows = attacked(table, {"baseline": 0.1, "flexible": 0.1})
    fewer = rows[~((rows["series"] == "flexible") & (rows["seed"] == 3))]
    row = ledger("C09", fewer)["flexible - baseline"]
    assert (row["verdict"], row["n"]) == ("at chance", 4)
    assert "seed 3 left out (flexible has no such seed)" in row["detail"]


def test_a_distance_from_a_cell_needs_seeds_that_differ(ledger, make_rows):
    rows = make_rows(
        {"baseline": {s: {0.0: 0.877, 0.1: 0.273 + 0.01 * s} for s in SEEDS}},
        figure="table2",
        intervention="trained",
    )
    row = ledger("C23", rows)["baseline, epsilon 0"]
    assert (row["verdict"], row["measured_value"]) == ("undecided", pytest.approx(0.0))
    assert "identical values in all seeds give no interval" in row["detail"]


# --- seeds that are not complete -------------------------------------------------------------------


def crossing_lines(seed, epoch):
    """Ahead early in training, behind at its end."""
    return 0.6 + 0.02 * (8 - epoch)


def test_a_run_that_stopped_leaves_and_the_others_are_judged_at_the_end(ledger, table):
    rows = learning(table, {"baseline": 0.6, "flexible": crossing_lines})
    stopped = rows[~((rows["series"] == "flexible") & (rows["seed"] == 2) & (rows["epoch"] > 5))]
    row = ledger("C05", stopped)["flexible - baseline"]
    assert (row["verdict"], row["n"]) == ("contradicted", 4)
    assert "flexible - baseline, epoch 15" in row["detail"]
    assert "seed 2 left out (flexible is not complete at epoch 15)" in row["detail"]


def test_a_gap_inside_the_window_makes_a_seed_incomplete(ledger, table):
    rows = learning(table, {"baseline": 0.3, "flexible": 0.35, "random": 0.35}, range(5, 65, 5), "fig4c")
    gap = rows[~((rows["series"] == "baseline") & (rows["seed"] == 4) & rows["epoch"].isin([10, 15, 20, 25]))]
    for row in ledger("C06", gap).values():
        assert (row["verdict"], row["n"]) == ("reproduced", 4)
        assert "seed 4 left out (baseline is not complete at epoch 10, 15, 20 and 1 more)" in row["detail"]


def test_seeds_that_one_network_lacks_are_named(ledger, table):
    rows = learning(table, {"baseline": 0.6, "flexible": 0.5})
    fewer = rows[~((rows["series"] == "flexible") & (rows["seed"] > 3))]
    row = ledger("C05", fewer)["flexible - baseline"]
    assert row["n"] == 3
    assert "seeds 4, 5 left out (flexible has no such seed)" in row["detail"]


def test_where_no_seed_is_complete_nothing_is_measured(ledger, table):
    rows = learning(table, {"baseline": 0.6, "flexible": 0.5})
    unequal = rows[~((rows["series"] == "flexible") & (rows["epoch"] > 10))]
    row = ledger("C05", unequal)["flexible - baseline"]
    assert (row["verdict"], row["n"]) == ("not measured", 0)
    assert row["detail"].startswith(
        "no training seed is complete in all of flexible, baseline: seeds 1, 2, 3"
    )


def test_one_seed_that_is_left_alone_decides_nothing(ledger, table):
    rows = learning(table, {"baseline": 0.6, "flexible": 0.2})
    alone = rows[(rows["seed"] == 3) | (rows["epoch"] <= 5)]
    row = ledger("C05", alone)["flexible - baseline"]
    assert (row["verdict"], row["n"]) == ("undecided", 1)
    assert "one seed gives no interval" in row["detail"]


def test_a_seed_with_fewer_repeats_is_incomplete(ledger, table):
    rows = pd.concat(
        [attacked(table, {"baseline": 0.3, "flexible": 0.4, "random": 0.6}, draw=draw) for draw in range(3)]
    )
    cut = rows[
        ~((rows["series"] == "random") & (rows["seed"] == 5) & (rows["epsilon"] == 1) & (rows["draw"] == 2))
    ]
    (row,) = ledger("C10", cut).values()
    assert (row["verdict"], row["n"]) == ("reproduced", 4)
    assert "seed 5 left out (random is not complete at epsilon 1)" in row["detail"]


def test_seeds_scored_on_other_images_are_no_pair(ledger, table):
    rows = learning(table, {"baseline": 0.6, "flexible": 0.5})
    rows.loc[(rows["series"] == "flexible") & (rows["seed"] == 1), "n"] = 500
    row = ledger("C05", rows)["flexible - baseline"]
    assert row["n"] == 4
    assert (
        "seed 1 left out (scored on different images at epoch 15: flexible on 500, baseline on 1,000)"
        in (row["detail"])
    )
    rows.loc[rows["series"] == "flexible", "n"] = 500
    assert ledger("C05", rows)["flexible - baseline"]["verdict"] == "not measured"


# --- borders ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("places", [(1, 2), (1, 2, 3)])
def test_an_effect_of_exactly_the_practical_size_is_not_shown_by_rounding(ledger, make_rows, places):
    """Three points in every seed, as 33 - 30 and 43 - 40: of fractions, some are 3.0000000000000027."""
    rows = make_rows(
        {
            "baseline": {s: {0.0: 0.9, 0.1: 0.2 + 0.1 * s} for s in places},
            "flexible": {s: {0.0: 0.9, 0.1: 0.23 + 0.1 * s} for s in places},
        },
        figure="table2",
        intervention="trained",
    )
    assert ledger("C07", rows)["flexible - baseline"]["verdict"] == "undecided"


# --- several comparisons ---------------------------------------------------------------------------


def small_networks(table, **changes):
    cells = {name: 0.6 + changes.get(name, 0.0) for name in ("baseline", "uniform", "flexible", "above")}
    return table(cells, (0.0, 0.1), "table2", "epsilon", n=10_000, intervention="trained")


def test_two_losses_do_not_hide_behind_one_gain(ledger, table):
    rows = small_networks(table, uniform=-0.2, flexible=-0.2, above=0.02)
    found = ledger("C01", rows)
    assert [row["verdict"] for row in found.values()] == ["reproduced", "reproduced", "contradicted"]
    assert {row["summary"] for row in found.values()} == {"mixed"}
    assert [round(row["measured_value"]) for row in found.values()] == [-20, -20, 2]


def test_two_gains_do_not_hide_behind_one_loss(ledger, table):
    rows = small_networks(table, uniform=0.2, flexible=0.2, above=-0.2)
    found = ledger("C07", rows)
    assert [row["verdict"] for row in found.values()] == ["reproduced", "reproduced", "contradicted"]
    assert {row["summary"] for row in found.values()} == {"mixed"}


def test_the_papers_value_stands_beside_its_own_comparison(ledger, table):
    found = ledger("C05", learning(table, {"baseline": 0.6, "flexible": 0.6, "random": 0.6}))
    assert found["flexible - baseline"]["paper_value"] == -1.24
    assert np.isnan(found["random - baseline"]["paper_value"])


# --- universal claims ------------------------------------------------------------------------------


def test_a_third_of_losing_pairs_is_not_every_epoch_and_subset(ledger, table):
    """Each epoch and each subset gains in the mean, but every subset loses in four of twelve epochs."""

    def flexible(seed, epoch):
        return 0.45 + 0.002 * seed if (epoch // 5 + seed) % 3 else 0.38

    rows = learning(
        table,
        {"baseline": 0.4, "flexible": flexible, "random": 0.5},
        range(5, 65, 5),
        "fig4c",
        seeds=(1, 2, 3),
        n=10_000,
    )
    grid = rows.pivot_table(index="seed", columns=["series", "epoch"], values="accuracy")
    difference = grid["flexible"] - grid["baseline"]
    assert (difference.mean() > 0).all()
    assert (difference.mean(axis="columns") > 0).all()
    found = ledger("C06", rows)
    assert found["flexible - baseline"]["verdict"] == "partly"
    assert "12 of 36 pairs of epoch and seed fail" in found["flexible - baseline"]["detail"]
    assert found["random - baseline"]["verdict"] == "reproduced"
    assert {row["summary"] for row in found.values()} == {"partly"}


def test_a_universal_claim_holds_where_no_pair_fails(ledger, table):
    rows = learning(table, {"baseline": 0.4, "flexible": 0.42, "random": 0.42}, range(5, 65, 5), "fig4c")
    assert {row["verdict"] for row in ledger("C06", rows).values()} == {"reproduced"}


# --- tables that must not be judged ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("accuracy", np.nan, "accuracies as fractions"),
        ("accuracy", 60.0, "accuracies as fractions"),
        ("accuracy", -0.1, "accuracies as fractions"),
        ("n", 0, "images to count"),
        ("seed", 2, "one row per seed, epoch; got two of seed 2, epoch 15"),
        ("model", "another", r"one model; got \['another', 'flexible'\]"),
    ],
)
def test_a_malformed_row_stops_the_judgement(ledger, table, column, value, message):
    rows = learning(table, {"baseline": 0.6, "flexible": 0.5})
    rows.loc[(rows["series"] == "flexible") & (rows["seed"] == 1) & (rows["epoch"] == 15), column] = value
    with pytest.raises(DataError, match=message):
        ledger("C05", rows)


def test_rows_without_the_number_of_images_stop_the_judgement(ledger, table):
    rows = learning(table, {"baseline": 0.6, "flexible": 0.5}).drop(columns="n")
    with pytest.raises(DataError, match="series flexible: expected a column 'n'"):
        ledger("C05", rows)


def test_another_condition_is_never_averaged_over(ledger, table):
    """A table swept over thresholds is no table of one network per epsilon."""
    rows = pd.concat([small_networks(table).assign(threshold=place) for place in (0.1, 0.6)])
    with pytest.raises(DataError, match="expected threshold at a value that is told.*; got 0.1, 0.6; "):
        ledger("C07", rows)
