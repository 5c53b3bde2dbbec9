"""What the networks of a figure are beside each other: plain, push-pull, or something of one's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from flexnet.figures.facts import Facts
from flexnet.own import is_dotted

PLAIN, PULLED = "baseline", "push-pull"  # as both look in every figure
ROLES: Final = {PLAIN: "convolution", PULLED: "push-pull layer"}


def pairs_of(series: Sequence[str], facts: Facts, plain_name: Callable[[str], str]) -> list[dict[str, str]]:
    """Networks and their push-pull twins, in order: role to series.

    A network that is neither plain nor push-pull stands alone, with its own name as its role.

    Args:
        series: of the figure.
        facts: tell what each network is; of those that were not run its name does.
        plain_name: from the name of a push-pull network to that of its plain twin; other names stay.
    """
    roles = {name: _role_of(name, facts, plain_name) for name in series}
    pairs: dict[str, dict[str, str]] = {}
    for name, role in roles.items():
        twin = plain_name(name)
        paired = role == PULLED and roles.get(twin) == PLAIN
        pairs.setdefault(twin if paired else name, {})[role] = name
    return [dict(sorted(pair.items())) for pair in pairs.values()]


def _role_of(series: str, facts: Facts, plain_name: Callable[[str], str]) -> str:
    run = facts.runs.of(series) if facts.runs else None
    if run is None:
        return PLAIN if plain_name(series) == series else PULLED
    layer = run.options.get("layer") or {"scheme": "conv"}
    if layer.get("kind") == "pushpull":
        return PULLED
    return PLAIN if layer.get("scheme") == "conv" and not is_dotted(run.network) else series


def in_roles(facts: Facts, pairs: Sequence[Mapping[str, str]]) -> Facts:
    """The facts with roles in the place of series: how these look, and what the legend says."""
    labels = {role: ROLES.get(role, facts.label(name)) for pair in pairs for role, name in pair.items()}
    return replace(facts, series=list(labels), labels=labels)
