"""What images a corrupted set was made of: a digest of each, which lies beside the set."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from torch import Tensor

KEY: Final = "images"  # of the note of a set
DIGITS: Final = 8  # of each image


def digests_of(images: Tensor) -> list[str]:
    """A digest of each image (n, C, H, W) in uint8, on any device."""
    arrays = images.contiguous().cpu().numpy()
    return [hashlib.blake2b(one.tobytes(), digest_size=DIGITS // 2).hexdigest() for one in arrays]


def others(kept: str, numbers: Sequence[int], batches: Iterable[Tensor]) -> int:
    """How many images are not those that a set was made of.

    Args:
        kept: digests of all images of the set, one behind the other.
        numbers: of some images in the set.
        batches: these images, in their order.
    """
    found = (digest for batch in batches for digest in digests_of(batch))
    places = (number * DIGITS for number in numbers)
    return sum(kept[place : place + DIGITS] != digest for place, digest in zip(places, found, strict=True))
