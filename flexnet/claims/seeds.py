"""Which training seeds count in a comparison: those that every network of it has complete, each once.

A seed that leaves is named with its reason. Nothing is judged at the conditions that happen to be common:
where one run stopped early, that run leaves, and the others are judged where they ended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from flexnet.claims.copies import copies
from flexnet.claims.grids import SeriesGrid, series_grid
from flexnet.claims.kinds import NotMeasured
from flexnet.claims.model import Window
from flexnet.tables.kinds import Value

# Of several missing conditions, this many are named.
NAMED = 3


@dataclass(frozen=True)
class Levels:
    """Accuracies of all networks of a comparison at the same seeds and conditions, none missing.

    `notes` names the seeds that left, and says of a network if its seeds do not differ.
    """

    grids: tuple[SeriesGrid, ...]
    notes: tuple[str, ...] = ()

    @property
    def seeds(self) -> list[int]:
        """Seeds that count."""
        return list(self.grids[0].accuracy.index)

    @property
    def conditions(self) -> list[float]:
        """Conditions that count, increasing."""
        return [float(value) for value in self.grids[0].accuracy.columns]

    def at(self, conditions: Sequence[float], *notes: str) -> "Levels":
        """The same at some of the conditions, with further notes."""
        return replace(
            self,
            grids=tuple(_cut(grid, self.seeds, conditions) for grid in self.grids),
            notes=(*self.notes, *notes),
        )


def complete_levels(
    rows: pd.DataFrame,
    names: Sequence[str],
    over: str,
    window: Window,
    *,
    where: Mapping[str, Value] | None = None,
    last: bool = False,
    measure: str = "",
) -> Levels:
    """Accuracies of some series at the conditions of a window, on the seeds that all of them have complete.

    A condition counts if any seed of any series was measured there: whoever lacks it is incomplete.

    Args:
        rows: of one figure and protocol.
        names: the series.
        over: the column of conditions.
        window: the conditions that count.
        where: the value that counts of other conditions; of those that are not told, the plain one does.
        last: whether only the greatest of them does, such as the last epoch.
        measure: a column that is compared in the place of the accuracy, if one is.

    Raises:
        NotMeasured: if a series is absent, the window holds no condition, or no seed is complete.
        DataError: if the rows are malformed.
    """
    grids = [series_grid(rows, name, over, where, measure) for name in names]
    notes = [f"at {name} {value}" for name, value in (where or {}).items()]
    return complete(grids, over, window, last=last, notes=notes)


def complete(
    grids: Sequence[SeriesGrid], over: str, window: Window, *, last: bool = False, notes: Sequence[str] = ()
) -> Levels:
    """As `complete_levels`, of grids that there are; `notes` go before those about seeds.

    Raises:
        NotMeasured: as `complete_levels`.
    """
    known = sorted({float(value) for grid in grids for value in grid.accuracy.columns})
    conditions = [value for value in known if value in window][-1 if last else 0 :]
    if not conditions:
        raise NotMeasured(f"no {over} {window.text} among {[round(value, 4) for value in known]}")
    asked = [_at(grid, conditions) for grid in grids]
    leaving = {seed: _reason(asked, seed, over) for seed in _all_seeds(grids)}
    leaving |= copies(grids, [seed for seed, reason in leaving.items() if not reason])
    kept, left = [seed for seed, reason in leaving.items() if not reason], _leaving_words(leaving)
    if not kept:
        names = ", ".join(grid.name for grid in grids)
        raise NotMeasured(f"no training seed is complete in all of {names}: {'; '.join(left)}")
    levels = Levels(tuple(_cut(grid, kept, conditions) for grid in grids), (*notes, *left))
    return replace(levels, notes=(*levels.notes, *_constant(levels)))


def _all_seeds(grids: Sequence[SeriesGrid]) -> list[int]:
    return sorted({int(seed) for grid in grids for seed in grid.accuracy.index})


def _cut(grid: SeriesGrid, seeds: Sequence[int], conditions: Sequence[float]) -> SeriesGrid:
    accuracy, images = (table.loc[list(seeds), list(conditions)] for table in (grid.accuracy, grid.images))
    return replace(grid, accuracy=accuracy, images=images)


def _at(grid: SeriesGrid, conditions: Sequence[float]) -> SeriesGrid:
    """A grid at some conditions, with NaN where one is not there."""
    accuracy, images = (table.reindex(columns=list(conditions)) for table in (grid.accuracy, grid.images))
    return replace(grid, accuracy=accuracy, images=images)


def _reason(grids: Sequence[SeriesGrid], seed: int, over: str) -> str:
    """Why a seed cannot be compared at the conditions of some grids; empty if it can."""
    for grid in grids:
        if seed not in grid.accuracy.index:
            return f"{grid.name} has no such seed"
        found = grid.accuracy.loc[seed]
        missing = [f"{value:g}" for value in found.index[np.isnan(found.to_numpy())]]
        if missing:
            more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
            return f"{grid.name} is not complete at {over} {', '.join(missing[:NAMED])}{more}"
    numbers = np.stack([grid.images.loc[seed].to_numpy() for grid in grids])
    unlike = (numbers != numbers[0]).any(axis=0)
    if unlike.any():
        place = int(unlike.argmax())
        counts = ", ".join(
            f"{grid.name} on {int(n):,}" for grid, n in zip(grids, numbers[:, place], strict=True)
        )
        return f"scored on different images at {over} {grids[0].images.columns[place]:g}: {counts}"
    return ""


def _leaving_words(leaving: dict[int, str]) -> tuple[str, ...]:
    """Seeds that leave, together where they share a reason."""
    reasons = list(dict.fromkeys(reason for reason in leaving.values() if reason))
    groups = {reason: [str(seed) for seed, own in leaving.items() if own == reason] for reason in reasons}
    return tuple(
        f"seed{'s' if len(seeds) > 1 else ''} {', '.join(seeds)} left out ({reason})"
        for reason, seeds in groups.items()
    )


def _constant(levels: Levels) -> list[str]:
    """Networks whose seeds do not differ, beside others whose seeds do."""
    if len(levels.seeds) < 2:
        return []
    same = [grid.name for grid in levels.grids if (grid.accuracy.nunique() == 1).all()]
    if len(same) == len(levels.grids):
        return []
    return [f"{name} has the same values in all seeds" for name in same]
