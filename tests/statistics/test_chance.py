import numpy as np
import pytest
from scipy import stats

from flexnet.errors import ConfigError, DataError
from flexnet.statistics.chance import rises_above_chance


@pytest.mark.parametrize(
    ("n", "chance", "looks"),
    # Of the last three the bound is not that of one image fewer.
    [
        (10, 0.1, 1),
        (1000, 0.1, 1),
        (1000, 0.1, 54),
        (500, 0.25, 7),
        (10, 0.1, 5),
        (100, 0.25, 2),
        (200, 0.5, 54),
    ],
)
def test_the_bound_is_the_binomial_tail(n, chance, looks):
    counts = np.arange(n + 1)
    tail = stats.binom.sf(counts - 1, n, chance)
    assert np.array_equal(rises_above_chance(counts, n, chance, looks=looks), tail <= 0.05 / looks)


def test_a_guess_and_less_do_not_rise():
    # Of 1,000 guesses among ten, 116 or more are right with a probability of 0.053, 117 or more with 0.043.
    assert rises_above_chance([0, 50, 100, 116, 117], 1000, 0.1).tolist() == [
        False,
        False,
        False,
        False,
        True,
    ]
    assert not rises_above_chance([117], 1000, 0.1, looks=2).any()


def test_a_mean_count_is_rounded_down_unless_it_is_whole():
    assert rises_above_chance(0.117 * 1000, 1000, 0.1)
    assert not rises_above_chance(116.9, 1000, 0.1)


def test_few_images_show_little():
    assert rises_above_chance([2, 3], [5, 5], 0.1).tolist() == [False, True]


@pytest.mark.parametrize(("correct", "n"), [(-1, 5), (6, 5), (0, 0), (np.nan, 5)])
def test_impossible_counts_are_refused(correct, n):
    with pytest.raises(DataError, match="0 <= correct <= n"):
        rises_above_chance(correct, n, 0.1)


def test_chance_and_looks_have_ranges():
    with pytest.raises(ConfigError, match="chance between 0 and 1; got 10"):
        rises_above_chance(1, 5, 10)
    with pytest.raises(ConfigError, match="at least one look; got 0"):
        rises_above_chance(1, 5, 0.1, looks=0)
