"""Interventions: a trained network whose thresholds are exchanged, clean and under FGSM."""

import re
from collections.abc import Iterator
from typing import Any

from flexnet.families.base import Condition, Family
from flexnet.families.fgsm import DRAW, EPSILON, FgsmSettings
from flexnet.options.layers.flexible import STORED, FlexibleOptions
from flexnet.options.rules import Options, distinct
from flexnet.problems import Problem, ask, refuse
from flexnet.tables.kinds import PERHAPS_AMOUNT, PERHAPS_FRACTION, TEXT

TRAINED = "trained"
WORDS = (TRAINED, "shuffled", "redrawn")
_NUMBER = r"[-+]?[0-9]*\.?[0-9]+"
_NORMAL = re.compile(rf"normal\(({_NUMBER}),(\+?[0-9]*\.?[0-9]+)\)")


def check_intervention(intervention: str) -> None:
    """Check the spelling of an intervention.

    Raises:
        ConfigError: if it is unknown.
    """
    refuse("intervention", intervention_problems(intervention))


def normal_of(intervention: str) -> tuple[float, float] | None:
    """Mean and standard deviation of "normal(m,s)"; None of another intervention."""
    found = _NORMAL.fullmatch(intervention)
    return (float(found[1]), float(found[2])) if found else None


def intervention_problems(value: Any) -> Iterator[Problem]:
    """What is wrong with an intervention, such as "normal(0.5 0.1)"."""
    if isinstance(value, str) and (value in WORDS or _NORMAL.fullmatch(value)):
        return
    expected = f"one of {list(WORDS)} or 'normal(mean,deviation)' with deviation >= 0"
    yield Problem(f"expected {expected}; got {value!r}{ask(value, [*WORDS, *_respelt(value)])}")


def _respelt(value: Any) -> list[str]:
    """The right spelling of a normal distribution in which two numbers can be read."""
    numbers = re.findall(rf"{_NUMBER}", str(value))
    return [f"normal({numbers[0]},{numbers[1]})"] if len(numbers) == 2 and numbers[1][0] != "-" else []


def _asked(value: Any, layer: Options | None) -> Iterator[Problem]:
    yield from distinct(intervention_problems, "interventions")(value)
    if not isinstance(layer, FlexibleOptions) or layer.scheme not in STORED:
        yield not_for(f"a network whose layer stores thresholds (scheme {', '.join(STORED)})", layer)


def not_for(expected: str, layer: Options | None) -> Problem:
    """That a model cannot be asked, for lack of a layer that has what is looked at."""
    found = f"the scheme {layer.scheme!r}" if isinstance(layer, FlexibleOptions) else "no flexible layer"
    words = "remove it (in a row that is like another: at_test: null)"
    return Problem(f"expected {expected}; got one with {found}; {words}")


FAMILY = Family(
    name="interventions",
    conditions={"intervention": Condition(TEXT, plain=TRAINED), "epsilon": EPSILON, "draw": DRAW},
    # How the gates behave: mean share of MAX, fraction of units that switch between images, mean |T - T0|.
    measures={
        "max_share": PERHAPS_FRACTION,
        "switching": PERHAPS_FRACTION,
        "threshold_shift": PERHAPS_AMOUNT,
    },
    settings=FgsmSettings,
    base="fgsm",
    asked=_asked,
    seeds="all",
)
