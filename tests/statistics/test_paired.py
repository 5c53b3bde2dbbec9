import math

import pytest

from flexnet.errors import DataError
from flexnet.statistics.paired import paired_difference


def test_difference_over_common_seeds_by_hand():
    # Seeds 1 and 3 are common: differences 2 and 4, mean 3, SEM 1, t quantile of one degree 12.7062.
    result = paired_difference({1: 5.0, 2: 100.0, 3: 7.0}, {1: 3.0, 3: 3.0, 4: 0.0})
    assert dict(result.differences) == {1: 2.0, 3: 4.0}
    assert (result.effect, result.n) == (3.0, 2)
    assert result.low == pytest.approx(3 - 12.7062047, abs=1e-6)
    assert result.high == pytest.approx(3 + 12.7062047, abs=1e-6)


def test_pairing_removes_what_seeds_share():
    # The seeds differ by 20 points, the two series by 0.9, 1 and 1.1: that is all its interval holds.
    result = paired_difference({1: 50.9, 2: 71.0, 3: 91.1}, {1: 50.0, 2: 70.0, 3: 90.0})
    reach = 4.3026527 * 0.1 / math.sqrt(3)
    assert (result.effect, result.low, result.high) == pytest.approx((1.0, 1.0 - reach, 1.0 + reach))


def test_equal_differences_give_no_interval():
    result = paired_difference({1: 51.0, 2: 71.0}, {1: 50.0, 2: 70.0})
    assert (result.effect, result.n) == (1.0, 2)
    assert math.isnan(result.low)


def test_one_common_seed_gives_no_interval():
    result = paired_difference({1: 0.6}, {1: 0.5})
    assert result.effect == pytest.approx(0.1)
    assert math.isnan(result.low)
    assert math.isnan(result.high)


def test_no_common_seed_is_an_error():
    with pytest.raises(DataError, match=r"seeds common to both series; got \[1\] and \[2\]"):
        paired_difference({1: 0.6}, {2: 0.5})
