"""From a measurement to a word, and from the words of a claim's comparisons to its summary.

reproduced    the 95 % interval lies wholly on the claimed side of the rule's threshold, and a universal
              part ("at every epoch"), if there is one, holds in every pair of condition and seed
partly        the interval does, but pairs contradict the universal part; the detail counts them
undecided     the interval contains the threshold or touches it up to rounding; or there is none, because a
              single seed was measured or all seeds have the same value
contradicted  the interval lies wholly on the other side. With a practical size this includes an effect of
              the claimed sign that is shown to be smaller than that size; the detail then says so
at chance     at no condition that the claim speaks of does a network rise above chance: nothing can be told
not measured  the rows that the rule needs are absent, no seed is complete, or the claim has no rule yet
no evidence   the scale is a demonstration: its rows are measured and set against nothing

The summary of a claim about several comparisons is the word that all of them have, and else

mixed         some are reproduced (or partly) and some contradicted
contradicted  some are, and none is reproduced: a claim about all of them does not survive one
partly        all are reproduced or partly
undecided     any other disagreement: not all comparisons that the claim is about are decided

What is judged, and since when (the reasons stand in the claims' data file under `rules_changed`):

before 2026-11-25  the least favourable comparison alone stood for the claim; seeds were cut to the
                   conditions that all of them had; a mean decided whether "at every ..." holds; equal
                   values gave an interval of width zero; a floor was judged like any other condition.
since 2026-11-25   every comparison has its verdict. Conditions where no network rises above chance are left
                   out (one-sided binomial bound of 5 % over all networks and conditions of a comparison).
                   Seeds that are not complete in every network, were scored on different images, or repeat
                   another seed leave and are named. Universal claims are judged by all pairs of condition
                   and seed. Borders have a tolerance of 1e-9 points.
since 2026-11-28   a seed repeats another only where all numbers of the figure do that both have, and enough
                   of them could differ. Networks are alike where they are at every condition of a window. Who
                   left is told of networks at chance too.

Each interval covers with 95 % by itself; none is widened for the number of comparisons or claims.
"""

import math
from collections.abc import Sequence
from typing import Final

from flexnet.claims.kinds import Measurement
from flexnet.claims.model import TIE, Rule

VERDICTS: Final = (
    "reproduced",
    "partly",
    "undecided",
    "contradicted",
    "at chance",
    "not measured",
    "no evidence",
)
SUMMARIES: Final = (*VERDICTS, "mixed")


def verdict(measurement: Measurement, rule: Rule) -> str:
    """The verdict on one measurement: one of the first four of VERDICTS."""
    low, high = sorted((measurement.low * rule.sign, measurement.high * rule.sign))
    threshold = rule.threshold * rule.sign
    # Comparisons with NaN, where there is no interval, are false.
    if measurement.n >= 2 and low > threshold + TIE:
        return "partly" if measurement.exceptions else "reproduced"
    if measurement.n >= 2 and high < threshold - TIE:
        return "contradicted"
    return "undecided"


def summary(words: Sequence[str]) -> str:
    """The word for a claim from the verdicts on its comparisons: one of SUMMARIES."""
    found = set(words)
    if len(found) == 1:
        return words[0]
    holding = found & {"reproduced", "partly"}
    if "contradicted" in found:
        return "mixed" if holding else "contradicted"
    return "partly" if found == {"reproduced", "partly"} else "undecided"


def explanation(measurement: Measurement, rule: Rule, word: str) -> str:
    """One line for the ledger: what was compared, where a universal part fails, why a verdict is weak."""
    weakness = _weakness(measurement, rule, word)
    return "; ".join([measurement.detail, *measurement.exceptions, *weakness, *measurement.notes])


def _weakness(measurement: Measurement, rule: Rule, word: str) -> list[str]:
    """What a reader of the word must know beside it."""
    if measurement.n < 2:
        return ["one seed gives no interval"]
    ends = sorted((measurement.low * rule.sign, measurement.high * rule.sign))
    if math.isnan(ends[0]):
        return ["identical values in all seeds give no interval"]
    if word == "undecided" and min(abs(end - rule.threshold * rule.sign) for end in ends) <= TIE:
        return ["the interval ends at the border, up to rounding"]
    if word == "contradicted" and rule.size > 0 and ends[0] > 0:
        return [f"of the claimed sign, but smaller than the practical size of {rule.size:g} points"]
    if word in ("reproduced", "partly") and rule.margin is not None and ends[1] < 0:
        return [f"not zero, but within the margin of {rule.margin:g} points"]
    return []
