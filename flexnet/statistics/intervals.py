"""Means with their uncertainty: standard error, Student t interval, Wilson interval.

One observation has no spread: its standard error and interval are NaN, never zero. Nor have observations that
are all the same: they show no spread, but not that there is none.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri, stdtrit

from flexnet.errors import ConfigError, DataError

# Fractions that differ by less differ by the rounding of floating-point numbers alone.
TIE: Final = 1e-11


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` independent observations, in the unit of the observations.

    `sem` is the standard error of the mean (standard deviation with n - 1 below the line, over root n);
    `low` and `high` bound the interval. The three are NaN when n is 1, or all observations are the same.
    """

    n: int
    mean: float
    sem: float
    low: float
    high: float


def t_interval(values: Iterable[float], *, level: float = 0.95, tie: float = TIE) -> Estimate:
    """Estimate the mean of `values` with its Student t interval.

    Values that are all the same have none: the seeds may be copies of each other, or the numbers of right
    answers may agree by luck.

    Args:
        values: one number per independent unit (here: per training seed).
        level: coverage of the interval, in (0, 1).
        tie: values that differ by at most this are the same; the default is for fractions.

    Raises:
        DataError: if there is no value, or one is not finite.
        ConfigError: if `level` is not in (0, 1).
    """
    sample = _sample(values)
    half_tail = _half_tail(level)
    n, mean = len(sample), float(np.mean(sample))
    if n == 1 or float(np.ptp(sample)) <= tie:
        return Estimate(n, mean, math.nan, math.nan, math.nan)
    sem = float(np.std(sample, ddof=1)) / math.sqrt(n)
    reach = float(stdtrit(n - 1, 1.0 - half_tail)) * sem
    return Estimate(n, mean, sem, mean - reach, mean + reach)


def wilson_interval(correct: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a proportion: `correct` out of `n` images, as fractions in [0, 1].

    It speaks of the images alone; the spread between training seeds is not in it.

    Raises:
        DataError: unless 0 <= correct <= n and n >= 1.
        ConfigError: if `level` is not in (0, 1).
    """
    if not (n >= 1 and 0 <= correct <= n):
        raise DataError(
            f"expected 0 <= correct <= n and n >= 1; got correct={correct}, n={n}; check the counts"
        )
    z = float(ndtri(1.0 - _half_tail(level)))
    share = correct / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - reach), min(1.0, centre + reach)


def _sample(values: Iterable[float]) -> np.ndarray:
    sample = np.asarray(list(values), dtype=float)
    if sample.size == 0:
        raise DataError("expected at least one value; got none; check that the rows hold a training seed")
    if not np.isfinite(sample).all():
        raise DataError(f"expected finite values; got {sample.tolist()}; check the run that made them")
    return sample


def _half_tail(level: float) -> float:
    if not 0.0 < level < 1.0:
        raise ConfigError(f"expected a level between 0 and 1; got {level}; write 0.95 for 95 %")
    return (1.0 - level) / 2.0
