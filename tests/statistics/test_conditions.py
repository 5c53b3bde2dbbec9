"""Nothing is averaged in silence: a table that was changed in one place stops, or gives what was asked."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexnet.claims.grids import series_grid
from flexnet.claims.kinds import NotMeasured
from flexnet.errors import ConfigError, DataError
from flexnet.figures import fig3, fig4b, fig4d, table2, table2_controls
from flexnet.statistics.conditions import same
from flexnet.statistics.summary import per_seed, summarise

pytestmark = pytest.mark.usefixtures("severity")

BY = ["figure", "protocol", "series", "epsilon"]
FEW = settings(max_examples=20, deadline=None)
DRAWS = {"baseline": 1, "random": 3}
GRID = (0.0, 0.1, 0.4)


def table(seeds=(1, 2, 3), **columns):
    """Two series, one of them with repeats; no two accuracies are the same."""
    generator = np.random.default_rng(1)
    return pd.DataFrame(
        [
            {
                "figure": "fig4d",
                "protocol": "paper",
                "series": series,
                "model": f"net-{series}",
                "seed": seed,
                "epsilon": epsilon,
                "draw": draw,
                "n": 1000,
                "accuracy": generator.uniform(0.2, 0.8),
                **columns,
            }
            for series, draws in DRAWS.items()
            for seed in seeds
            for epsilon in GRID
            for draw in range(draws)
        ]
    )


ROWS = table()
PLACES = st.integers(0, len(ROWS) - 1)


def graded(*severities, **columns):
    """The same rows at several severities, each with accuracies of its own."""
    parts = [ROWS.assign(severity=value, accuracy=ROWS["accuracy"] / (1 + value)) for value in severities]
    return pd.concat(parts, ignore_index=True).assign(**columns)


@FEW
@given(st.permutations(range(len(ROWS))))
def test_the_order_of_rows_means_nothing(order):
    found, plain = (summarise(rows, BY).set_index(BY).sort_index() for rows in (ROWS.iloc[list(order)], ROWS))
    pd.testing.assert_frame_equal(found, plain, rtol=1e-12)


@FEW
@given(PLACES)
def test_a_row_that_is_lacking_is_noticed(place):
    cut = ROWS.drop(index=place)
    with pytest.raises(DataError, match=r"without epsilon|\d of \d repeats"):
        summarise(cut, BY)
    row = ROWS.loc[place]
    grid = series_grid(cut, row["series"], "epsilon")
    assert np.isnan(grid.accuracy.loc[row["seed"], row["epsilon"]])
    assert grid.accuracy.isna().to_numpy().sum() == 1


@FEW
@given(PLACES, st.booleans())
def test_a_row_that_is_there_twice_is_refused(place, other_value):
    again = ROWS.iloc[[place]].assign(accuracy=lambda row: row["accuracy"] / (1 + other_value))
    twice = pd.concat([ROWS, again], ignore_index=True)
    with pytest.raises(DataError, match="expected one row per seed, epsilon, draw; got two"):
        summarise(twice, BY)
    with pytest.raises(DataError, match="expected one row per seed, epsilon, draw; got two"):
        series_grid(twice, ROWS.loc[place, "series"], "epsilon")


@FEW
@given(PLACES, st.sampled_from([("accuracy", np.nan), ("accuracy", 1.01), ("epsilon", np.nan), ("n", 0)]))
def test_a_cell_that_is_no_number_of_its_kind_is_refused(place, wrong):
    name, value = wrong
    rows = ROWS.astype({"n": float})
    rows.loc[place, name] = value
    for average in (
        lambda: summarise(rows, BY),
        lambda: series_grid(rows, ROWS.loc[place, "series"], "epsilon"),
    ):
        with pytest.raises(DataError, match=r"accuracies as fractions|value of epsilon in every row"):
            average()


@FEW
@given(st.lists(st.integers(0, 5), min_size=2, max_size=4, unique=True))
def test_a_condition_that_varies_is_asked_for_chosen_or_refused(severities):
    rows = graded(*severities)
    with pytest.raises(DataError) as refusal:
        summarise(rows, BY)
    told = str(refusal.value)
    assert "expected severity at its plain value 0" in told
    assert f"got {', '.join(map(str, severities))}; " in told
    assert f"ask for it, or choose one, such as severity = {severities[0]}" in told
    asked = summarise(rows, [*BY, "severity"])
    assert len(asked) == len(severities) * len(summarise(ROWS, BY))
    for value in severities:
        alone = summarise(rows, BY, {"severity": value})
        assert alone["mean"].to_numpy() == pytest.approx(summarise(ROWS, BY)["mean"].to_numpy() / (1 + value))
        assert alone["mean"].tolist() == asked.loc[asked["severity"] == value, "mean"].tolist()


def test_a_claim_that_does_not_speak_of_a_condition_means_its_plain_value():
    rows = graded(5, 0, 1)
    found, plain = (series_grid(table, "random", "epsilon").accuracy for table in (rows, ROWS))
    assert found.equals(plain)
    fifth = series_grid(rows, "random", "epsilon", {"severity": 5}).accuracy
    assert fifth.to_numpy() == pytest.approx(plain.to_numpy() / 6)


@pytest.mark.parametrize("value", [1, 5])
def test_one_value_that_is_not_the_plain_one_does_not_pass_as_plain(value):
    rows = graded(value)
    with pytest.raises(DataError, match=f"expected severity at its plain value 0.*; got {value}; "):
        summarise(rows, BY)
    with pytest.raises(NotMeasured, match="no rows of series 'random' at .*severity 0"):
        series_grid(rows, "random", "epsilon")
    assert summarise(rows, BY, {"severity": value})["n"].tolist() == [3] * 6


def test_a_table_without_a_column_is_at_its_plain_value():
    assert summarise(ROWS, BY, {"severity": 0}).equals(summarise(ROWS, BY))
    with pytest.raises(DataError, match="expected rows with severity 5; got none"):
        summarise(ROWS, BY, {"severity": 5})
    with pytest.raises(NotMeasured, match="no rows of series 'random'"):
        series_grid(ROWS, "random", "epsilon", {"severity": 5})
    # An epoch has no plain value: nothing can be assumed of a table that does not tell it.
    with pytest.raises(DataError, match="expected rows with epoch 3; got none"):
        summarise(ROWS, BY, {"epoch": 3})


def test_a_condition_without_a_plain_value_is_always_told():
    rows = ROWS.assign(threshold=0.1)
    with pytest.raises(DataError, match="expected threshold at a value that is told.*; got 0.1; "):
        summarise(rows, BY)
    with pytest.raises(DataError, match="expected threshold at a value that is told"):
        series_grid(rows, "random", "epsilon")
    assert summarise(rows, BY, {"threshold": 0.1}).equals(summarise(ROWS, BY))


def test_every_declared_repeat_is_averaged_and_no_other_condition():
    masks = pd.concat([ROWS.assign(mask=mask, accuracy=ROWS["accuracy"] / (1 + mask)) for mask in (0, 1)])
    found = summarise(masks, BY)["mean"].to_numpy()
    assert found == pytest.approx(summarise(ROWS, BY)["mean"].to_numpy() * 0.75)
    chosen = summarise(masks, BY, {"mask": 1})["mean"].to_numpy()
    assert chosen == pytest.approx(summarise(ROWS, BY)["mean"].to_numpy() / 2)


@FEW
@given(st.sampled_from([1, 2, 3]), st.sampled_from(GRID), st.integers(1, 3))
def test_a_seed_with_fewer_repeats_or_others_does_not_count(seed, epsilon, kept):
    place = (ROWS["series"] == "random") & (ROWS["seed"] == seed) & (ROWS["epsilon"] == epsilon)
    other = ROWS.copy()
    other.loc[place & (ROWS["draw"] >= kept - 1), "draw"] += 10  # as many repeats, but others
    fewer = ROWS[~(place & (ROWS["draw"] >= kept - 1))] if kept > 1 else other
    for rows in (fewer, other):
        with pytest.raises(DataError, match=r"expected all repeats on the same images; got \d of \d repeats"):
            summarise(rows, BY)
        assert np.isnan(series_grid(rows, "random", "epsilon").accuracy.loc[seed, epsilon])


def test_repeats_on_different_images_do_not_count():
    rows = ROWS.copy()
    place = rows.index[(rows["series"] == "random") & (rows["seed"] == 2) & (rows["draw"] == 1)]
    rows.loc[place[0], "n"] = 900
    with pytest.raises(
        DataError, match="repeats on 900 to 1,000 images of .* series random, epsilon 0.0, seed 2"
    ):
        summarise(rows, BY)
    assert np.isnan(series_grid(rows, "random", "epsilon").accuracy.loc[2, 0.0])


@pytest.mark.parametrize("name", ["shade", "severty", "epsilon_2"])
def test_a_column_that_nobody_declared_is_refused(name):
    rows = pd.concat([ROWS.assign(**{name: value}) for value in (0, 1)])
    with pytest.raises(DataError, match=f"got '{name}'"):
        summarise(rows.drop_duplicates([*BY, "seed", "draw"]), BY)
    with pytest.raises(ConfigError, match=f"unknown condition '{name}'"):
        summarise(ROWS, BY, {name: 1})


@pytest.mark.parametrize("name", ["figure", "protocol", "series"])
def test_tables_of_two_are_never_one(name):
    rows = ROWS[ROWS["series"] == "baseline"].copy()
    rows[name] = rows["seed"].map({1: "one", 2: "two", 3: "two"})
    with pytest.raises(DataError, match=f"expected rows of one {name}; got one, two"):
        summarise(rows, [other for other in BY if other != name])


def test_measures_are_averaged_as_accuracies_are():
    shares = ROWS.assign(max_share=ROWS["accuracy"], switching=np.nan)
    found = summarise(shares, BY, measures=("max_share", "switching", "threshold_shift"))
    assert found["max_share"].to_numpy() == pytest.approx(found["mean"].to_numpy(), abs=1e-15)
    assert found[["switching", "threshold_shift"]].isna().all(axis=None)
    shares.loc[5, "max_share"] = np.nan
    with pytest.raises(DataError, match="expected max_share in all rows of a condition or in none"):
        summarise(shares, BY, measures=("max_share",))


@FEW
@given(st.permutations(range(len(ROWS))))
def test_claims_and_figures_average_alike(order):
    rows = ROWS.iloc[list(order)]
    averages = per_seed(rows, BY)
    for series in DRAWS:
        grid = series_grid(rows, series, "epsilon").accuracy
        part = averages[averages["series"] == series]
        expected = part.pivot(index="seed", columns="epsilon", values="accuracy")
        pd.testing.assert_frame_equal(grid, expected, check_exact=True, check_names=False)


FIGURES = {
    fig3: {"threshold": 0.1, "epsilon": 0.0},
    fig4b: {"epoch": 3, "split": "test"},
    fig4d: {"epsilon": 0.1},
    table2: {"intervention": "trained", "epsilon": 0.1},
    table2_controls: {"intervention": "trained", "epsilon": 0.1},
}


@pytest.mark.parametrize("module", FIGURES, ids=lambda module: module.NAME)
def test_every_figure_refuses_what_it_does_not_speak_of(module):
    plain = ROWS[ROWS["epsilon"] == 0.0].drop(columns="epsilon").assign(**FIGURES[module])
    assert len(module.summarise_rows(plain)) == 2
    several = pd.concat([plain.assign(severity=value) for value in (0, 1, 5)])
    with pytest.raises(DataError, match="severity at its plain value 0.*got 0, 1, 5"):
        module.summarise_rows(several)
    with pytest.raises(DataError, match="severity at its plain value 0.*got 5"):
        module.summarise_rows(plain.assign(severity=5))
    with pytest.raises(DataError, match="column 'shade'|got 'shade'"):
        module.summarise_rows(plain.assign(shade=1))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(0.1 * 3, 0.3, True), (0, 0.0, True), ("0", 0, False), (0.1, 0.1001, False), ("a", "a", True)],
)
def test_values_of_a_condition_are_one_up_to_rounding(first, second, expected):
    assert same(first, second) is expected
