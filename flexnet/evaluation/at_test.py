"""What may be done to the thresholds of a trained network when it is scored, without torch."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from flexnet.options.layers.flexible import STORED, FlexibleOptions, threshold
from flexnet.options.rules import distinct
from flexnet.problems import Problem, ask, refuse, unknown_keys

TRAINED = "trained"
WORDS = (TRAINED, "shuffled", "redrawn")
KEYS = ("interventions", "sweep")
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


def at_test_problems(at_test: Mapping[str, Any], layer: FlexibleOptions | None) -> Iterator[Problem]:
    """What is wrong with the section `at_test` of a model.

    Args:
        at_test: "interventions" (names) or "sweep" (uniform thresholds), or neither.
        layer: options of the network's flexible layers, or None if it has none.
    """
    unknown = [key for key in at_test if key not in KEYS]
    if unknown:
        yield unknown_keys(unknown, KEYS)
    if set(KEYS) <= set(at_test):
        yield Problem(
            f"expected either 'interventions' or 'sweep'; got {sorted(at_test)}; remove one (in a row that "
            "is like another: sweep: null)"
        )
    scheme = None if layer is None else layer.scheme
    if "interventions" in at_test:
        check = distinct(intervention_problems, "interventions")
        yield from (problem.below("interventions") for problem in check(at_test["interventions"]))
        if scheme not in STORED:
            words = f"a network whose layer stores thresholds (scheme {', '.join(STORED)})"
            yield _not_for("interventions", words, scheme)
    if "sweep" in at_test:
        check = distinct(threshold, "thresholds")
        yield from (problem.below("sweep") for problem in check(at_test["sweep"]))
        if scheme != "uniform":
            yield _not_for("sweep", "a network with a layer of the scheme 'uniform'", scheme)


def _not_for(key: str, expected: str, scheme: str | None) -> Problem:
    found = "no flexible layer" if scheme is None else f"the scheme {scheme!r}"
    words = f"remove {key} (in a row that is like another: at_test: null)"
    return Problem(f"expected {expected}; got one with {found}; {words}", (key,))
