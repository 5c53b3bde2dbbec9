import math
from collections import defaultdict

import pandas as pd
import pytest
from scipy import stats

from flexnet.claims.catalogue import load_claims
from flexnet.claims.grids import series_grid
from flexnet.claims.kinds import NotMeasured
from flexnet.claims.ledger import judge
from flexnet.claims.levels import combined_reach
from flexnet.claims.model import Cell, Comparison, Rule, Window
from flexnet.claims.rules import measure
from flexnet.errors import ConfigError
from flexnet.statistics.intervals import t_interval

LOW = Comparison("low", at=0.1)
CELL = Comparison("uniform", cell=Cell(44.4, 0.82, 10))
EVERYTHING = Window()
T_1, T_4 = 12.7062047, 2.7764451


@pytest.fixture
def swept(make_rows):
    """Seed 1 loses 2, 4 and 30 points away from 0.1, seed 2 gains 2 and loses 2 and 24."""
    accuracies = {
        1: {0.0: 0.84, 0.1: 0.86, 0.2: 0.82, 1.0: 0.56},
        2: {0.0: 0.86, 0.1: 0.84, 0.2: 0.82, 1.0: 0.60},
    }
    return make_rows({"low": accuracies}, figure="fig3", over="threshold")


def peak(universal=False):
    return Rule("peak_difference", "threshold", (LOW,), "greater", "", universal=universal)


def cells():
    return Rule("cell_difference", "epsilon", (CELL,), "less", "", margin=5.0)


def test_the_peak_is_compared_with_the_mean_of_the_others(swept):
    # Seed 1: (2 + 4 + 30) / 3 = 12; seed 2: (-2 + 2 + 24) / 3 = 8. Mean 10, SEM 2.
    measured = measure(swept, peak(), LOW, EVERYTHING)
    assert (measured.effect, measured.n) == (pytest.approx(10.0), 2)
    assert (measured.low, measured.high) == pytest.approx((10 - 2 * T_1, 10 + 2 * T_1), abs=1e-5)
    assert measured.detail == "low at threshold 0.1 - mean over 3 others"


def test_a_threshold_that_is_as_good_is_an_exception(swept):
    # At 0 the seeds cancel in the mean, but seed 2 by itself gains.
    measured = measure(swept, peak(universal=True), LOW, EVERYTHING)
    assert measured.exceptions == (
        "1 of 6 pairs of threshold and seed fail, worst by 2 points at threshold 0, seed 2",
    )
    assert measure(swept, peak(universal=True), LOW, Window(above=0.0)).exceptions == ()


def test_the_peak_is_found_on_a_grid_of_sums(make_rows):
    third = make_rows({"low": {1: {0.1 * 3: 0.5, 0.4: 0.4}}}, figure="fig3", over="threshold")
    measured = measure(third, peak(), Comparison("low", at=0.3), EVERYTHING)
    assert measured.effect == pytest.approx(10.0)
    assert math.isnan(measured.low)


@pytest.mark.parametrize(
    ("comparison", "window", "message"),
    [
        (Comparison("high", at=0.6), EVERYTHING, "no rows of series 'high' with a column 'threshold'"),
        (
            Comparison("low", at=0.6),
            EVERYTHING,
            r"low: no threshold 0.6 beside others among \[0.0, 0.1, 0.2, 1.0\]",
        ),
        (LOW, Window(at_least=0.1, up_to=0.1), r"low: no threshold 0.1 beside others among \[0.1\]"),
        (LOW, Window(above=1.0), "no threshold above 1 among"),
    ],
)
def test_a_sweep_without_its_peak_is_not_measured(swept, comparison, window, message):
    with pytest.raises(NotMeasured, match=message):
        measure(swept, peak(), comparison, window)


def test_a_cell_is_compared_with_both_errors(make_rows):
    # Ours: 46, 48, 50, 52, 54 %, mean 50, SEM sqrt(10 / 5) = sqrt 2. Distance 5.6.
    rows = make_rows({"uniform": {seed: {0.1: 0.44 + 0.02 * seed} for seed in range(1, 6)}}, figure="table2")
    measured = measure(rows, cells(), CELL, EVERYTHING)
    a, b = 2.0, 0.82**2
    freedom = (a + b) ** 2 / (a**2 / 4 + b**2 / 9)
    assert freedom == pytest.approx(7.1417218 / 1.0502357, abs=1e-5)
    assert measured.effect == pytest.approx(5.6)
    assert measured.high - 5.6 == pytest.approx(stats.t.ppf(0.975, freedom) * math.sqrt(a + b))
    assert measured.low == pytest.approx(2 * 5.6 - measured.high)
    assert measured.detail == "uniform, epsilon 0.1: 50.0 here, 44.4 in the paper"


def test_without_an_error_of_theirs_the_interval_is_the_t_interval():
    ours = t_interval([46.0, 48.0, 50.0, 52.0, 54.0])
    assert combined_reach(ours, Cell(44.4, 0.0, 10)) == pytest.approx(T_4 * math.sqrt(2.0), abs=1e-6)


def test_a_distance_is_never_negative(make_rows):
    rows = make_rows({"uniform": {seed: {0.1: 0.41 + 0.01 * seed} for seed in range(1, 6)}}, figure="table2")
    below = measure(rows, cells(), CELL, EVERYTHING)
    assert (below.effect, below.low) == (pytest.approx(0.4), 0.0)
    single = measure(rows[rows["seed"] == 1], cells(), CELL, EVERYTHING)
    assert (single.effect, single.n) == (pytest.approx(2.4), 1)
    assert math.isnan(single.low)
    assert math.isnan(single.high)


def test_what_a_comparison_lacks_is_said(swept):
    pair = Comparison("low", ("high",))
    with pytest.raises(ConfigError, match="peak_difference of low: the key 'at' is absent"):
        measure(swept, peak(), pair, EVERYTHING)
    with pytest.raises(ConfigError, match="cell_difference of low: the key 'cell' is absent"):
        measure(swept, cells(), pair, EVERYTHING)


def test_exchanged_thresholds_and_attacks_stay_out_of_other_claims(make_rows):
    plain = make_rows({"low": {1: {0.1: 0.8}}}, over="threshold", epsilon=0.0, intervention="trained")
    attacked = make_rows({"low": {1: {0.1: 0.3}}}, over="threshold", epsilon=0.1, intervention="trained")
    shuffled = make_rows({"low": {1: {0.1: 0.1}}}, over="threshold", epsilon=0.0, intervention="shuffled")
    rows = pd.concat([plain, attacked, shuffled])
    assert series_grid(rows, "low", "threshold").accuracy.to_numpy().tolist() == [[0.8]]
    assert series_grid(rows, "low", "epsilon", {"threshold": 0.1}).accuracy.to_numpy().tolist() == [
        [0.8, 0.3]
    ]


OF_TABLE_2 = ("C01", "C07", "C08", "C23")
PAPER = {"baseline": (87.7, 27.3), "uniform": (86.3, 44.4), "flexible": (85.2, 36.4), "above": (84.6, 31.9)}


def table2(make_rows, protocol="paper", attacked=0.1, seeds=(1, 2, 3), **moved):
    """The paper's own cells, seeds 0.1 to 0.4 points apart, and some FGSM cells moved by some points."""
    return make_rows(
        {
            series: {
                seed: {
                    0.0: (clean + 0.1 * place * (seed - 2)) / 100,
                    attacked: (fgsm + moved.get(series, 0.0) + 0.1 * place * (seed - 2)) / 100,
                }
                for seed in seeds
            }
            for place, (series, (clean, fgsm)) in enumerate(PAPER.items(), start=1)
        },
        figure="table2",
        protocol=protocol,
        intervention="trained",
    )


def judged(rows, protocol="paper"):
    """Rows of the ledger: by claim, then by comparison."""
    found = defaultdict(dict)
    for row in judge(load_claims("flexible-layer"), {"table2": rows}, protocol, "laptop"):
        found[row["id"]][row["comparison"]] = row
    return found


def summaries(ledger):
    return {name: {row["summary"] for row in ledger[name].values()} for name in OF_TABLE_2}


def test_the_papers_own_table_reproduces_its_claims(make_rows):
    ledger = judged(table2(make_rows))
    assert summaries(ledger) == {key: {"reproduced"} for key in OF_TABLE_2}
    effects = {name: row["measured_value"] for name, row in ledger["C01"].items()}
    assert effects == pytest.approx(
        {"uniform - baseline": -1.4, "flexible - baseline": -2.5, "above - baseline": -3.1}
    )
    for name in ("C01", "C07", "C08"):
        for row in ledger[name].values():
            assert row["measured_value"] == pytest.approx(row["paper_value"])
    assert len(ledger["C23"]) == 8


def test_one_wrong_cell_is_seen_beside_seven_right_ones(make_rows):
    cells = judged(table2(make_rows, flexible=12.0))["C23"]
    wrong = cells.pop("flexible, epsilon 0.1")
    assert (wrong["verdict"], wrong["measured_value"]) == ("contradicted", pytest.approx(12.0))
    assert wrong["detail"].startswith("flexible, epsilon 0.1: 48.4 here, 36.4 in the paper")
    assert wrong["claimed_high"] == 5.0
    assert {row["verdict"] for row in cells.values()} == {"reproduced"}
    assert {row["summary"] for row in cells.values()} == {wrong["summary"]} == {"mixed"}


def test_only_clean_cells_count_where_the_attack_is_another(make_rows):
    cells = judged(table2(make_rows, "corrected", attacked=0.05, flexible=12.0), "corrected")["C23"]
    assert list(cells) == [f"{name}, epsilon 0" for name in PAPER]
    for row in cells.values():
        assert (row["verdict"], row["summary"]) == ("reproduced", "reproduced")
        assert "4 more comparisons of this claim do not apply under this protocol" in row["detail"]


def test_a_network_without_rows_leaves_its_own_comparisons_unmeasured(make_rows):
    rows = table2(make_rows)
    without = judged(rows[rows["series"] != "above"])
    assert {name: row["verdict"] for name, row in without["C01"].items()} == {
        "uniform - baseline": "reproduced",
        "flexible - baseline": "reproduced",
        "above - baseline": "not measured",
    }
    assert summaries(without) == {
        "C01": {"undecided"}, "C07": {"undecided"}, "C08": {"not measured"}, "C23": {"undecided"},
    }  # fmt: skip


def test_a_table_without_an_attack_leaves_attacked_comparisons_unmeasured(make_rows):
    rows = table2(make_rows)
    clean = judged(rows[rows["epsilon"] == 0.0])
    assert summaries(clean)["C01"] == {"reproduced"}
    assert clean["C23"]["above, epsilon 0"]["verdict"] == "reproduced"
    attacked = clean["C23"]["above, epsilon 0.1"]
    assert (attacked["verdict"], attacked["detail"]) == ("not measured", "no epsilon 0.1 among [0.0]")


def test_one_seed_of_the_table_decides_nothing(make_rows):
    ledger = judged(table2(make_rows, seeds=(2,)))
    assert summaries(ledger) == {key: {"undecided"} for key in OF_TABLE_2}
