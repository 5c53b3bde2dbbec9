from collections import defaultdict
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from flexnet.claims.catalogue import load_claims
from flexnet.claims.ledger import judge, read_ledger, write_ledger
from flexnet.errors import ConfigError, DataError
from flexnet.tables.columns import LEDGER

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


def judged(rows, protocol="paper", **known):
    """Rows of the ledger: by claim, the comparisons in their order."""
    found = defaultdict(list)
    for row in judge(load_claims("flexible-layer"), rows, protocol, "laptop", **known):
        found[row["id"]].append(row)
    return found


def words(rows):
    return [row["verdict"] for row in rows], {row["summary"] for row in rows}


def test_every_claim_has_its_comparisons_and_nothing_is_measured_without_rows():
    ledger = judged({})
    assert len(ledger) == 24
    assert [len(ledger[name]) for name in ("C01", "C05", "C08", "C11", "C23", "C24")] == [3, 2, 1, 1, 8, 2]
    assert {row["verdict"] for rows in ledger.values() for row in rows} == {"not measured"}
    first, second = ledger["C05"]
    assert (first["comparison"], second["comparison"]) == ("flexible - baseline", "random - baseline")
    assert first["detail"] == "no rows of fig4b under this protocol"
    assert (first["paper_value"], first["n"]) == (-1.24, 0)
    assert np.isnan([second["paper_value"], first["measured_value"]]).all()
    assert [row["comparison"] for row in ledger["C24"]] == [
        "flexible, black - white",
        "baseline, black - white",
    ]
    found = ledger["C21"][0]["comparison"], ledger["C11"][0]["paper_value"]
    assert found == ("all - baseline, correlation", 8.76)
    assert [row["comparison"] for row in ledger["C20"]] == [
        f"all - baseline, images {images}" for images in ("contours", "line_drawings", "silhouettes")
    ]


@pytest.mark.parametrize(
    ("flexible", "random", "own", "summary"),
    [
        (-1.0, -0.5, ["reproduced", "reproduced"], "reproduced"),
        (-1.0, -3.0, ["reproduced", "contradicted"], "mixed"),
        (-1.7, 0.0, ["undecided", "reproduced"], "undecided"),
        (-1.7, -4.0, ["undecided", "contradicted"], "contradicted"),
    ],
)
def test_every_configuration_has_its_verdict(make_rows, flexible, random, own, summary):
    rows = learning(make_rows, "fig4b", {"flexible": flexible, "random": random})
    assert words(judged({"fig4b": rows})["C05"]) == (own, {summary})


def test_no_loss_by_hand(make_rows):
    # Flexible differs by -1 + 0.1 s points, s = 1..5: mean -0.7, SEM 0.1 sqrt(2.5 / 5), t quantile 2.7764.
    row = judged({"fig4b": learning(make_rows, "fig4b", {"flexible": -1.0, "random": 5.0})})["C05"][0]
    reach = 2.7764451 * 0.1 * (2.5 / 5) ** 0.5
    assert row["measured_value"] == pytest.approx(-0.7)
    assert (row["low"], row["high"]) == pytest.approx((-0.7 - reach, -0.7 + reach), abs=1e-6)
    assert (row["n"], row["unit"], row["claimed_low"]) == (5, "points", -1.5)


def test_small_data_reproduced_and_partly(make_rows):
    rows = learning(make_rows, "fig4c", {"flexible": 2.0, "random": 3.0})
    assert words(judged({"fig4c": rows})["C06"]) == (["reproduced", "reproduced"], {"reproduced"})
    first = (rows["series"] == "random") & (rows["epoch"] == 1)
    rows.loc[first, "accuracy"] = 0.79
    ledger = judged({"fig4c": rows})["C06"]
    assert words(ledger) == (["reproduced", "partly"], {"partly"})
    assert "5 of 15 pairs of epoch and seed fail" in ledger[1]["detail"]


def test_better_beyond_the_crossing(make_rows):
    (row,) = judged({"fig4d": attacked(make_rows, {"flexible": 20.0, "random": 40.0})})["C09"]
    # 20 (epsilon - 0.2) + 0.3 points at the mean seed, averaged over 0.25, 0.3, 0.4, 0.6 and 1.
    assert row["measured_value"] == pytest.approx(20 * (0.51 - 0.2) + 0.3)
    assert row["verdict"] == "reproduced"
    assert "measured crossing at epsilon 0.185" in row["detail"]


def test_a_lead_that_begins_later_is_not_the_claimed_one(make_rows):
    rows = attacked(make_rows, {"flexible": 20.0, "random": 40.0})
    late = (rows["series"] == "flexible") & rows["epsilon"].isin([0.25, 0.3])
    rows.loc[late, "accuracy"] = 0.45
    (row,) = judged({"fig4d": rows})["C09"]
    assert row["verdict"] == "partly"
    assert "10 of 25 pairs of epsilon and seed fail" in row["detail"]


def test_random_best_is_judged_against_the_best_other(make_rows):
    rows = {"fig4d": attacked(make_rows, {"flexible": 20.0, "random": 40.0})}
    # Against flexible, over 0.4, 0.6 and 1: 20 (2/3 - 0.2) points, and 0.3 more at the mean seed.
    (row,) = judged(rows)["C10"]
    assert row["measured_value"] == pytest.approx(20 * (2 / 3 - 0.2) + 0.3)
    assert row["verdict"] == "reproduced"
    worse = {"fig4d": attacked(make_rows, {"flexible": 40.0, "random": 20.0})}
    assert judged(worse)["C10"][0]["verdict"] == "contradicted"


def test_one_seed_is_undecided_and_a_missing_series_leaves_its_comparison(make_rows):
    single = learning(make_rows, "fig4b", {"flexible": 2.0, "random": 2.0}, seeds=(1,))
    ledger = judged({"fig4b": single})["C05"]
    assert words(ledger) == (["undecided", "undecided"], {"undecided"})
    assert {row["n"] for row in ledger} == {1}
    without = learning(make_rows, "fig4b", {"flexible": 2.0})
    ledger = judged({"fig4b": without})["C05"]
    assert words(ledger) == (["reproduced", "not measured"], {"undecided"})
    assert "no rows of series 'random'" in ledger[1]["detail"]


def test_a_protocol_sees_its_own_rows_only(make_rows):
    rows = {"fig4b": learning(make_rows, "fig4b", {"flexible": 2.0, "random": 2.0}, protocol="release")}
    assert words(judged(rows, "paper")["C05"])[1] == {"not measured"}
    row = judged(rows, "release")["C05"][0]
    assert (row["verdict"], row["protocol"], row["scale"]) == ("reproduced", "release", "laptop")


def test_rows_of_another_figure_are_refused(make_rows):
    rows = {"fig4b": learning(make_rows, "fig4c", {"flexible": 2.0, "random": 2.0})}
    with pytest.raises(DataError, match=r"fig4b: expected rows of this figure; got rows of \['fig4c'\]"):
        judged(rows)


def test_a_grid_that_ends_early_is_not_measured(make_rows):
    rows = attacked(make_rows, {"flexible": 20.0, "random": 40.0})
    (row,) = judged({"fig4d": rows[rows["epsilon"] <= 0.3]})["C10"]
    assert row["verdict"] == "not measured"
    assert row["detail"].startswith("no epsilon from 0.4 up to 1 among")


def test_chance_is_checked_against_the_data(make_rows):
    rows = {"fig4b": learning(make_rows, "fig4b", {"flexible": 2.0, "random": 2.0})}
    assert judged(rows, classes={"fig4b": [10]})["C05"][0]["verdict"] == "reproduced"
    with pytest.raises(
        ConfigError, match=r"claim C05: expected chance 0.25 for the 4 classes of fig4b; got 0.1"
    ):
        judged(rows, classes={"fig4b": [10, 4]})


def test_a_demonstration_is_measured_and_set_against_nothing(make_rows):
    rows = {"fig4b": learning(make_rows, "fig4b", {"flexible": -9.0, "random": 2.0})}
    ledger = [row for rows in judged(rows, evidence=False).values() for row in rows]
    assert {row["verdict"] for row in ledger} == {row["summary"] for row in ledger} == {"no evidence"}
    theirs = [row[name] for row in ledger for name in ("paper_value", "claimed_low", "claimed_high")]
    assert np.isnan(theirs).all()
    measured = [row for row in ledger if row["n"]]
    assert [row["comparison"] for row in measured] == ["flexible - baseline", "random - baseline"]
    assert measured[0]["measured_value"] == pytest.approx(-8.7)
    assert measured[0]["detail"] == (
        "a demonstration, set against nothing; flexible - baseline, epoch 3; "
        "baseline has the same values in all seeds"
    )


def test_a_remark_stands_beside_every_comparison_of_its_claim_alone():
    (claim,) = [claim for claim in load_claims("flexible-layer") if claim.remark]
    assert claim.id == "C06"
    for evidence in (True, False):
        ledger = judged({}, evidence=evidence)
        told = {
            name: [claim.remark.strip() in row["detail"] for row in rows] for name, rows in ledger.items()
        }
        assert told["C06"] == [evidence, evidence]
        assert not any(any(found) for name, found in told.items() if name != "C06")


def test_a_demonstration_quotes_no_paper(make_rows):
    cells = {"baseline": (0.9, 0.4), "uniform": (0.9, 0.5), "flexible": (0.8, 0.45), "above": (0.8, 0.4)}
    rows = make_rows(
        {name: {s: {0.0: a, 0.1: b + s / 100} for s in SEEDS} for name, (a, b) in cells.items()},
        figure="table2",
        intervention="trained",
    )
    ledger = judged({"table2": rows}, evidence=False)
    assert all(row["n"] == 0 for row in ledger["C23"])
    text = " ".join(
        str(row[key]) for rows in ledger.values() for row in rows for key in ("statement", "detail")
    )
    for number in ("36.4", "27.3", "87.7", "17.1", "20 points", "0.22", "in the paper"):
        assert number not in text


def test_the_ledger_survives_its_file(make_rows, tmp_path):
    rows = {"fig4b": learning(make_rows, "fig4b", {"flexible": -1.0, "random": 1.0})}
    ledger = judge(load_claims("flexible-layer"), rows, "paper", "demo")
    write_ledger(tmp_path / "claims.csv", ledger)
    table = read_ledger(tmp_path / "claims.csv")
    assert list(table.columns) == list(LEDGER.required)
    assert len(table) == len(ledger)
    table = table.set_index(["id", "comparison"])
    assert table.loc[("C05", "flexible - baseline"), "measured_value"] == -0.7
    assert table.loc[("C05", "random - baseline"), "claimed_high"] == np.inf
    assert pd.isna(table.loc[("C06", "random - baseline"), "measured_value"])
    with pytest.raises(DataError, match="expected the column 'id'"):
        (tmp_path / "other.csv").write_text("a\n1\n")
        read_ledger(tmp_path / "other.csv")


def test_a_file_keeps_four_decimals(make_rows, tmp_path):
    rows = {"fig4b": learning(make_rows, "fig4b", {"flexible": -1.0, "random": 1.0})}
    (row, *_) = judge(load_claims("flexible-layer"), rows, "paper", "demo")
    write_ledger(tmp_path / "claims.csv", [{**row, "measured_value": 1.23456}])
    assert read_ledger(tmp_path / "claims.csv")["measured_value"].tolist() == [1.2346]


def test_the_same_id_of_two_papers_is_judged_by_the_figure_of_each(make_rows):
    """Both have a C05 and a figure of the stem fig4b; one is reproduced, the other is not."""
    (ours,) = (claim for claim in load_claims("flexible-layer") if claim.id == "C05")
    theirs = replace(ours, paper="push-pull", figure="pushpull/fig4b")
    rows = {
        "fig4b": learning(make_rows, "fig4b", {"flexible": -1.0, "random": -0.5}),
        "pushpull/fig4b": learning(make_rows, "pushpull/fig4b", {"flexible": -3.0, "random": -4.0}),
    }
    ledger = judge([ours, theirs], rows, "paper", "laptop")
    assert {(row["paper"], row["id"]): row["summary"] for row in ledger} == {
        ("flexible-layer", "C05"): "reproduced",
        ("push-pull", "C05"): "contradicted",
    }
    alone = judge([ours, theirs], {"fig4b": rows["fig4b"]}, "paper", "laptop")
    assert {row["summary"] for row in alone if row["paper"] == "push-pull"} == {"not measured"}
    with pytest.raises(DataError, match="pushpull/fig4b: expected rows of this figure; got rows of .'fig4b'"):
        judge([theirs], {"pushpull/fig4b": rows["fig4b"]}, "paper", "laptop")
