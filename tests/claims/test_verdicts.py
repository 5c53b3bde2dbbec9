import math

import pytest

from flexnet.claims.kinds import Measurement
from flexnet.claims.model import Comparison, Rule
from flexnet.claims.verdicts import VERDICTS, explanation, verdict, weakest

PAIR = (Comparison("flexible", ("baseline",)),)


def rule(direction="greater", **sizes):
    return Rule("mean_difference", "epoch", PAIR, direction, "", **sizes)


def measured(low, high, n=5, exceptions=()):
    return Measurement((low + high) / 2, low, high, n, "x", exceptions)


GAIN = rule(size=1.0)
NO_LOSS = rule(margin=1.5)
DROP = rule("less", size=1.0)


@pytest.mark.parametrize(
    ("judged_by", "low", "high", "expected"),
    [
        (GAIN, 1.1, 3.0, "reproduced"),
        (GAIN, 0.5, 3.0, "undecided"),
        (GAIN, 1.0, 3.0, "undecided"),
        (GAIN, -3.0, -1.0, "contradicted"),
        (GAIN, 0.2, 0.8, "contradicted"),
        (NO_LOSS, -1.4, 0.1, "reproduced"),
        (NO_LOSS, -1.6, 0.1, "undecided"),
        (NO_LOSS, -3.0, -1.6, "contradicted"),
        (DROP, -3.0, -1.1, "reproduced"),
        (DROP, -3.0, 0.5, "undecided"),
        (DROP, 0.1, 2.0, "contradicted"),
    ],
)
def test_the_interval_against_the_threshold(judged_by, low, high, expected):
    assert verdict(measured(low, high), judged_by) == expected


def test_an_exception_makes_partly():
    assert verdict(measured(2.0, 3.0, exceptions=("fails",)), GAIN) == "partly"
    assert verdict(measured(-3.0, -2.0, exceptions=("fails",)), GAIN) == "contradicted"


def test_one_seed_decides_nothing():
    single = Measurement(50.0, math.nan, math.nan, 1, "x")
    assert verdict(single, GAIN) == "undecided"
    assert "one seed gives no interval" in explanation(single, GAIN, "undecided", 1)


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        ([(2.0, 3.0), (4.0, 5.0)], ("reproduced", 2.5)),
        ([(2.0, 3.0), (-9.0, 20.0)], ("undecided", 5.5)),
        ([(-5.0, -2.0), (-30.0, 3.0)], ("contradicted", -3.5)),
    ],
)
def test_the_weakest_comparison_decides(intervals, expected):
    deciding, word = weakest([measured(*interval) for interval in intervals], GAIN)
    assert (word, deciding.effect) == expected


def test_the_weakest_drop_is_the_smallest():
    deciding, word = weakest([measured(-9.0, -8.0), measured(-3.0, -2.0)], DROP)
    assert (word, deciding.effect) == ("reproduced", -2.5)


def test_explanation_tells_a_small_effect_from_an_opposite_one():
    small = explanation(measured(0.2, 0.8), GAIN, "contradicted", 2)
    assert (
        small
        == "x; weakest of 2 comparisons; of the claimed sign, but smaller than the practical size of 1 points"
    )
    assert explanation(measured(-3.0, -2.0), GAIN, "contradicted", 1) == "x"


@pytest.mark.parametrize(("low", "high", "told"), [(-0.8, -0.2, True), (-0.3, 0.7, False), (0.2, 0.8, False)])
def test_explanation_of_a_claimed_drop_that_is_small_absent_or_a_gain(low, high, told):
    assert (
        "smaller than the practical size" in explanation(measured(low, high), DROP, "contradicted", 1)
    ) is told


def test_every_verdict_is_a_known_word():
    words = {verdict(measured(low, high), GAIN) for low, high in [(2, 3), (0, 3), (-3, -2)]}
    assert words < set(VERDICTS)
