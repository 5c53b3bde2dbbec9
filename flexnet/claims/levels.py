"""Kinds of rules that look at one series by itself: along its conditions, or beside a published mean."""

import math

import pandas as pd
from scipy.special import stdtrit

from flexnet.claims.differences import compared, conditions_text
from flexnet.claims.estimates import PER_CENT, estimate, interval
from flexnet.claims.floor import above_floor, keep_above, rising
from flexnet.claims.kinds import Measurement, NotMeasured, rule_kind
from flexnet.claims.model import GRID_TOLERANCE, Cell, Comparison, Rule, Window
from flexnet.claims.seeds import Levels, complete_levels
from flexnet.statistics.intervals import Estimate

UPPER_TAIL = 0.975


@rule_kind(needs=("at",), reads=("universal",))
def peak_difference(rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window) -> Measurement:
    """Accuracy at the condition `at` minus the mean accuracy at all others of the window, paired per seed."""
    assert comparison.at is not None  # which its kind needs
    levels = complete_levels(rows, (comparison.series,), rule.over, window, where=rule.at(comparison))
    peak = [value for value in levels.conditions if abs(value - comparison.at) <= GRID_TOLERANCE]
    if not peak or len(levels.conditions) == 1:
        found = [round(value, 4) for value in levels.conditions]
        raise NotMeasured(f"{comparison.text}: no {rule.over} {comparison.at:g} beside others among {found}")
    levels = _deciding(levels, rule, comparison, peak[0])
    accuracy = PER_CENT * levels.grids[0].accuracy
    grid = accuracy.drop(columns=peak).rsub(accuracy[peak[0]], axis="index")
    detail = f"{comparison.text} at {rule.over} {comparison.at:g} - mean over {len(grid.columns)} others"
    return estimate(grid, rule, detail, levels.notes)


def _deciding(levels: Levels, rule: Rule, comparison: Comparison, peak: float) -> Levels:
    """Without the conditions at which neither they nor the peak rise above chance."""
    if rule.chance is None:
        return above_floor(levels, rule, comparison.text)
    risen = rising(levels, rule.chance)
    kept = [value for value in levels.conditions if value != peak and (risen[peak] or risen[value])]
    return keep_above(levels, rule, comparison.text, sorted([*kept, peak]) if kept else [])


@rule_kind(needs=("cell",))
def cell_difference(rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window) -> Measurement:
    """How far our mean lies from a published one, either way, with the uncertainty of both."""
    assert comparison.cell is not None  # which its kind needs
    levels = compared(rows, rule, comparison, window)
    ours = interval(PER_CENT * levels.grids[0].accuracy.mean(axis="columns"))
    theirs = comparison.cell  # whose own seeds are not known, so that no distance is that of one seed
    distance, reach = abs(ours.mean - theirs.mean), combined_reach(ours, theirs)
    # The interval of a distance: that of the difference, folded at zero.
    low = math.nan if math.isnan(reach) else max(0.0, distance - reach)
    where = conditions_text(levels.conditions, rule.over)
    detail = f"{comparison.text}, {where}: {ours.mean:.1f} here, {theirs.mean:.1f} in the paper"
    return Measurement(distance, low, distance + reach, ours.n, detail, notes=levels.notes)


def combined_reach(ours: Estimate, theirs: Cell) -> float:
    """Half the width of the 95 % interval of the difference of two independent means (Welch).

    It is t(0.975, f) sqrt(a + b) with a and b the squared standard errors of the two means and
    f = (a + b)^2 / (a^2 / (n_a - 1) + b^2 / (n_b - 1)); NaN where ours has no standard error.
    """
    if math.isnan(ours.sem):
        return math.nan
    a, b = ours.sem**2, theirs.sem**2
    freedom = (a + b) ** 2 / (a**2 / (ours.n - 1) + b**2 / (theirs.n - 1))
    return float(stdtrit(freedom, UPPER_TAIL)) * math.sqrt(a + b)
