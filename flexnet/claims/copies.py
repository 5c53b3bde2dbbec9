"""Seeds that are one run under two names, which would count twice.

Two runs may well have a few equal numbers: all are right about nothing under a strong attack, and about as
many of 100 images by chance. So all numbers of both are looked at, also where nothing is compared.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flexnet.claims.grids import SeriesGrid

# So many different numbers, none of which all seeds share, do not agree by chance.
TELLING = 4


def copies(grids: Sequence[SeriesGrid], seeds: Sequence[int]) -> dict[int, str]:
    """Which of some seeds repeat an earlier one of them in every number of every network, in words."""
    seen = pd.concat([grid.seen for grid in grids], axis="columns")
    # What all seeds have tells none from the others, unless they have everything; 0 and 1 many networks have.
    common = (seen.loc[list(seeds)].nunique() <= 1).to_numpy()
    common = common & ~common.all()
    numbers = {seed: seen.loc[seed].to_numpy(dtype=float) for seed in seeds}
    found: dict[int, str] = {}
    for place, seed in enumerate(seeds):
        for earlier in seeds[:place]:
            if seed not in found and _one_run(numbers[earlier], numbers[seed], common):
                found[seed] = f"it repeats seed {earlier} in every value"
    return found


def _one_run(first: NDArray[np.float64], second: NDArray[np.float64], common: NDArray[np.bool_]) -> bool:
    """Whether two seeds have the same numbers wherever both were measured, and enough that tell."""
    both = ~(np.isnan(first) | np.isnan(second))
    telling = second[both & ~common & ~np.isin(second, [0, 1])]
    return bool((first == second)[both].all()) and len(set(telling)) >= TELLING
