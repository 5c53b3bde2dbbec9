"""The floor: where no network rises above chance, a comparison of networks is no evidence.

Below chance counts as not above: there an attack works, and how well it works tells two networks that are
both defeated apart by nothing that a claim speaks of.
"""

from collections.abc import Sequence

import numpy as np

from flexnet.claims.kinds import AtChance
from flexnet.claims.model import Rule
from flexnet.claims.seeds import Levels
from flexnet.statistics.chance import rises_above_chance


def rising(levels: Levels, chance: float) -> dict[float, bool]:
    """Whether any network, of any series and seed, rises above chance, by condition.

    The bound is that of one guessing network, raised for the number of networks and conditions.
    """
    looks = sum(grid.accuracy.size for grid in levels.grids)
    risen = [
        rises_above_chance(grid.accuracy * grid.images, grid.images, chance, looks=looks).any(axis=0)
        for grid in levels.grids
    ]
    return dict(zip(levels.conditions, np.any(risen, axis=0).tolist(), strict=True))


def above_floor(levels: Levels, rule: Rule, text: str) -> Levels:
    """The levels at the conditions where at least one network rises above chance.

    Args:
        levels: of the networks that are compared.
        rule: states the level of chance; without one nothing is left out, and a note says so.
        text: the comparison in words.

    Raises:
        AtChance: if no condition is left.
    """
    if rule.chance is None:
        return levels.at(levels.conditions, "its rule states no level of chance, so no floor was looked for")
    risen = rising(levels, rule.chance)
    return keep_above(levels, rule, text, [value for value in levels.conditions if risen[value]])


def keep_above(levels: Levels, rule: Rule, text: str, kept: Sequence[float]) -> Levels:
    """The levels at the conditions that can decide, with a note of the others.

    Raises:
        AtChance: if no condition can.
    """
    left = [f"{value:.4g}" for value in levels.conditions if value not in kept]
    if not kept:
        best = max(grid.accuracy.to_numpy().max() for grid in levels.grids)
        floor = f"no network rises above chance at {rule.over} {', '.join(left)}"
        words = f"{text}: {floor}; the greatest accuracy is {100 * best:.1f} %"
        raise AtChance(words, len(levels.seeds), levels.notes)
    note = f"left out, no network rises above chance there: {rule.over} {', '.join(left)}"
    return levels.at(kept, *([note] if left else []))
