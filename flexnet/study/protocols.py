"""Protocols by the rules of the families to which they say something."""

from collections.abc import Iterator, Mapping
from typing import Any

from flexnet.families.registry import families
from flexnet.problems import Problem, unknown_keys

BAND = "band"  # what bands and bars of a figure show under the protocol


def protocol_problems(protocol: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the sections of a protocol; what a section takes from another is told there."""
    told = {name: family for name, family in families().items() if family.settings}
    unknown = [key for key in protocol if key != BAND and key not in told]
    if unknown:
        yield unknown_keys(unknown, [BAND, *told])
    broken = set()
    for name in sorted((name for name in told if name in protocol), key=lambda name: bool(told[name].base)):
        family = told[name]
        assert family.settings is not None
        if family.base not in broken:
            found = list(family.settings.problems(family.section(protocol)))
            broken |= {name} if found else set()
            yield from (problem.below(name) for problem in found)
