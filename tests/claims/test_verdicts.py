import math

import pytest

from flexnet.claims.kinds import Measurement
from flexnet.claims.model import Comparison, Rule
from flexnet.claims.verdicts import SUMMARIES, VERDICTS, explanation, summary, verdict

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
    assert "one seed gives no interval" in explanation(single, GAIN, "undecided")


def test_equal_values_decide_nothing_and_say_so():
    equal = Measurement(50.0, math.nan, math.nan, 4, "x")
    assert verdict(equal, GAIN) == "undecided"
    assert explanation(equal, GAIN, "undecided") == "x; identical values in all seeds give no interval"


@pytest.mark.parametrize(
    ("judged_by", "low", "high"),
    [
        (GAIN, 1.0 + 4e-10, 3.0),
        (GAIN, -3.0, 1.0 - 4e-10),
        (NO_LOSS, -1.5 + 4e-10, 0.0),
        (DROP, -3.0, -1.0 - 4e-10),
        (DROP, -1.0 + 4e-10, 2.0),
    ],
)
def test_an_interval_that_touches_the_border_up_to_rounding_decides_nothing(judged_by, low, high):
    touching = measured(low, high)
    assert verdict(touching, judged_by) == "undecided"
    assert "the interval ends at the border" in explanation(touching, judged_by, "undecided")


def test_beyond_rounding_the_border_is_sharp():
    assert verdict(measured(1.0 + 1e-6, 3.0), GAIN) == "reproduced"
    assert verdict(measured(-3.0, 1.0 - 1e-6), GAIN) == "contradicted"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["reproduced"], "reproduced"),
        (["reproduced", "reproduced"], "reproduced"),
        (["reproduced", "partly"], "partly"),
        (["contradicted", "contradicted", "reproduced"], "mixed"),
        (["reproduced", "reproduced", "contradicted"], "mixed"),
        (["partly", "contradicted", "at chance"], "mixed"),
        (["contradicted", "undecided"], "contradicted"),
        (["contradicted", "not measured"], "contradicted"),
        (["reproduced", "undecided"], "undecided"),
        (["reproduced", "not measured"], "undecided"),
        (["reproduced", "at chance"], "undecided"),
        (["at chance", "at chance"], "at chance"),
        (["at chance", "not measured"], "undecided"),
        (["no evidence", "no evidence"], "no evidence"),
    ],
)
def test_the_summary_never_hides_a_comparison(words, expected):
    assert summary(words) == summary(words[::-1]) == expected
    assert expected in SUMMARIES


def test_explanation_tells_a_small_effect_from_an_opposite_one():
    small = explanation(measured(0.2, 0.8), GAIN, "contradicted")
    assert small == "x; of the claimed sign, but smaller than the practical size of 1 points"
    assert explanation(measured(-3.0, -2.0), GAIN, "contradicted") == "x"


@pytest.mark.parametrize(("low", "high", "told"), [(-0.8, -0.2, True), (-0.3, 0.7, False), (0.2, 0.8, False)])
def test_explanation_of_a_claimed_drop_that_is_small_absent_or_a_gain(low, high, told):
    assert (
        "smaller than the practical size" in explanation(measured(low, high), DROP, "contradicted")
    ) is told


@pytest.mark.parametrize(("low", "high", "told"), [(-1.4, -0.2, True), (-1.4, 0.1, False), (0.2, 0.8, False)])
def test_a_loss_within_the_margin_is_not_passed_off_as_none(low, high, told):
    assert (
        "within the margin of 1.5 points" in explanation(measured(low, high), NO_LOSS, "reproduced")
    ) is told


def test_what_was_left_out_stands_in_the_explanation():
    less = Measurement(2.0, 1.5, 2.5, 3, "x", ("fails",), ("seed 4 left out",))
    assert explanation(less, GAIN, "partly") == "x; fails; seed 4 left out"


def test_every_verdict_is_a_known_word():
    words = {verdict(measured(low, high), GAIN) for low, high in [(2, 3), (0, 3), (-3, -2)]}
    assert words < set(VERDICTS)
