"""The kinds of measurement that rules name: small functions from rows to an effect with its interval.

All work on a grid of paired differences: one row per training seed, one column per condition, in
percentage points. Repeats within a seed are averaged first; the seed is the unit of every interval.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pandas as pd

from flexnet.claims.model import Comparison, Rule, Window
from flexnet.errors import ConfigError
from flexnet.statistics.intervals import t_interval


class NotMeasured(Exception):
    """The rows do not hold what a rule needs; the text says what is absent."""


@dataclass(frozen=True)
class Measurement:
    """An effect in percentage points with its 95 % interval over `n` seeds.

    `exceptions` lists where the universal part of a claim fails; empty if it holds or there is none.
    """

    effect: float
    low: float
    high: float
    n: int
    detail: str
    exceptions: tuple[str, ...] = ()


Kind: TypeAlias = Callable[[pd.DataFrame, Rule, Comparison, Window], Measurement]
KINDS: dict[str, Kind] = {}


def rule_kind(function: Kind) -> Kind:
    """Register a kind of measurement under the function's own name.

    Raises:
        ConfigError: if the name is taken.
    """
    name = getattr(function, "__name__", "")
    if name in KINDS:
        raise ConfigError(f"expected a new kind of rule; {name!r} is registered already; choose another name")
    KINDS[name] = function
    return function


def measure(rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window) -> Measurement:
    """Measure one comparison of a rule on the rows of one figure and protocol.

    Raises:
        NotMeasured: if a series, a common seed or every condition of the window is absent.
        ConfigError: if the rule's kind is unknown.
    """
    if rule.kind not in KINDS:
        raise ConfigError(f"unknown kind of rule {rule.kind!r}; known are {sorted(KINDS)}; choose one")
    return KINDS[rule.kind](rows, rule, comparison, window)


@rule_kind
def final_difference(rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window) -> Measurement:
    """The difference at the last condition, such as the last epoch."""
    grid = _inside(difference_grid(rows, comparison, rule.over), window, rule.over)
    last = max(grid.columns)
    return _estimate(grid[[last]], f"{comparison.text}, {rule.over} {last:g}")


@rule_kind
def mean_difference(rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window) -> Measurement:
    """The difference averaged over all conditions of the window, each with the same weight."""
    grid = _inside(difference_grid(rows, comparison, rule.over), window, rule.over)
    first, last = min(grid.columns), max(grid.columns)
    conditions = f"mean over {len(grid.columns)} values of {rule.over} from {first:.4g} to {last:.4g}"
    return _estimate(grid, f"{comparison.text}, {conditions}", _exceptions(grid, rule))


@rule_kind
def crossing_difference(
    rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window
) -> Measurement:
    """The mean difference of the window; its detail also tells where the difference turns, window or not."""
    measured = mean_difference(rows, rule, comparison, window)
    means = difference_grid(rows, comparison, rule.over).mean() * rule.sign
    turn = crossing(means.index.to_list(), means.to_list())
    return Measurement(
        measured.effect,
        measured.low,
        measured.high,
        measured.n,
        f"{measured.detail}; {_crossing_text(turn, float(means.index.min()), rule.over)}",
        measured.exceptions,
    )


def crossing(conditions: Sequence[float], differences: Sequence[float]) -> float:
    """Where a difference turns positive for good, by linear interpolation.

    Args:
        conditions: increasing grid, such as epsilons.
        differences: one difference per grid value.

    Returns:
        The crossing; the first grid value if all differences are positive; NaN if the last is not.
    """
    if not differences or differences[-1] <= 0:
        return math.nan
    last_loss = max((place for place, value in enumerate(differences) if value <= 0), default=-1)
    if last_loss < 0:
        return float(conditions[0])
    below, above = differences[last_loss], differences[last_loss + 1]
    start, stop = conditions[last_loss], conditions[last_loss + 1]
    return float(start + (stop - start) * -below / (above - below))


def difference_grid(rows: pd.DataFrame, comparison: Comparison, over: str) -> pd.DataFrame:
    """Paired differences in points: one row per seed that all series have, one column per condition.

    Against several series, the one with the greatest mean over seeds at a condition counts there.

    Raises:
        NotMeasured: if a series is absent or no seed or condition is common to all.
    """
    first, *others = (_grid(rows, name, over) for name in (comparison.series, *comparison.against))
    seeds = sorted(set(first.index).intersection(*(other.index for other in others)))
    if not seeds:
        raise NotMeasured(f"no training seed is common to {comparison.text}")
    others = [other.loc[seeds] for other in others]
    best = pd.concat([other.mean() for other in others], axis=1).dropna().idxmax(axis=1)
    rival = pd.DataFrame({condition: others[int(place)][condition] for condition, place in best.items()})
    grid = 100.0 * (first.loc[seeds] - rival).dropna(axis="columns")
    if grid.empty:
        raise NotMeasured(f"no {over} is common to {comparison.text}")
    return grid.sort_index(axis="columns")


def _grid(rows: pd.DataFrame, series: str, over: str) -> pd.DataFrame:
    part = rows[rows["series"] == series]
    if "split" in part.columns:
        part = part[part["split"] == "test"]
    if part.empty or over not in part.columns:
        raise NotMeasured(f"no rows of series {series!r} with a column {over!r}")
    return part.pivot_table(index="seed", columns=over, values="accuracy", aggfunc="mean")


def _inside(grid: pd.DataFrame, window: Window, over: str) -> pd.DataFrame:
    kept = [condition for condition in grid.columns if float(condition) in window]
    if not kept:
        raise NotMeasured(
            f"no {over} {window.text} among {[round(float(value), 4) for value in grid.columns]}"
        )
    return grid[kept]


def _estimate(grid: pd.DataFrame, detail: str, exceptions: tuple[str, ...] = ()) -> Measurement:
    estimate = t_interval(grid.mean(axis="columns"))
    return Measurement(estimate.mean, estimate.low, estimate.high, estimate.n, detail, exceptions)


def _exceptions(grid: pd.DataFrame, rule: Rule) -> tuple[str, ...]:
    """Where the effect does not lie on the claimed side of zero, per column named in `universal`."""
    means = {rule.over: grid.mean() * rule.sign, "seed": grid.mean(axis="columns") * rule.sign}
    found = []
    for name in rule.universal:
        failing = means[name][means[name] <= 0]
        if len(failing):
            worst = failing.idxmin()
            found.append(f"fails at {len(failing)} of {len(means[name])} {name}s, worst at {name} {worst}")
    return tuple(found)


def _crossing_text(turn: float, first: float, over: str) -> str:
    if math.isnan(turn):
        return "no measured crossing"
    return f"ahead at every {over}" if turn == first else f"measured crossing at {over} {turn:.3f}"
