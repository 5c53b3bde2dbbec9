"""McNemar's exact test: are two networks right about the same images equally often?

Of the images about which only one of two networks is right, each network has half if they do not differ: the
number of one is binomial. Source: McNemar (1947), Psychometrika 12, 153-157, in its exact form.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from flexnet.errors import DataError


def mcnemar(gained: int, lost: int) -> float:
    """Two-sided p that two networks do not differ.

    Args:
        gained: images about which the first alone is right.
        lost: images about which the second alone is right.

    Returns:
        p in (0, 1]; 1 if no image tells them apart.

    Raises:
        DataError: if a number is negative or not whole.
    """
    for number in (gained, lost):
        if number != int(number) or number < 0:
            raise DataError(
                f"expected numbers of images; got {gained} and {lost}; count outcomes of the same images"
            )
    return min(1.0, 2 * float(bdtr(min(gained, lost), int(gained + lost), 0.5)))


def discordant(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> tuple[int, int]:
    """How many images the first alone is right about, and how many the second alone.

    Raises:
        DataError: if these are not outcomes of as many images.
    """
    if first.shape != second.shape or first.ndim != 1:
        raise DataError(
            f"expected outcomes of the same images; got those of {first.shape} and {second.shape}; evaluate "
            "both on the same dataset"
        )
    return int((first & ~second).sum()), int((second & ~first).sum())


def holm(values: Sequence[float]) -> list[float]:
    """p of several tests, each raised so that all together err in 5 of 100 cases at most (Holm's method).

    Args:
        values: p of each test.

    Returns:
        in the same order, at most 1.
    """
    raised, least = [0.0] * len(values), 0.0
    for place, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        least = max(least, min(1.0, (len(values) - place) * values[index]))
        raised[index] = least
    return raised
