"""Kinds of rules that look at one series by itself: along its conditions, or beside a published mean."""

import math

import pandas as pd
from scipy.special import stdtrit

from flexnet.claims.grids import PER_CENT, accuracy_grid, estimate, exceptions, inside
from flexnet.claims.kinds import Measurement, NotMeasured, rule_kind
from flexnet.claims.model import GRID_TOLERANCE, Cell, Comparison, Rule, Window
from flexnet.errors import ConfigError
from flexnet.statistics.intervals import Estimate, t_interval

UPPER_TAIL = 0.975


@rule_kind
def peak_difference(rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window) -> Measurement:
    """Accuracy at the condition `at` minus the mean accuracy at all others of the window, paired per seed."""
    if comparison.at is None:
        raise ConfigError(f"peak_difference of {comparison.series}: the key 'at' is absent; add it")
    levels = PER_CENT * inside(accuracy_grid(rows, comparison.series, rule.over), window, rule.over)
    levels = levels.dropna(axis="columns")
    peak = [value for value in levels.columns if abs(float(value) - comparison.at) <= GRID_TOLERANCE]
    others = [value for value in levels.columns if value not in peak]
    if not peak or not others:
        found = [round(float(value), 4) for value in levels.columns]
        raise NotMeasured(f"{comparison.text}: no {rule.over} {comparison.at:g} beside others among {found}")
    grid = levels[others].rsub(levels[peak[0]], axis="index")
    detail = f"{comparison.text} at {rule.over} {comparison.at:g} - mean over {len(grid.columns)} others"
    return estimate(grid, detail, exceptions(grid, rule))


@rule_kind
def cell_difference(rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window) -> Measurement:
    """How far our mean lies from a published one, either way, with the uncertainty of both."""
    if comparison.cell is None:
        raise ConfigError(f"cell_difference of {comparison.series}: the key 'cell' is absent; add it")
    grid = PER_CENT * inside(accuracy_grid(rows, comparison.series, rule.over), window, rule.over)
    ours, theirs = t_interval(grid.mean(axis="columns")), comparison.cell
    distance, reach = abs(ours.mean - theirs.mean), combined_reach(ours, theirs)
    # The interval of a distance: that of the difference, folded at zero.
    low = math.nan if math.isnan(reach) else max(0.0, distance - reach)
    where = f"{rule.over} {min(grid.columns):g}"
    detail = f"{comparison.text}, {where}: {ours.mean:.1f} here, {theirs.mean:.1f} in the paper"
    return Measurement(distance, low, distance + reach, ours.n, detail)


def combined_reach(ours: Estimate, theirs: Cell) -> float:
    """Half the width of the 95 % interval of the difference of two independent means (Welch).

    It is t(0.975, f) sqrt(a + b) with a and b the squared standard errors of the two means and
    f = (a + b)^2 / (a^2 / (n_a - 1) + b^2 / (n_b - 1)); NaN for a single seed of ours.
    """
    if ours.n < 2:
        return math.nan
    a, b = ours.sem**2, theirs.sem**2
    freedom = (a + b) ** 2 / (a**2 / (ours.n - 1) + b**2 / (theirs.n - 1))
    return float(stdtrit(freedom, UPPER_TAIL)) * math.sqrt(a + b)
