"""Measuring what a rule asks for, by the kind that it names."""

import pandas as pd

# Importing a module of kinds registers them.
from flexnet.claims import corruptions, differences, levels, windows  # noqa: F401
from flexnet.claims.kinds import KINDS, Measurement
from flexnet.claims.model import Comparison, Rule, Window
from flexnet.errors import ConfigError


def measure(rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window) -> Measurement:
    """Measure one comparison of a rule on the rows of one figure and protocol.

    Raises:
        NotMeasured: if a series, a common seed or every condition of the window is absent.
        ConfigError: if the rule's kind is unknown.
    """
    if rule.kind not in KINDS:
        raise ConfigError(f"unknown kind of rule {rule.kind!r}; known are {sorted(KINDS)}; choose one")
    return KINDS[rule.kind](rows, rule, comparison, window)
