"""Correlation of two quantities over a set of things, here corruptions, and how sure it is."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from flexnet.errors import DataError
from flexnet.statistics.intervals import t_interval

DRAWS = 9999  # of a permutation test: with the order that was found, ten thousand
_SEED = 0  # the test is arithmetic: the same numbers have the same p
_NEAR_ONE = 1 - 1e-12


@dataclass(frozen=True)
class Correlation:
    """A correlation over `n` things.

    Attributes:
        n: how many.
        pearson: linear correlation, -1 to 1.
        low, high: 95 % interval of it by Fisher's z; NaN for fewer than four things.
        p: share of random orders whose correlation is as far from 0 (two-sided permutation test).
        spearman: correlation of the ranks, equal values with the mean of their ranks.
    """

    n: int
    pearson: float
    low: float
    high: float
    p: float
    spearman: float


def correlation(x: Sequence[float], y: Sequence[float]) -> Correlation:
    """Correlate two quantities.

    Raises:
        DataError: if there are fewer than three things, numbers are not finite, or one of the quantities is
            the same for all.
    """
    r = pearson(x, y)
    first, second = _checked(x, y)
    low, high = fisher_interval(r, len(first))
    ranks = pearson(rank(first), rank(second))
    return Correlation(len(first), r, low, high, _permuted(first, second, r), ranks)


def pearson(x: Sequence[float] | NDArray[np.float64], y: Sequence[float] | NDArray[np.float64]) -> float:
    """Pearson's correlation.

    Raises:
        DataError: as `correlation`.
    """
    first, second = (values - values.mean() for values in _checked(x, y))
    return float(np.clip(first @ second / math.sqrt((first @ first) * (second @ second)), -1.0, 1.0))


def rank(values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1; equal values share the mean of theirs."""
    array = np.asarray(values, dtype=float)
    below = (array[:, None] > array[None, :]).sum(1)
    same = (array[:, None] == array[None, :]).sum(1)
    ranks: NDArray[np.float64] = below + (same + 1) / 2
    return ranks


def fisher_interval(r: float, n: int) -> tuple[float, float]:
    """95 % interval of a correlation over n independent things; NaN for fewer than four."""
    if n < 4:
        return math.nan, math.nan
    z, reach = math.atanh(min(max(r, -_NEAR_ONE), _NEAR_ONE)), float(ndtri(0.975)) / math.sqrt(n - 3)
    return math.tanh(z - reach), math.tanh(z + reach)


def mean_correlation(values: Iterable[float]) -> tuple[float, float, float]:
    """Mean of correlations of several training seeds, with its 95 % t interval, by Fisher's z.

    Returns:
        mean, low, high; the last two are NaN for a single seed, or seeds that all agree.
    """
    bounded = [min(max(value, -_NEAR_ONE), _NEAR_ONE) for value in values]
    found = t_interval([math.atanh(value) for value in bounded])
    return math.tanh(found.mean), math.tanh(found.low), math.tanh(found.high)


def _permuted(x: NDArray[np.float64], y: NDArray[np.float64], r: float) -> float:
    generator = np.random.default_rng(_SEED)
    orders = generator.permuted(np.tile(y - y.mean(), (DRAWS, 1)), axis=1)
    centred = x - x.mean()
    scale = math.sqrt((centred @ centred) * float(orders[0] @ orders[0]))
    far = np.abs(orders @ centred) / scale >= abs(r) - 1e-12
    return (1 + int(far.sum())) / (1 + DRAWS)


def _checked(
    x: Sequence[float] | NDArray[np.float64], y: Sequence[float] | NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if first.shape != second.shape or first.ndim != 1 or len(first) < 3:
        raise DataError(
            f"expected two lists of at least three numbers each; got shapes {first.shape} and "
            f"{second.shape}; correlate more"
        )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise DataError("expected finite numbers to correlate; got others; leave them out")
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        raise DataError("expected numbers that differ; got all the same; there is nothing to correlate")
    return first, second
