"""From a measurement to a word.

reproduced    the 95 % interval lies wholly on the claimed side of the rule's threshold, and a universal
              part ("at every epoch"), if there is one, holds too
partly        the interval does, but the universal part has exceptions
undecided     the interval contains the threshold, or a single seed gives none
contradicted  the interval lies wholly on the other side. With a practical size this includes an effect of
              the claimed sign that is shown to be smaller than that size; the detail then says so
not measured  the rows that the rule needs are absent, or the claim has no rule yet
"""

from collections.abc import Sequence
from typing import Final

from flexnet.claims.kinds import Measurement
from flexnet.claims.model import Rule

VERDICTS: Final = ("reproduced", "partly", "undecided", "contradicted", "not measured")
# The weakest comparison decides: one refuted configuration refutes "all", one open one leaves it open.
_WEAKEST_FIRST: Final = ("contradicted", "undecided", "partly", "reproduced")


def verdict(measurement: Measurement, rule: Rule) -> str:
    """The verdict on one measurement: one of VERDICTS except "not measured"."""
    low, high = sorted((measurement.low * rule.sign, measurement.high * rule.sign))
    threshold = rule.threshold * rule.sign
    if measurement.n >= 2 and low > threshold:
        return "partly" if measurement.exceptions else "reproduced"
    if measurement.n >= 2 and high < threshold:
        return "contradicted"
    return "undecided"


def weakest(measurements: Sequence[Measurement], rule: Rule) -> tuple[Measurement, str]:
    """The measurement that decides among several comparisons, with its verdict.

    The least favourable verdict decides; among equals the smallest effect on the claimed side does.
    """
    judged = [(measured, verdict(measured, rule)) for measured in measurements]
    return min(judged, key=lambda pair: (_WEAKEST_FIRST.index(pair[1]), pair[0].effect * rule.sign))


def explanation(measurement: Measurement, rule: Rule, word: str, comparisons: int) -> str:
    """One line for the ledger: what was compared, where a universal part fails, why a verdict is weak."""
    parts = [measurement.detail]
    if comparisons > 1:
        parts.append(f"weakest of {comparisons} comparisons")
    parts.extend(measurement.exceptions)
    if measurement.n < 2:
        parts.append("one seed gives no interval")
    of_the_sign = min(measurement.low * rule.sign, measurement.high * rule.sign) > 0
    if word == "contradicted" and rule.size > 0 and of_the_sign:
        parts.append(f"of the claimed sign, but smaller than the practical size of {rule.size:g} points")
    return "; ".join(parts)
