import math

import pandas as pd
import pytest

from flexnet.errors import DataError
from flexnet.statistics.changes import COLUMNS, with_changes
from flexnet.statistics.summary import summarise

BY = ["series", "epsilon"]


def rows(**accuracies):
    """One row per series and seed at one epsilon; each series is a mapping of seeds to accuracies."""
    return pd.DataFrame(
        [
            {"series": name, "model": name, "seed": seed, "epsilon": 0.0, "n": 10, "accuracy": value}
            for name, values in accuracies.items()
            for seed, value in values.items()
        ]
    )


def changes(table):
    return with_changes(summarise(table, BY), table, BY, None, "a").set_index("series")


def test_a_change_is_paired_by_seed_and_not_by_place():
    table = changes(rows(a={1: 0.1, 2: 0.5, 3: 0.9}, b={3: 0.8, 2: 0.6, 1: 0.3}))
    found = table.loc["b"]
    assert found["change"] == pytest.approx(0.2 / 3)
    assert found["change_by_seed"] == "0.2 0.1 -0.1"
    assert found["change_sem"] == pytest.approx(0.0881917, abs=1e-6)
    assert found["change_low"] == pytest.approx(0.2 / 3 - 4.302653 * 0.0881917, abs=1e-6)
    assert found["change_n"] == 3


def test_only_seeds_that_both_have_count():
    found = changes(rows(a={1: 0.1, 2: 0.5}, b={2: 0.6, 3: 0.9})).loc["b"]
    assert (found["change_n"], found["change"]) == (1, pytest.approx(0.1))
    assert math.isnan(found["change_sem"])


def test_the_reference_and_strangers_have_none():
    table = changes(rows(a={1: 0.1, 2: 0.5}, b={3: 0.6}))
    assert table[list(COLUMNS)].isna().all(axis=None)
    assert table["mean"].tolist() == pytest.approx([0.3, 0.6])


def test_without_the_reference_the_summary_stays():
    table = rows(b={1: 0.6, 2: 0.7})
    found = with_changes(summarise(table, BY), table, BY, None, "a")
    assert found["mean"].tolist() == pytest.approx([0.65])
    assert found["change"].isna().all()


def test_networks_that_saw_other_images_are_not_compared():
    table = rows(a={1: 0.1, 2: 0.5}, b={1: 0.3, 2: 0.6})
    table.loc[(table["series"] == "b") & (table["seed"] == 2), "n"] = 1000
    with pytest.raises(
        DataError, match="'b' and 'a' on the same images; got 1,000 and 10 at epsilon 0.0, seed 2"
    ):
        changes(table)
