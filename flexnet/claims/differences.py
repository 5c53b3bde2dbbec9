"""Kinds of rules that compare series with each other, on a grid of paired differences in points."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from flexnet.claims.estimates import PER_CENT, estimate, measured
from flexnet.claims.floor import above_floor
from flexnet.claims.grids import series_grid
from flexnet.claims.kinds import Measurement, NotMeasured, rule_kind
from flexnet.claims.model import Comparison, Rule, Window
from flexnet.claims.seeds import Levels, complete, complete_levels


@rule_kind(needs=("against",), reads=("measure", "universal"))
def final_difference(rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window) -> Measurement:
    """The difference at the last condition, such as the last epoch."""
    levels = compared(rows, rule, comparison, window, last=True)
    detail = f"{comparison.text}, {rule.over} {levels.conditions[0]:g}"
    return estimate(differences(levels), rule, detail, levels.notes)


@rule_kind(needs=("against",), reads=("measure", "universal"))
def mean_difference(rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window) -> Measurement:
    """The difference averaged over all conditions of the window, each with the same weight."""
    levels = compared(rows, rule, comparison, window)
    detail = f"{comparison.text}, {conditions_text(levels.conditions, rule.over)}"
    return estimate(differences(levels), rule, detail, levels.notes)


@rule_kind(needs=("against",), reads=("measure", "universal"))
def crossing_difference(
    rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window
) -> Measurement:
    """The mean difference of the window; its detail also tells where the difference turns, window or not."""
    levels = compared(rows, rule, comparison, window)
    detail = f"{comparison.text}, {conditions_text(levels.conditions, rule.over)}"
    detail += f"; {_crossing_words(rows, rule, comparison)}"
    return estimate(differences(levels), rule, detail, levels.notes)


@rule_kind(needs=("against",), reads=("measure",))
def mean_distance(rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window) -> Measurement:
    """How far apart the series are, either way, at the condition of the window where they are farthest.

    There the mean difference and its interval are folded at zero. The mean over several conditions would not
    do: two networks of which one is ahead here and behind there are not alike. Differences of single seeds
    have the sign that the mean one has after folding.
    """
    levels = compared(rows, rule, comparison, window)
    grid = differences(levels)
    farthest = levels.conditions[int(grid.mean().abs().to_numpy().argmax())]
    found = measured(grid[farthest], "", levels.notes)
    low, high = folded(found.low, found.high)
    by_seed = tuple(math.copysign(1, found.effect) * value for value in found.by_seed)
    detail = f"{comparison.text}, {_farthest_words(levels, rule.over, farthest)}: {found.effect:.1f}"
    return replace(found, effect=abs(found.effect), low=low, high=high, by_seed=by_seed, detail=detail)


def _farthest_words(levels: Levels, over: str, farthest: float) -> str:
    first, *others = levels.conditions
    among = (
        f", the farthest apart of {1 + len(others)} from {first:.4g} to {others[-1]:.4g}" if others else ""
    )
    return f"{over} {farthest:.4g}{among}"


def folded(low: float, high: float) -> tuple[float, float]:
    """The least and the greatest distance from zero of the numbers between two; NaN stays."""
    if math.isnan(low) or math.isnan(high):
        return math.nan, math.nan
    nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return nearest, max(abs(low), abs(high))


@rule_kind(needs=("than",), reads=("measure", "universal"))
def condition_difference(
    rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window
) -> Measurement:
    """One series under some conditions minus the same series under others, such as two attacks."""
    grids = []
    for at in rule.sides(comparison):
        grid = series_grid(rows, comparison.series, rule.over, at, comparison.measure)
        there = ", ".join(str(at[name]) for name in comparison.than)
        grids.append(replace(grid, name=f"{grid.name} ({there})"))
    levels = above_floor(complete(grids, rule.over, window), rule, comparison.text)
    detail = f"{rule.text(comparison, '')}, {conditions_text(levels.conditions, rule.over)}"
    return estimate(differences(levels), rule, detail, levels.notes)


def compared(
    rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window, *, last: bool = False
) -> Levels:
    """Accuracies of the networks of a comparison where they can decide: complete seeds, above the floor.

    Raises:
        NotMeasured: as `complete_levels`.
        AtChance: if no network rises above chance.
    """
    names = (comparison.series, *comparison.against)
    told: dict[str, Any] = {"where": rule.at(comparison), "measure": comparison.measure}
    levels = complete_levels(rows, names, rule.over, window, last=last, **told)
    return above_floor(levels, rule, comparison.text)


def differences(levels: Levels) -> pd.DataFrame:
    """Paired differences in points of the first series from the others, per seed and condition.

    Against several series, the one with the greatest mean over seeds at a condition counts there.
    """
    first, *others = (grid.accuracy for grid in levels.grids)
    best = pd.concat([other.mean() for other in others], axis=1).idxmax(axis=1)
    rival = pd.DataFrame({condition: others[int(place)][condition] for condition, place in best.items()})
    return PER_CENT * (first - rival)


def conditions_text(conditions: Sequence[float], over: str) -> str:
    """The conditions of a mean in words."""
    first, last = conditions[0], conditions[-1]
    if first == last:
        return f"{over} {first:.4g}"
    return f"mean over {len(conditions)} values of {over} from {first:.4g} to {last:.4g}"


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


def _crossing_words(rows: pd.DataFrame, rule: Rule, comparison: Comparison) -> str:
    """Where the difference turns, over all conditions at which a network rises above chance."""
    try:
        levels = compared(rows, rule, comparison, Window())
    except NotMeasured:
        return f"no seed is complete over every {rule.over}, so no crossing is looked for"
    means = (differences(levels).mean() * rule.sign).to_list()
    turn = crossing(levels.conditions, means)
    if math.isnan(turn):
        return "no measured crossing"
    if turn == levels.conditions[0]:
        return f"ahead at every {rule.over} above chance"
    return f"measured crossing at {rule.over} {turn:.3f}"
