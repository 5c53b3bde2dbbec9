"""From a grid of effects, one row per seed and one column per condition, to an effect with its interval."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from flexnet.claims.kinds import Measurement
from flexnet.claims.model import TIE, Rule
from flexnet.statistics.intervals import Estimate, t_interval

PER_CENT = 100.0


def estimate(grid: pd.DataFrame, rule: Rule, detail: str, notes: tuple[str, ...] = ()) -> Measurement:
    """The mean over conditions, each with the same weight, with its interval over seeds.

    Args:
        grid: effects in points.
        rule: tells the claimed side, and whether the claim is universal.
        detail: what was compared.
        notes: what was left out.
    """
    return measured(grid.mean(axis="columns"), detail, notes, exceptions(grid, rule))


def measured(
    effects: "pd.Series[float]", detail: str, notes: tuple[str, ...] = (), exceptions: tuple[str, ...] = ()
) -> Measurement:
    """The mean of the effects of all seeds, in points, with its interval."""
    mean = interval(effects)
    by_seed = tuple(map(float, effects.sort_index()))
    return Measurement(mean.mean, mean.low, mean.high, mean.n, detail, exceptions, notes, by_seed)


def interval(values: Iterable[float]) -> Estimate:
    """The t interval of the mean of values in points; none (NaN) where all are the same up to rounding."""
    return t_interval(values, tie=TIE)


def exceptions(grid: pd.DataFrame, rule: Rule) -> tuple[str, ...]:
    """Where a universal claim fails: pairs of condition and seed that are not on the claimed side of zero.

    A mean over seeds or conditions would hide a pair that loses behind one that wins by more. A tie is no
    loss, but "more accurate at every ..." does not hold there either.
    """
    pairs = grid.to_numpy() * rule.sign
    losses, ties = int((pairs < -TIE).sum()), int((np.abs(pairs) <= TIE).sum())
    if not rule.universal or losses + ties == 0:
        return ()
    found = [f"{losses} of {pairs.size} pairs of {rule.over} and seed fail"]
    if losses:
        seed, condition = np.unravel_index(pairs.argmin(), pairs.shape)
        where = f"{rule.over} {float(grid.columns[int(condition)]):g}, seed {grid.index[int(seed)]}"
        found.append(f"worst by {-pairs.min():.3g} points at {where}")
    if ties:
        found.append(f"{ties} of {pairs.size} tie")
    return (", ".join(found),)
