"""Two networks image by image: of how many images each alone was right, row by row of a figure's rows."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flexnet.errors import ConfigError, DataError
from flexnet.families.base import Family
from flexnet.statistics.mcnemar import discordant
from flexnet.tables.columns import PAIRS, rows_of
from flexnet.tables.outcomes import read_outcomes
from flexnet.tables.values import Table, read_values

GAINED, LOST = PAIRS
DIGEST: Final = "digest"  # a measure that tells of which images a row is, if a table has several sets
Key = tuple[Any, ...]
# Outcomes of the images of a row, and digests of these.
Outcomes = tuple[NDArray[np.bool_], tuple[str, ...]]


def pair_columns(family: Family, series: Mapping[str, Sequence[str]], reference: str) -> list[dict[str, str]]:
    """Numbers of images that each row, or the reference under the same conditions, alone is right about.

    Args:
        family: whose rows they are.
        series: label of each series and the tables of its seeds, beside which the outcomes lie.
        reference: the series with which all are compared, seed by seed.

    Returns:
        `gained` and `lost` of each row in the order of series and tables; empty where the reference has no
        such seed.

    Raises:
        ConfigError: if there is no such series.
        DataError: if outcomes are missing or damaged, or those of a pair are of other images.
    """
    if reference not in series:
        raise ConfigError(f"paired: expected one of the series {list(series)}; got {reference!r}")
    found = {name: _outcomes(family, paths) for name, paths in series.items()}
    theirs = dict(found[reference])
    return [_pair(name, key, own, theirs.get(key)) for name, rows in found.items() for key, own in rows]


def _pair(series: str, key: Key, own: Outcomes, other: Outcomes | None) -> dict[str, str]:
    if other is None:
        return {GAINED: "", LOST: ""}
    if own[1] != other[1]:
        raise DataError(
            f"series {series}, seed and conditions {key}: expected outcomes of the images on which it is "
            "compared; got those of others; evaluate both networks on the same images"
        )
    gained, lost = discordant(own[0], other[0])
    return {GAINED: str(gained), LOST: str(lost)}


def _outcomes(family: Family, paths: Sequence[str]) -> list[tuple[Key, Outcomes]]:
    found = []
    for path in paths:
        table = read_values(path, rows_of(family))
        right, images = read_outcomes(table)
        keys = table.keys(["seed", *family.conditions])
        for row, key in enumerate(keys):
            found.append((key, (_counted(table, row, right), _digests(table, row, images))))
    return found


def _counted(table: Table, row: int, right: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The outcomes of a row's own images: where a table has several sets, the first n of the largest's."""
    return right[row, : int(table.values["n"][row])]


def _digests(table: Table, row: int, images: str) -> tuple[str, ...]:
    return images, *([str(table.values[DIGEST][row])] if DIGEST in table.values else [])
