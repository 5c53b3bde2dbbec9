import numpy as np
import pandas as pd
import pytest

from flexnet.claims.catalogue import load_claims
from flexnet.claims.ledger import judge, read_ledger, write_ledger
from flexnet.errors import DataError
from flexnet.statistics.columns import LEDGER

SEEDS = (1, 2, 3, 4, 5)
EPSILONS = (0.0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.6, 1.0)


def learning(make_rows, figure, gains, seeds=SEEDS, protocol="paper"):
    """Baseline at 0.80, the others `gains` points above it, seeds 0.1 points apart."""
    accuracies = {
        series: {s: dict.fromkeys((1, 2, 3), 0.8 + gain / 100 + 0.001 * s * place) for s in seeds}
        for place, (series, gain) in enumerate({"baseline": 0.0, **gains}.items())
    }
    return make_rows(accuracies, figure=figure, over="epoch", protocol=protocol, split="test")


def attacked(make_rows, gains, seeds=SEEDS):
    accuracies = {
        series: {s: {e: 0.5 + gain / 100 * (e - 0.2) + 0.001 * s * place for e in EPSILONS} for s in seeds}
        for place, (series, gain) in enumerate({"baseline": 0.0, **gains}.items())
    }
    return make_rows(accuracies)


def judged(rows, protocol="paper"):
    ledger = judge(load_claims("flexible-layer"), rows, protocol, "laptop")
    return {row["id"]: row for row in ledger}


def test_one_row_per_claim_and_nothing_measured_without_rows():
    ledger = judged({})
    assert len(ledger) == 23
    assert {row["verdict"] for row in ledger.values()} == {"not measured"}
    assert ledger["C05"]["detail"] == "no rows of fig4b under this protocol"
    assert ledger["C11"]["detail"] == "no rule for this claim yet"
    assert (ledger["C05"]["paper_value"], ledger["C05"]["n"]) == (-1.24, 0)
    assert np.isnan(ledger["C05"]["measured_value"])


@pytest.mark.parametrize(
    ("flexible", "random", "expected"),
    [(-1.0, -0.5, "reproduced"), (-1.0, -3.0, "contradicted"), (-1.7, 0.0, "undecided")],
)
def test_no_loss_is_decided_by_the_weakest_configuration(make_rows, flexible, random, expected):
    rows = learning(make_rows, "fig4b", {"flexible": flexible, "random": random})
    row = judged({"fig4b": rows})["C05"]
    assert row["verdict"] == expected
    assert "weakest of 2 comparisons" in row["detail"]


def test_no_loss_by_hand(make_rows):
    # Flexible differs by -1 + 0.1 s points, s = 1..5: mean -0.7, SEM 0.1 sqrt(2.5 / 5), t quantile 2.7764.
    row = judged({"fig4b": learning(make_rows, "fig4b", {"flexible": -1.0, "random": 5.0})})["C05"]
    reach = 2.7764451 * 0.1 * (2.5 / 5) ** 0.5
    assert row["measured_value"] == pytest.approx(-0.7)
    assert (row["low"], row["high"]) == pytest.approx((-0.7 - reach, -0.7 + reach), abs=1e-6)
    assert (row["n"], row["unit"], row["claimed_low"]) == (5, "points", -1.5)


def test_small_data_reproduced_and_partly(make_rows):
    rows = learning(make_rows, "fig4c", {"flexible": 2.0, "random": 3.0})
    assert judged({"fig4c": rows})["C06"]["verdict"] == "reproduced"
    first = (rows["series"] == "random") & (rows["epoch"] == 1)
    rows.loc[first, "accuracy"] = 0.79
    row = judged({"fig4c": rows})["C06"]
    assert row["verdict"] == "partly"
    assert "fails at 1 of 3 epochs, worst at epoch 1" in row["detail"]


def test_better_beyond_the_crossing(make_rows):
    row = judged({"fig4d": attacked(make_rows, {"flexible": 20.0, "random": 40.0})})["C09"]
    # 20 (epsilon - 0.2) + 0.3 points at the mean seed, averaged over 0.25, 0.3, 0.4, 0.6 and 1.
    assert row["measured_value"] == pytest.approx(20 * (0.51 - 0.2) + 0.3)
    assert row["verdict"] == "reproduced"
    assert "measured crossing at epsilon 0.185" in row["detail"]


def test_random_best_is_judged_against_the_best_other(make_rows):
    rows = {"fig4d": attacked(make_rows, {"flexible": 20.0, "random": 40.0})}
    # Against flexible, over 0.4, 0.6 and 1: 20 (2/3 - 0.2) points, and 0.3 more at the mean seed.
    assert judged(rows)["C10"]["measured_value"] == pytest.approx(20 * (2 / 3 - 0.2) + 0.3)
    assert judged(rows)["C10"]["verdict"] == "reproduced"
    worse = {"fig4d": attacked(make_rows, {"flexible": 40.0, "random": 20.0})}
    assert judged(worse)["C10"]["verdict"] == "contradicted"


def test_one_seed_is_undecided_and_missing_series_not_measured(make_rows):
    single = learning(make_rows, "fig4b", {"flexible": 2.0, "random": 2.0}, seeds=(1,))
    row = judged({"fig4b": single})["C05"]
    assert (row["verdict"], row["n"]) == ("undecided", 1)
    without = learning(make_rows, "fig4b", {"flexible": 2.0})
    row = judged({"fig4b": without})["C05"]
    assert row["verdict"] == "not measured"
    assert "no rows of series 'random'" in row["detail"]


def test_a_protocol_sees_its_own_rows_only(make_rows):
    rows = {"fig4b": learning(make_rows, "fig4b", {"flexible": 2.0, "random": 2.0}, protocol="release")}
    assert judged(rows, "paper")["C05"]["verdict"] == "not measured"
    row = judged(rows, "release")["C05"]
    assert (row["verdict"], row["protocol"], row["scale"]) == ("reproduced", "release", "laptop")


def test_a_grid_that_ends_early_is_not_measured(make_rows):
    rows = attacked(make_rows, {"flexible": 20.0, "random": 40.0})
    row = judged({"fig4d": rows[rows["epsilon"] <= 0.3]})["C10"]
    assert row["verdict"] == "not measured"
    assert row["detail"].startswith("no epsilon from 0.4 up to 1 among")


def test_the_ledger_survives_its_file(make_rows, tmp_path):
    rows = {"fig4b": learning(make_rows, "fig4b", {"flexible": -1.0, "random": 1.0})}
    ledger = judge(load_claims("flexible-layer"), rows, "paper", "demo")
    write_ledger(tmp_path / "claims.csv", ledger)
    table = read_ledger(tmp_path / "claims.csv").set_index("id")
    assert list(table.columns) == list(LEDGER.required)[1:]
    assert table.loc["C05", "measured_value"] == -0.7
    assert table.loc["C05", "claimed_high"] == np.inf
    assert pd.isna(table.loc["C06", "measured_value"])
    with pytest.raises(DataError, match="expected the column 'id'"):
        (tmp_path / "other.csv").write_text("a\n1\n")
        read_ledger(tmp_path / "other.csv")
