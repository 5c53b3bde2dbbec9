"""Kinds of rules about a range of conditions: a series is better there than elsewhere."""

import pandas as pd

from flexnet.claims.differences import conditions_text
from flexnet.claims.estimates import PER_CENT, measured
from flexnet.claims.floor import keep_above, rising
from flexnet.claims.kinds import Measurement, NotMeasured, rule_kind
from flexnet.claims.model import Comparison, Rule, Window
from flexnet.claims.seeds import Levels, complete_levels


@rule_kind(reads=("against", "measure"))
def window_contrast(rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window) -> Measurement:
    """What a series has within the window more than at all other conditions, paired per seed.

    Against another series, the same of that one is taken off. Conditions of the window at which no network
    rises above chance are left out; those outside are not, since there a network may well have nothing.
    """
    names = (comparison.series, *comparison.against)
    told = rule.at(comparison)
    levels = complete_levels(rows, names, rule.over, Window(), where=told, measure=comparison.measure)
    inside = [value for value in levels.conditions if value in window]
    outside = [value for value in levels.conditions if value not in window]
    if not inside or not outside:
        found = [round(value, 4) for value in levels.conditions]
        raise NotMeasured(f"no {rule.over} both {window.text} and outside of that among {found}")
    levels, inside = _risen(levels, rule, comparison, inside, outside)
    first, *others = (_contrast(grid.accuracy, inside, outside) for grid in levels.grids)
    effects = first - max(others, key=lambda series: float(series.mean())) if others else first
    detail = f"{comparison.text}, {conditions_text(inside, rule.over)} - mean over {len(outside)} others"
    return measured(PER_CENT * effects, detail, levels.notes)


def _risen(
    levels: Levels, rule: Rule, comparison: Comparison, inside: list[float], outside: list[float]
) -> tuple[Levels, list[float]]:
    """The levels, and the conditions of the window that can decide."""
    if rule.chance is None:
        return levels, inside
    risen = rising(levels, rule.chance)
    kept = [value for value in inside if risen[value]]
    return keep_above(levels, rule, comparison.text, sorted([*kept, *outside]) if kept else []), kept


def _contrast(accuracy: pd.DataFrame, inside: list[float], outside: list[float]) -> "pd.Series[float]":
    return accuracy[inside].mean(axis="columns") - accuracy[outside].mean(axis="columns")
