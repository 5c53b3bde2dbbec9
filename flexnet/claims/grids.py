"""Grids of accuracies and of their paired differences: one row per training seed, one column per condition.

Repeats within a seed are averaged first; the seed is the unit of every interval.
"""

import pandas as pd

from flexnet.claims.kinds import Measurement, NotMeasured
from flexnet.claims.model import Comparison, Rule, Window
from flexnet.statistics.intervals import t_interval

PER_CENT = 100.0
# Along other conditions than these, a claim speaks of test images, trained thresholds and no attack.
PLAIN = {"split": "test", "intervention": "trained", "epsilon": 0.0}


def accuracy_grid(rows: pd.DataFrame, series: str, over: str) -> pd.DataFrame:
    """Accuracies of one series as fractions: one row per seed, one column per value of `over`.

    Raises:
        NotMeasured: if the series or the column is absent.
    """
    part = rows[rows["series"] == series]
    for column, plain in PLAIN.items():
        if column in part.columns and column != over:
            part = part[part[column] == plain]
    if part.empty or over not in part.columns:
        raise NotMeasured(f"no rows of series {series!r} with a column {over!r}")
    return part.pivot_table(index="seed", columns=over, values="accuracy", aggfunc="mean")


def difference_grid(rows: pd.DataFrame, comparison: Comparison, over: str) -> pd.DataFrame:
    """Paired differences in points: one row per seed that all series have, one column per condition.

    Against several series, the one with the greatest mean over seeds at a condition counts there.

    Raises:
        NotMeasured: if a series is absent or no seed or condition is common to all.
    """
    first, *others = (accuracy_grid(rows, name, over) for name in (comparison.series, *comparison.against))
    seeds = sorted(set(first.index).intersection(*(other.index for other in others)))
    if not seeds:
        raise NotMeasured(f"no training seed is common to {comparison.text}")
    others = [other.loc[seeds] for other in others]
    best = pd.concat([other.mean() for other in others], axis=1).dropna().idxmax(axis=1)
    rival = pd.DataFrame({condition: others[int(place)][condition] for condition, place in best.items()})
    grid = PER_CENT * (first.loc[seeds] - rival).dropna(axis="columns")
    if grid.empty:
        raise NotMeasured(f"no {over} is common to {comparison.text}")
    return grid.sort_index(axis="columns")


def inside(grid: pd.DataFrame, window: Window, over: str) -> pd.DataFrame:
    """The columns of a grid that lie in the window.

    Raises:
        NotMeasured: if there are none.
    """
    kept = [condition for condition in grid.columns if float(condition) in window]
    if not kept:
        raise NotMeasured(
            f"no {over} {window.text} among {[round(float(value), 4) for value in grid.columns]}"
        )
    return grid[kept]


def estimate(grid: pd.DataFrame, detail: str, found: tuple[str, ...] = ()) -> Measurement:
    """The mean over conditions, each with the same weight, with its interval over seeds."""
    mean = t_interval(grid.mean(axis="columns"))
    return Measurement(mean.mean, mean.low, mean.high, mean.n, detail, found)


def exceptions(grid: pd.DataFrame, rule: Rule) -> tuple[str, ...]:
    """Where the effect does not lie on the claimed side of zero, per column named in `universal`."""
    means = {rule.over: grid.mean() * rule.sign, "seed": grid.mean(axis="columns") * rule.sign}
    found = []
    for name in rule.universal:
        failing = means[name][means[name] <= 0]
        if len(failing):
            worst = failing.idxmin()
            found.append(f"fails at {len(failing)} of {len(means[name])} {name}s, worst at {name} {worst}")
    return tuple(found)
