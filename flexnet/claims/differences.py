"""Kinds of rules that compare series with each other, on a grid of paired differences in points."""

import math
from collections.abc import Sequence

import pandas as pd

from flexnet.claims.grids import difference_grid, estimate, exceptions, inside
from flexnet.claims.kinds import Measurement, rule_kind
from flexnet.claims.model import Comparison, Rule, Window


@rule_kind
def final_difference(rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window) -> Measurement:
    """The difference at the last condition, such as the last epoch."""
    grid = inside(difference_grid(rows, comparison, rule.over), window, rule.over)
    last = max(grid.columns)
    return estimate(grid[[last]], f"{comparison.text}, {rule.over} {last:g}")


@rule_kind
def mean_difference(rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window) -> Measurement:
    """The difference averaged over all conditions of the window, each with the same weight."""
    grid = inside(difference_grid(rows, comparison, rule.over), window, rule.over)
    first, last = min(grid.columns), max(grid.columns)
    conditions = f"mean over {len(grid.columns)} values of {rule.over} from {first:.4g} to {last:.4g}"
    if first == last:
        conditions = f"{rule.over} {first:.4g}"
    return estimate(grid, f"{comparison.text}, {conditions}", exceptions(grid, rule))


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


def _crossing_text(turn: float, first: float, over: str) -> str:
    if math.isnan(turn):
        return "no measured crossing"
    return f"ahead at every {over}" if turn == first else f"measured crossing at {over} {turn:.3f}"
