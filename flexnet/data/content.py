"""Whether images and labels are the official ones, in whatever order they come.

Mirrors shuffle, and compress images in ways of their own, so files cannot be compared; what they decode
to can. The catalogue holds a digest of that for each split whose official content is known.
"""

import hashlib
from collections.abc import Callable
from typing import Literal

import numpy as np

from flexnet.data.arrays import ImageArrays
from flexnet.data.catalogue import DATASETS, Dataset
from flexnet.errors import ConfigError, DataError

# What a user may ask for, and what prepared images can be.
Wanted = Literal["official", "other"]
Content = Literal["official", "other", "unknown", "generated"]
WANTED = ("official", "other")
ACCEPT = (
    "write `content: other` into its row of `sources` if other content is what you want; captions then say so"
)


def content_digest(arrays: ImageArrays) -> str:
    """Digest of images with their labels that does not depend on their order, as 64 hex digits.

    Each image gives a SHA-256 of its pixels (C, H, W) and its label (little-endian int64); the sorted
    digests, after the text of the shape, give the SHA-256 that is returned. Images that occur twice count
    twice.
    """
    labels = arrays.labels.astype("<i8")
    single = sorted(
        hashlib.sha256(np.ascontiguousarray(image).tobytes() + label.tobytes()).digest()
        for image, label in zip(arrays.images, labels, strict=True)
    )
    return hashlib.sha256(str(arrays.images.shape[1:]).encode() + b"".join(single)).hexdigest()


def check_wanted(wanted: str) -> None:
    """Check a setting `content`.

    Raises:
        ConfigError: if it is neither "official" nor "other".
    """
    if wanted not in WANTED:
        raise ConfigError(f"content: expected one of {list(WANTED)}; got {wanted!r}; correct it")


def judge_content(
    record: Dataset,
    split: str,
    arrays: ImageArrays,
    digest: str,
    wanted: str,
    where: str,
    remedy: str,
    intact: Callable[[], bool] = lambda: False,
) -> Content:
    """Compare a digest with the official one; other content is refused unless it is wanted.

    Args:
        record: the dataset.
        split: its split.
        arrays: what was read.
        digest: their `content_digest`.
        wanted: "official", or "other" to accept anything.
        where: the source, for the message.
        remedy: what gives the official content, for the message.
        intact: whether the images were unpacked from the official archives, which counts where the catalogue
            has no digest, and of photos, whose digests depend on who made squares of them.

    Returns:
        "official", "other", or "unknown" where the catalogue has no digest to compare with.

    Raises:
        DataError: if the content is not known to be official and other content is not wanted.
    """
    known = record.contents.get(split, {}).get(len(arrays))
    if digest == known or ((known is None or record.photos) and intact()):
        return "official"
    if wanted == "other":
        return "other" if known else "unknown"
    if known is None:
        raise DataError(
            f"expected {record.name}/{split} with a content that the catalogue knows; it has no digest of its"
            f" {len(arrays):,} images, and no archive of torchvision lies beside those of {where}, so that"
            f" they cannot be checked (digest {digest}); {ACCEPT}"
        )
    raise DataError(
        f"expected the official images and labels of {record.name}/{split}; {where} has others"
        f"{_recognised(digest)} (digest {digest[:16]}..., the official one is {known[:16]}...); "
        f"{remedy}, or {ACCEPT}"
    )


def _recognised(digest: str) -> str:
    """Say of which other split a digest is, as when two files were exchanged."""
    for record in DATASETS.values():
        for split, contents in record.contents.items():
            if digest in contents.values():
                return f": those of {record.name}/{split}"
    return ""
