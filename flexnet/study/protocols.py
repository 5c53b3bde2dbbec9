"""Protocols by the rules of the attacks that they prescribe."""

from collections.abc import Iterator, Mapping
from typing import Any

from flexnet.families.fgsm import FgsmSettings
from flexnet.problems import Problem


def protocol_problems(protocol: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the attack of a protocol, and with what the section `thresholds` changes of it."""
    attack = protocol["fgsm"]
    found = list(FgsmSettings.problems(attack))
    yield from (problem.below("fgsm") for problem in found)
    if not found:
        changed = protocol["thresholds"]
        for problem in FgsmSettings.problems({**attack, **changed}):
            yield problem.below("thresholds")
