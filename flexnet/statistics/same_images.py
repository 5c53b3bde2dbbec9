"""Two networks are compared on the same images: on others, their difference is also one of the images."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from flexnet.errors import DataError

THEIR_IMAGES: Final = "their_images"  # numbers of images of the network with which others are compared


def require_same_images(pairs: pd.DataFrame, images: str, keys: Sequence[str], reference: str) -> None:
    """Refuse pairs of rows that were scored on different numbers of images.

    Args:
        pairs: with the columns series, those of `keys`, `images` and `THEIR_IMAGES`.
        images: the column with numbers of images of the series; `THEIR_IMAGES` has those of the reference.
        keys: columns that tell one pair of a series from another.
        reference: the series with which the others are compared.

    Raises:
        DataError: naming the first such pair.
    """
    unlike = pairs[pairs[images] != pairs[THEIR_IMAGES]]
    if not unlike.empty:
        row = unlike.iloc[0]
        where = ", ".join(f"{name} {row[name]}" for name in keys)
        raise DataError(
            f"expected {row['series']!r} and {reference!r} on the same images; got {int(row[images]):,} and"
            f" {int(row[THEIR_IMAGES]):,} at {where}; evaluate both on the same number"
        )
