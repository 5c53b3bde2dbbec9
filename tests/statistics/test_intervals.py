import math

import numpy as np
import pytest
from scipy import stats

from flexnet.errors import ConfigError, DataError
from flexnet.statistics.intervals import t_interval, wilson_interval


def test_t_interval_of_three_numbers_by_hand():
    # Mean 2, standard deviation 1, SEM 1 / sqrt 3; the t quantile for two degrees of freedom is 4.3027.
    estimate = t_interval([1.0, 2.0, 3.0])
    assert (estimate.n, estimate.mean) == (3, 2.0)
    assert estimate.sem == pytest.approx(0.5773503, abs=1e-7)
    assert estimate.low == pytest.approx(2 - 4.3026527 * 0.5773503, abs=1e-6)
    assert estimate.high == pytest.approx(2 + 4.3026527 * 0.5773503, abs=1e-6)


def test_one_value_has_no_spread():
    estimate = t_interval([0.9])
    assert (estimate.n, estimate.mean) == (1, 0.9)
    assert all(math.isnan(value) for value in (estimate.sem, estimate.low, estimate.high))


@pytest.mark.parametrize("values", [[0.5, 0.5, 0.5, 0.5], [0.1 + 0.2, 0.3]])
def test_equal_values_show_no_spread(values):
    estimate = t_interval(values)
    assert (estimate.n, estimate.mean) == (len(values), pytest.approx(np.mean(values)))
    assert np.isnan([estimate.sem, estimate.low, estimate.high]).all()


def test_values_of_one_answer_more_or_less_do_differ():
    assert t_interval([0.5, 0.5 + 1e-6]).sem > 0
    assert math.isnan(t_interval([30.0, 30.0 + 1e-6], tie=1e-5).sem)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("n", [2, 5, 10])
def test_t_interval_agrees_with_scipy_stats(n, level):
    values = np.random.default_rng(n).normal(0.7, 0.1, n)
    expected = stats.t.interval(level, n - 1, loc=values.mean(), scale=stats.sem(values))
    estimate = t_interval(values, level=level)
    assert (estimate.low, estimate.high) == pytest.approx(expected, rel=1e-10)


def test_wilson_interval_by_hand():
    # 8 of 10 at z = 1.959964: centre 0.716739, half width 0.226569.
    assert wilson_interval(8, 10) == pytest.approx((0.490162, 0.943318), abs=1e-5)


def test_wilson_interval_stays_within_zero_and_one():
    low, high = wilson_interval(0, 20)
    assert low == 0.0
    assert 0.0 < high < 0.2
    low, high = wilson_interval(20, 20)
    assert 0.8 < low < 1.0
    assert high == pytest.approx(1.0, abs=1e-12)


@pytest.mark.oracle
@pytest.mark.parametrize(("correct", "n"), [(0, 7), (3, 7), (7, 7), (9142, 10000)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_interval_agrees_with_statsmodels(correct, n, level):
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    expected = proportion.proportion_confint(correct, n, alpha=1 - level, method="wilson")
    assert wilson_interval(correct, n, level=level) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("values", "message"), [([], "at least one value; got none"), ([0.1, math.nan], "finite values; got")]
)
def test_t_interval_refuses_values_without_a_mean(values, message):
    with pytest.raises(DataError, match=message):
        t_interval(values)


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_level_is_a_fraction(level):
    with pytest.raises(ConfigError, match="level between 0 and 1"):
        t_interval([1.0, 2.0], level=level)
    with pytest.raises(ConfigError, match="level between 0 and 1"):
        wilson_interval(1, 2, level=level)


@pytest.mark.parametrize(("correct", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_wilson_interval_refuses_impossible_counts(correct, n):
    with pytest.raises(DataError, match=f"correct={correct}, n={n}"):
        wilson_interval(correct, n)
