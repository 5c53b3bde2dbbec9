"""Named splits of the embedded dataset, so that it is used like any other."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from flexnet.data.arrays import ImageArrays
from flexnet.data.shapes.generate import DRAWN, generate
from flexnet.errors import ConfigError

SHAPES = "shapes"
INVERTED = "_inverted"
# The drawn splits show the objects of the test split, in the same poses.
SPLITS = ("train", "test", *(f"{style}{ending}" for style in DRAWN for ending in ("", INVERTED)))
DEFAULTS: Mapping[str, Any] = {"size": 32, "channels": 3, "seed": 0, "texture": "informative"}
DEFAULT_COUNTS = {"train": 5000, "test": 1000}


def generate_split(split: str, options: Mapping[str, Any]) -> tuple[ImageArrays, dict[str, Any]]:
    """Generate a split by name.

    Args:
        split: "train", "test", or an out-of-distribution set: "contours", "line_drawings", "silhouettes"
            (dark on white), each also with the ending "_inverted" (exact negative).
        options: any of n, size, channels, seed, texture (see `generate`); n is 5,000 for "train" and
            1,000 otherwise, size 32, channels 3, seed 0, texture "informative".

    Returns:
        the images, and all options with their values.

    Raises:
        ConfigError: if the split or an option is unknown or has a value that is not allowed.
    """
    if split not in SPLITS:
        raise ConfigError(f"expected a split of shapes among {', '.join(SPLITS)}; got {split!r}; correct it")
    used = {"n": DEFAULT_COUNTS.get(split, DEFAULT_COUNTS["test"]), **DEFAULTS}
    unknown = sorted(set(options) - set(used))
    if unknown:
        raise ConfigError(f"expected options of shapes among {', '.join(used)}; got {unknown}; remove them")
    used.update(options)
    style = split.removesuffix(INVERTED)
    if style not in DRAWN:
        return generate(split=split, **used), used
    arrays = generate(split="test", rendering=style, **used)  # type: ignore[arg-type]
    if split.endswith(INVERTED):
        arrays = ImageArrays(np.uint8(255) - arrays.images, arrays.labels, arrays.classes)
    return arrays, used
