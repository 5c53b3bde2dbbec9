"""The outcome of each image, kept beside the rows of an evaluation: one bit per row and image.

With them two networks can be compared image by image (McNemar's test), long after they were scored.
"""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from flexnet.errors import DataError
from flexnet.files import atomic_path, canonical_json
from flexnet.tables.values import Table

SUFFIX: Final = ".outcomes.safetensors"
_ENTRY: Final = "flexnet"


def outcomes_path(table: str | Path) -> Path:
    """Where the outcomes of a table of rows lie: the same name with another suffix."""
    return Path(table).with_suffix(SUFFIX)


def write_outcomes(path: str | Path, right: NDArray[np.bool_], images: str) -> None:
    """Write outcomes, atomically.

    Args:
        path: the file to write.
        right: whether each image counts as right, (rows, N), in the order of the table's rows.
        images: digest of the images in their order, so that outcomes of others are never paired with these.
    """
    metadata = {"images": images, "n": str(right.shape[1])}
    content = save({"right": np.packbits(right, axis=1)}, {_ENTRY: canonical_json(metadata)})
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def read_outcomes(table: Table) -> tuple[NDArray[np.bool_], str]:
    """Read the outcomes beside a table of rows.

    Returns:
        right, bool, (rows, N), in the order of the rows, and the digest of the images.

    Raises:
        DataError: if the file is missing or damaged, or does not have as many right answers as the table.
    """
    path = outcomes_path(table.cells.path)
    try:
        with safe_open(str(path), framework="numpy") as stream:
            told: dict[str, Any] = json.loads((stream.metadata() or {}).get(_ENTRY, "{}"))
            right = np.unpackbits(stream.get_tensor("right"), axis=1, count=int(told["n"])).astype(bool)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{path}: expected the outcomes of {table.cells.path}; got: {error}; evaluate again"
        ) from error
    if right.sum(axis=1).tolist() != table.values["correct"]:
        raise DataError(
            f"{path}: expected as many right answers as {table.cells.path} has in each row; got others;"
            " the files belong to different runs: evaluate again"
        )
    return right, str(told["images"])
