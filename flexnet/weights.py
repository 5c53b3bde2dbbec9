"""What a weights file says of itself, read without torch."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from flexnet.errors import DataError

# All metadata is one entry: safetensors writes several in an order that differs from run to run.
ENTRY = "flexnet"


def read_metadata(path: str | Path) -> dict[str, str]:
    """Read the metadata of a weights file: model, seed, network, options, recipe, ...

    Raises:
        DataError: if the file is missing, damaged or not of a training job.
    """
    try:
        with safe_open(str(path), framework="numpy") as stream:
            metadata = json.loads((stream.metadata() or {}).get(ENTRY, "{}"))
    except (SafetensorError, OSError, ValueError) as error:
        raise DataError(
            f"{path}: expected the weights file of a training job; got: {error}; check the path, or train it"
        ) from error
    if "network" not in metadata:
        raise DataError(
            f"{path}: expected metadata naming the network; got {sorted(metadata)}; it was not written by a"
            " training job of flexnet"
        )
    return dict(metadata)
