"""McNemar's exact test against SciPy's binomial test, and Holm's method by hand."""

import numpy as np
import pytest
from scipy.stats import binomtest

from flexnet.errors import DataError
from flexnet.statistics.mcnemar import discordant, holm, mcnemar


@pytest.mark.parametrize(
    ("gained", "lost"), [(0, 0), (1, 0), (5, 5), (6, 5), (0, 8), (14, 3), (3, 14), (40, 60), (500, 480)]
)
def test_p_is_that_of_the_binomial_test(gained, lost):
    theirs = 1.0 if gained + lost == 0 else binomtest(gained, gained + lost).pvalue
    assert mcnemar(gained, lost) == pytest.approx(theirs, rel=1e-10)


def test_images_on_which_both_agree_do_not_count_and_the_order_does_not_matter():
    first = np.array([True] * 8 + [False] * 2 + [True] * 50)
    second = np.array([False] * 8 + [True] * 2 + [True] * 50)
    assert discordant(first, second) == (8, 2)
    assert discordant(second, first) == (2, 8)
    assert discordant(first[:10], second[:10]) == (8, 2)
    assert mcnemar(8, 2) == mcnemar(2, 8)


@pytest.mark.parametrize("pair", [(-1, 2), (1.5, 2), (2, -3)])
def test_what_is_no_number_of_images_is_refused(pair):
    with pytest.raises(DataError, match="expected numbers of images"):
        mcnemar(*pair)


def test_outcomes_of_other_images_are_refused():
    with pytest.raises(DataError, match="outcomes of the same images"):
        discordant(np.ones(3, dtype=bool), np.ones(4, dtype=bool))


def test_holm_by_hand():
    # Sorted: .01 * 4, .02 * 3, .03 * 2 (raised to what came before), .5.
    assert holm([0.03, 0.5, 0.01, 0.02]) == pytest.approx([0.06, 0.5, 0.04, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []
    assert holm([0.04]) == [0.04]
