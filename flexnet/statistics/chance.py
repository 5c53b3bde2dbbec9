"""Whether networks do better than guessing: the binomial bound of one that guesses."""

import numpy as np
import numpy.typing as npt
from scipy.special import betainc

from flexnet.errors import ConfigError, DataError

ALPHA = 0.05


def rises_above_chance(
    correct: npt.ArrayLike, n: npt.ArrayLike, chance: float, *, looks: int = 1
) -> npt.NDArray[np.bool_]:
    """Whether counts of right answers are greater than guessing explains.

    A network that guesses has a binomial number of right answers. It rises above chance if so many or
    more would come by guessing with a probability of at most 0.05 / `looks`: whoever looks at many networks
    and conditions will see one of them lucky, so the bound grows with the number of looks (Bonferroni).

    Args:
        correct: right answers, any shape; a mean over repeats may lie between whole numbers and is
            rounded down.
        n: images, of the same shape or one number.
        chance: share of right answers of a guess, in (0, 1), such as 0.1 with ten classes.
        looks: number of counts that are looked at together, at least 1.

    Raises:
        ConfigError: if `chance` or `looks` is out of range.
        DataError: unless 0 <= correct <= n and n >= 1 everywhere.
    """
    if not 0.0 < chance < 1.0:
        raise ConfigError(f"expected chance between 0 and 1; got {chance}; write 0.1 for ten classes")
    if looks < 1:
        raise ConfigError(f"expected at least one look; got {looks}; count networks times conditions")
    counts, images = np.broadcast_arrays(np.asarray(correct, dtype=float), np.asarray(n, dtype=float))
    if not np.all((counts >= 0) & (counts <= images) & (images >= 1)):
        raise DataError("expected 0 <= correct <= n and n >= 1; got other counts; check the rows")
    # 0.29 * 100 is 28.999...: a count that is whole up to rounding is that whole number.
    whole = np.floor(counts + 1e-6)
    # P(X >= k) of a binomial X is an incomplete beta function; with k = 0 it is 1.
    tail = np.where(whole < 1, 1.0, betainc(np.maximum(whole, 1.0), images - whole + 1.0, chance))
    return np.asarray(tail <= ALPHA / looks)
