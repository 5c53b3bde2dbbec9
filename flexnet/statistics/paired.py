"""Paired differences: two series compared on the training seeds that both have."""

from collections.abc import Mapping
from dataclasses import dataclass

from flexnet.errors import DataError
from flexnet.statistics.intervals import t_interval


@dataclass(frozen=True)
class Paired:
    """Mean difference over `n` matched seeds with its interval, and the difference of each seed."""

    effect: float
    low: float
    high: float
    n: int
    differences: Mapping[int, float]


def paired_difference(
    first: Mapping[int, float], second: Mapping[int, float], *, level: float = 0.95
) -> Paired:
    """Mean of first minus second over the seeds that both have.

    Pairing removes what two networks of one seed share (the order of the images, the subset drawn), so
    its interval is usually narrower than that of two separate means.

    Args:
        first: seed -> value of the first series, averaged over draws.
        second: seed -> value of the second series, in the same unit.
        level: coverage of the t interval, in (0, 1); it is NaN for a single common seed and
            for differences that are all the same.

    Raises:
        DataError: if no seed is common, or a value is not finite.
    """
    common = sorted(set(first) & set(second))
    if not common:
        raise DataError(
            f"expected seeds common to both series; got {sorted(first)} and {sorted(second)}; "
            "train both with the same seeds"
        )
    differences = {seed: first[seed] - second[seed] for seed in common}
    estimate = t_interval(differences.values(), level=level)
    return Paired(estimate.mean, estimate.low, estimate.high, estimate.n, differences)
