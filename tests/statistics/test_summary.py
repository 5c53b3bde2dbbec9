import math

import pandas as pd
import pytest

from flexnet.errors import DataError
from flexnet.statistics.summary import per_seed, summarise


def rows(*entries):
    columns = ["series", "model", "seed", "epsilon", "draw", "n", "accuracy"]
    return pd.DataFrame(entries, columns=columns)


REPEATED = rows(
    ("b", "net", 1, 0.1, 0, 90, 0.10),
    ("b", "net", 1, 0.1, 1, 90, 0.30),
    ("b", "net", 2, 0.1, 0, 100, 0.30),
    ("b", "net", 2, 0.1, 1, 100, 0.50),
    ("b", "net", 1, 0.2, 0, 90, 0.50),
    ("b", "net", 2, 0.2, 0, 100, 0.50),
    ("a", "other", 1, 0.1, 0, 100, 0.70),
)


def test_repeats_are_averaged_within_a_seed():
    table = per_seed(REPEATED, ["series", "epsilon"])
    assert list(table.columns) == ["series", "epsilon", "seed", "n_images", "accuracy"]
    first = table.iloc[0]
    assert (first["seed"], first["n_images"]) == (1, 90)
    assert first["accuracy"] == pytest.approx(0.2)
    assert len(table) == 5


def test_the_seed_is_the_unit():
    # Seed 1 averages to 0.2, seed 2 to 0.4: SEM 0.1. Four pooled rows would give 0.082 of n = 4.
    first = summarise(REPEATED, ["series", "epsilon"]).iloc[0]
    assert (first["n"], first["n_images"]) == (2, 90)
    assert first["mean"] == pytest.approx(0.3)
    assert first["sem"] == pytest.approx(0.1)
    assert first["low"] == pytest.approx(0.3 - 12.7062047 * 0.1, abs=1e-6)
    assert first["high"] == pytest.approx(0.3 + 12.7062047 * 0.1, abs=1e-6)


def test_columns_and_order_of_appearance():
    table = summarise(REPEATED, ["series", "epsilon"])
    estimates = ["n", "n_images", "mean", "sem", "low", "high", "by_seed"]
    assert list(table.columns) == ["series", "epsilon", *estimates]
    assert list(zip(table["series"], table["epsilon"], strict=True)) == [("b", 0.1), ("b", 0.2), ("a", 0.1)]


def test_a_single_seed_has_a_mean_alone():
    last = summarise(REPEATED, ["series", "epsilon"]).iloc[2]
    assert (last["n"], last["mean"]) == (1, 0.7)
    assert all(math.isnan(last[name]) for name in ("sem", "low", "high"))


def test_seeds_that_agree_show_no_error():
    agreeing = summarise(REPEATED, ["series", "epsilon"]).iloc[1]
    assert (agreeing["n"], agreeing["mean"]) == (2, 0.5)
    assert all(math.isnan(agreeing[name]) for name in ("sem", "low", "high"))


def test_one_grouping_column():
    part = REPEATED[REPEATED["series"] == "a"]
    assert summarise(part, ["series"], {"epsilon": 0.1})["series"].tolist() == ["a"]


def test_two_models_in_one_condition_are_refused():
    mixed = rows(("b", "x", 1, 0.1, 0, 10, 0.1), ("b", "y", 1, 0.1, 0, 10, 0.3))
    with pytest.raises(DataError, match=r"series b: expected one model; got \['x', 'y'\]"):
        summarise(mixed, ["series", "epsilon"])


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match="expected a column 'epoch'"):
        summarise(REPEATED, ["series", "epoch"])
