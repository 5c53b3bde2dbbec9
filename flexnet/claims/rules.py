"""Measuring what a rule asks for, by the kind that it names."""

import pandas as pd

# Importing a module of kinds registers them.
from flexnet.claims import corruptions, differences, levels, windows  # noqa: F401
from flexnet.claims.kinds import KINDS, OWN, Measurement
from flexnet.claims.model import Comparison, Rule, Window
from flexnet.errors import ConfigError
from flexnet.problems import no_such_name
from flexnet.tables.columns import MEASURES


def measure(rows: pd.DataFrame, rule: Rule, comparison: Comparison, window: Window) -> Measurement:
    """Measure one comparison of a rule on the rows of one figure and protocol.

    Raises:
        NotMeasured: if a series, a common seed or every condition of the window is absent.
        ConfigError: as `check_keys`.
    """
    check_keys(rule, comparison)
    return KINDS[rule.kind].measure(rows, rule, comparison, window)


def check_keys(rule: Rule, comparison: Comparison) -> None:
    """Check that a rule's kind is known, has what it needs, and heeds all that is said of a comparison.

    Raises:
        ConfigError: naming the kind or the key.
    """
    if rule.kind not in KINDS:
        raise ConfigError(str(no_such_name("a kind of rule", rule.kind, KINDS)))
    who = f"{rule.kind} of {comparison.series}"
    _check_heeded(rule, comparison, who)
    _check_chance(rule, comparison, who)
    _check_sides(rule, comparison, who)


def _check_heeded(rule: Rule, comparison: Comparison, who: str) -> None:
    """What is measured must be what the keys say."""
    kind, said = KINDS[rule.kind], {**vars(rule), **vars(comparison)}
    given = {name for name, plain in OWN.items() if said[name] != plain}
    for name in kind.needs:
        if name not in given:
            raise ConfigError(f"{who}: the key {name!r} is absent; add it")
    for name in sorted(given - {*kind.needs, *kind.reads}):
        heeded = sorted({*kind.needs, *kind.reads})
        raise ConfigError(
            f"{who}: expected keys that this kind heeds ({', '.join(heeded)}, and what every kind does); got"
            f" {name!r}, of which it knows nothing; remove it, or choose another kind"
        )


def _check_chance(rule: Rule, comparison: Comparison, who: str) -> None:
    """Chance is that of a guess: of anything but an accuracy it says nothing."""
    if rule.chance is not None and comparison.measure in MEASURES:
        raise ConfigError(
            f"{who}: expected accuracies beside a level of chance; got the measure {comparison.measure!r};"
            " remove chance, which is the share of right answers of a guess"
        )


def _check_sides(rule: Rule, comparison: Comparison, who: str) -> None:
    """It must be known where a series itself stands of each condition at which it is set against itself."""
    here, _ = rule.sides(comparison)
    for name in sorted({*comparison.than} - {*here}):
        raise ConfigError(
            f"{who}: expected than to name conditions that where names too, or that have a plain value; got"
            f" {name!r}; add it to where"
        )
