"""Trained networks from files that anybody may have written: nothing in them is run unless a user says so.

The jobs of the study load what the study wrote (`flexnet.training.checkpoint`); everything else loads here.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from flexnet.errors import DataError, FlexnetError
from flexnet.own import own_code
from flexnet.training import checkpoint
from flexnet.weights import read_metadata

FOREIGN = "it was not written by a training job of flexnet"
# What sizes raise that no network has, depending on where they stop to fit.
NO_NETWORK = (RuntimeError, TypeError, ValueError, OverflowError, MemoryError, AttributeError, LookupError)


def load_model(path: str | Path, *, trust: bool = False) -> tuple[nn.Module, dict[str, str]]:
    """Rebuild a trained model from its file.

    A file says by name what builds its network. A name of this package is built in any case; code elsewhere,
    such as a network of one's own, is run only where its user says that the file may be trusted.

    Args:
        path: a weights file of a training job, or of `save_model`.
        trust: whether code outside this package that the file names may be run.

    Returns:
        The model in evaluation mode on the CPU, and its metadata (model, seed, epoch, network, options,
        recipe, code, version).

    Raises:
        DataError: if the file is missing, damaged, not of a training job, or names code outside this package
            that is not to be run.
        ConfigError: if the network or one of its options is unknown here.
    """
    network, options = _said(path)
    named = own_code(network, options)
    if named and not trust:
        raise DataError(
            f"{path}: expected a network of flexnet; got one that is built by code elsewhere, "
            f"{' and '.join(named)}, which was not run; if you trust who wrote the file, say so: "
            "load_model(path, trust=True) or --trust"
        )
    _require_depth(path, options)
    try:
        return checkpoint.load_model(path)
    except FlexnetError:
        raise
    except NO_NETWORK as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{path}: expected options of a network that can be built; got: {reason}; {FOREIGN}"
        ) from error


def _said(path: str | Path) -> tuple[str, dict[str, Any]]:
    """The network and the options that a file names, as far as they are such."""
    try:
        metadata = read_metadata(path)
        network, options = metadata["network"], json.loads(metadata["options"])
    except FlexnetError:
        raise
    except (TypeError, ValueError, LookupError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path}: expected metadata that name a network and its options; {FOREIGN}"
        ) from error
    if not isinstance(network, str) or not isinstance(options, dict):
        raise DataError(
            f"{path}: expected metadata that name a network and its options; got {network!r:.80} with "
            f"{type(options).__name__}; {FOREIGN}"
        )
    return network, options


def _require_depth(path: str | Path, options: Mapping[str, Any]) -> None:
    """Refuse a network of more layers than the file has tensors: building it would never end."""
    from safetensors import safe_open

    depth = options.get("depth")
    with safe_open(str(path), framework="numpy") as stream:
        there = len(stream.keys())
    if isinstance(depth, int) and depth > there:
        raise DataError(
            f"{path}: expected a tensor or more for each layer of the depth {depth}; got {there}; {FOREIGN}"
        )
