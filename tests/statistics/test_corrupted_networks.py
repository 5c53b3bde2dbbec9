"""Categories, ratios, correlations and errors of networks under corruptions, on numbers found by hand."""

import math
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from flexnet.corruptions.names import GROUPINGS, NAMES
from flexnet.errors import DataError
from flexnet.statistics.categories import by_original_name, category_rows
from flexnet.statistics.correlation import correlation, fisher_interval, mean_correlation, pearson
from flexnet.statistics.corruption_errors import alexnet_cifar10, mce, mean_errors
from flexnet.statistics.folds import fold_rows, summarised
from flexnet.statistics.network_errors import ALEXNET, network_errors, over_seeds

GROUPING = {"weather": ("snow", "frost"), "blur": ("zoom_blur",)}


def rows(
    accuracy: Any, seeds: tuple[int, ...] = (1, 2), names: Any = ("snow", "frost_synthetic", "zoom_blur")
) -> Any:
    """Rows of two networks; `accuracy` of series, seed, corruption and severity."""
    conditions = [("none", 0), *product(names, range(1, 6))]
    label = {"figure": "f", "protocol": "paper", "n": 100}
    folds = {f"{name}_fold": 1.5 for name in ("fwhm", "fwhm_log", "centroid", "rms")}
    folds["fwhm_log_edge"] = 0.25
    return pd.DataFrame(
        [
            {
                **label,
                "series": series,
                "model": series,
                "seed": seed,
                "corruption": name,
                "severity": severity,
            }
            | {"accuracy": accuracy(series, seed, name, severity), **folds}
            for series, seed, (name, severity) in product(("baseline", "all"), seeds, conditions)
        ]
    )


def plain(series: str, seed: int, name: str, severity: int) -> float:
    base = {"none": 0.9, "snow": 0.6, "frost_synthetic": 0.4, "zoom_blur": 0.5}[name]
    return base - 0.02 * severity + 0.05 * (series == "all") + 0.01 * seed


def test_a_category_is_the_mean_of_its_corruptions_and_severity_0_is_clean() -> None:
    found = (
        category_rows(rows(plain), GROUPING)
        .set_index(["category", "series", "seed", "severity"])
        .sort_index()
    )
    assert found.loc[("weather", "all", 2, 3), "accuracy"] == pytest.approx(0.5 - 0.06 + 0.05 + 0.02)
    assert found.loc[("blur", "baseline", 1, 5), "accuracy"] == pytest.approx(0.5 - 0.1 + 0.01)
    for category in GROUPING:
        assert found.loc[(category, "all", 1, 0), "accuracy"] == pytest.approx(0.96)
    assert found.loc["weather", "corruptions"].eq(2).all()
    assert len(found) == 2 * 2 * 2 * 6


def fewer_under_snow() -> Any:
    """Rows of 100 images each, but of 90 where the first seed saw the snow of the greatest severity."""
    table = rows(plain)
    snow = (table["corruption"] == "snow") & (table["severity"] == 5) & (table["seed"] == 1)
    table.loc[snow, "n"] = 90
    return table


def test_the_fewest_images_of_a_category_are_told() -> None:
    found: Any = category_rows(fewer_under_snow(), GROUPING).set_index(["category", "severity", "seed"])
    assert set(found.loc[("weather", 5, 1), "n"]) == {90}
    assert set(found.loc[("weather", 5, 2), "n"]) == {100}
    assert set(found.loc[("blur", 5, 1), "n"]) == {100}


def test_the_fewest_images_of_all_seeds_are_told_beside_a_ratio() -> None:
    table = summarised(fold_rows(fewer_under_snow(), "baseline", 5)).set_index("corruption")
    assert table["n_images"].to_dict() == {"snow": 90, "frost": 100, "zoom_blur": 100}


def test_the_fewest_images_of_all_rows_are_told_beside_an_error() -> None:
    assert set(network_errors(fewer_under_snow(), "baseline", GROUPING)["n_images"]) == {90}


def test_the_fewest_images_of_all_seeds_are_told_beside_a_mean_over_them() -> None:
    told = {"figure": "f", "protocol": "paper", "series": "all", "measure": "mCE"}
    found = pd.DataFrame(
        [{**told, "seed": seed, "n_images": n, "value": 0.5 * seed} for seed, n in ((1, 100), (2, 90))]
    )
    assert over_seeds(found)["n_images"].tolist() == [90]


def test_a_network_that_lacks_a_corruption_has_no_mean_of_the_others() -> None:
    table = rows(plain)
    gone = (table["series"] == "all") & (table["corruption"] == "snow") & (table["severity"] == 2)
    found = category_rows(table[~gone], GROUPING)
    weather = found[(found["category"] == "weather") & (found["severity"] == 2)]
    assert set(weather["series"]) == {"baseline"}


def test_frost_of_two_kinds_is_not_mixed() -> None:
    with pytest.raises(DataError, match="expected frost made in one way; got frost and frost_synthetic"):
        by_original_name(rows(lambda *_: 0.5, names=("frost", "frost_synthetic")))
    with pytest.raises(DataError, match="columns corruption and severity"):
        by_original_name(pd.DataFrame({"epsilon": [0.0]}))


def test_ratios_are_those_of_the_same_seed_and_severity() -> None:
    found = fold_rows(rows(plain), "baseline", 5)
    assert set(found["series"]) == {"all"}
    snow = found[found["corruption"] == "snow"].set_index("seed")["fold"]
    assert snow.tolist() == pytest.approx([0.56 / 0.51, 0.57 / 0.52])
    table = summarised(found).set_index("corruption")
    assert table.loc["snow", "mean"] == pytest.approx(np.mean([0.56 / 0.51, 0.57 / 0.52]))
    assert table.loc["snow", "difference"] == pytest.approx(0.05)
    assert table.loc["frost", "n"] == 2


def test_nothing_is_divided_by_nothing() -> None:
    dead = rows(lambda series, seed, name, severity: float(name != "snow" or seed == 1) / 2)
    assert set(fold_rows(dead, "baseline", 5)["corruption"]) == {"frost", "zoom_blur"}
    with pytest.raises(DataError, match="to be right about an image in every seed"):
        fold_rows(rows(lambda *_: 0.0), "baseline", 5)
    with pytest.raises(DataError, match="expected rows of 'other'"):
        fold_rows(rows(plain), "other", 5)


def test_correlations_are_those_of_scipy() -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=19).round(1)
    y = (x + random.normal(size=19)).round(1)
    found, expected = correlation(x.tolist(), y.tolist()), stats.pearsonr(x, y)
    interval = expected.confidence_interval(0.95)
    assert found.pearson == pytest.approx(expected.statistic)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.spearman == pytest.approx(stats.spearmanr(x, y).statistic)
    assert found.p == pytest.approx(expected.pvalue, abs=0.01)
    assert correlation(x.tolist(), y.tolist()) == found


def test_a_permutation_test_counts_the_order_that_was_found() -> None:
    assert correlation([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 5, 6, 7, 8, 9]).p <= 2e-4 + 1e-12
    assert correlation([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]).p > 0.2  # six orders
    # Of twelve numbers no drawn order is as far: one of ten thousand is left, the one that was found.
    assert correlation(list(range(12)), list(range(12))).p == pytest.approx(1e-4)
    assert math.isnan(fisher_interval(0.5, 3)[0])


@pytest.mark.parametrize(
    ("x", "y"), [([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, math.nan], [1, 2, 3])]
)
def test_what_cannot_be_correlated_is_refused(x: list[float], y: list[float]) -> None:
    with pytest.raises(DataError, match="expected"):
        pearson(x, y)


def test_correlations_of_seeds_have_the_interval_of_fishers_z() -> None:
    mean, low, high = mean_correlation([0.5, 0.6, 0.7])
    z = np.arctanh([0.5, 0.6, 0.7])
    reach = stats.t.ppf(0.975, 2) * z.std(ddof=1) / math.sqrt(3)
    assert (mean, low, high) == pytest.approx(tuple(np.tanh([z.mean(), z.mean() - reach, z.mean() + reach])))
    assert math.isnan(mean_correlation([0.5])[1])


def fewer_images(table: Any) -> Any:
    """The same rows, of which those of one network are of half of the images."""
    return table.assign(n=table["n"].where(table["series"] == "baseline", 50))


def test_networks_that_saw_other_images_have_no_ratio() -> None:
    with pytest.raises(DataError, match="'all' and 'baseline' on the same images; got 50 and 100 at .*snow"):
        fold_rows(fewer_images(rows(plain)), "baseline", 5)


def test_a_ratio_has_the_interval_of_its_seeds_by_hand() -> None:
    """Ratios of 1.1, 1.2 and 1.6: mean 1.3, standard error 0.152753; t of two degrees is 4.302653."""
    ratio = {1: 1.1, 2: 1.2, 3: 1.6}

    def level(series: str, seed: int, name: str, severity: int) -> float:
        return 0.5 * (ratio[seed] if series == "all" else 1.0)

    found = summarised(fold_rows(rows(level, seeds=(1, 2, 3)), "baseline", 5)).iloc[0]
    assert (found["n"], found["mean"]) == (3, pytest.approx(1.3))
    assert found["sem"] == pytest.approx(0.152753, abs=1e-6)
    reach = 4.302653 * 0.152753
    assert (found["low"], found["high"]) == pytest.approx((1.3 - reach, 1.3 + reach), abs=1e-5)


def value(table: pd.DataFrame, series: str, measure: str) -> Any:
    (found,) = (row for _, row in table.iterrows() if (row["series"], row["measure"]) == (series, measure))
    return found


def test_errors_are_those_of_the_measures_seed_by_seed() -> None:
    table = network_errors(rows(plain), "baseline", GROUPING, ("frost",))
    assert value(table, "baseline", "mCE")["mean"] == pytest.approx(1)
    assert value(table, "baseline", "relative mCE")["mean"] == pytest.approx(1)
    assert value(table, "all", "clean error")["mean"] == pytest.approx(1 - 0.95 - 0.015)
    assert value(table, "all", "weather")["mean"] == pytest.approx(1 - 0.5 + 0.06 - 0.05 - 0.015)
    assert value(table, "all", "weather without frost")["mean"] == pytest.approx(1 - 0.6 + 0.06 - 0.065)
    by_hand = []
    for seed in (1, 2):
        errors = {
            series: mean_errors(
                {
                    name: [1 - plain(series, seed, name, s) for s in range(1, 6)]
                    for name in ("snow", "frost_synthetic", "zoom_blur")
                }
            )
            for series in ("all", "baseline")
        }
        by_hand.append(mce(errors["all"], errors["baseline"]) / 100)
    found = value(table, "all", "mCE")
    assert [float(each) for each in found["by_seed"].split()] == pytest.approx(by_hand)
    assert found["n"] == 2
    assert found["low"] < found["mean"] < found["high"]


def test_a_mean_over_some_of_its_corruptions_says_so() -> None:
    lacking = network_errors(rows(plain, names=("snow", "zoom_blur")), "baseline", GROUPING)
    assert {"weather (1 of 2)", "blur", "mean error (2 of 19)"} <= set(lacking["measure"])
    whole = network_errors(rows(lambda *_: 0.7, names=NAMES), "baseline", GROUPINGS["push-pull"])
    assert not [name for name in whole["measure"] if " of " in name]


def test_networks_under_other_corruptions_are_not_compared() -> None:
    """A ratio that is not defined is no excuse for rows that are not there."""
    told = rows(plain)
    lacking = told[(told["series"] != "all") | (told["corruption"] != "snow")]
    with pytest.raises(DataError, match="'all' and 'baseline' under the same corruptions; got snow"):
        network_errors(lacking, "baseline", {"blur": ("zoom_blur",)})


def test_what_is_not_defined_is_said_and_stops_nothing_else() -> None:
    better = rows(
        lambda series, seed, name, severity: (
            0.9 if name == "snow" else plain(series, seed, name, severity) - 0.2
        )
    )
    table = network_errors(better, "baseline", GROUPING)
    assert math.isnan(value(table, "all", "relative mCE")["mean"])
    assert value(table, "all", "relative mCE")["by_seed"] == "undefined"
    assert math.isfinite(value(table, "all", "mCE")["mean"])


@pytest.mark.parametrize("reference", ["baseline", ALEXNET])
def test_of_some_severities_errors_are_means_and_ratios_are_not_defined(reference: str) -> None:
    some = rows(lambda *key: 0.7 - 0.04 * key[-1], names=NAMES).query("severity in (0, 1, 3, 4)")
    table = network_errors(some, reference, {"blur": ("zoom_blur",)})
    for measure in ("mean error", "blur"):
        assert value(table, "all", measure)["mean"] == pytest.approx(0.3 + 0.04 * 8 / 3)
    for measure in ("mCE", "relative mCE"):
        assert value(table, "all", measure)["by_seed"] == "undefined"
    assert value(table, "all", "clean error")["mean"] == pytest.approx(0.3)


def test_alexnet_is_a_reference_by_its_published_errors() -> None:
    names = [name for group in GROUPINGS["push-pull"].values() for name in group]
    table = network_errors(rows(lambda *_: 0.7, names=names), ALEXNET, GROUPINGS["push-pull"])
    others = alexnet_cifar10()[0]
    expected = np.mean([0.3 / error for error in others.values()])
    assert value(table, "all", "mCE")["mean"] == pytest.approx(expected)
    assert value(table, "all", "noise")["mean"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table[table["series"] != "baseline"], "expected rows of 'baseline', seed 1"),
        (
            lambda table: table[(table["severity"] != 4) | (table["series"] == "all")],
            "'all' and 'baseline' under the same corruptions; got frost at severity 4 of one alone",
        ),
        (lambda table: table[table["severity"] == 0], "expected errors under at least one corruption"),
        (fewer_images, "'all' and 'baseline' on the same images; got 50 and 100 at seed 1"),
        (lambda table: table[table["severity"] != 0], "expected one row of clean images"),
    ],
)
def test_rows_that_lack_something_are_refused(change: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        network_errors(change(rows(plain)), "baseline", GROUPING)
