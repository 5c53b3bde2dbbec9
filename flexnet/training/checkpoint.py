"""Weights and checkpoints as safetensors: tensors with readable metadata, nothing that executes code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from flexnet.errors import DataError
from flexnet.files import atomic_path, canonical_json
from flexnet.networks.registry import build

MOMENTUM = "momentum."
# All metadata is one entry: safetensors writes several in an order that differs from run to run.
ENTRY = "flexnet"


def save_tensors(path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors and metadata to a safetensors file, atomically."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(contiguous, temporary, metadata={ENTRY: canonical_json(metadata)})


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the tensors and the metadata of a safetensors file.

    Raises:
        DataError: if the file is missing or damaged.
    """
    try:
        with safe_open(str(path), framework="pt") as stream:
            metadata = json.loads((stream.metadata() or {}).get(ENTRY, "{}"))
            return {name: stream.get_tensor(name) for name in stream.keys()}, metadata  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise DataError(
            f"{path}: expected a complete safetensors file; got: {error}; delete it and run again"
        ) from error


def load_model(path: str | Path) -> tuple[nn.Module, dict[str, str]]:
    """Rebuild a trained model from its file.

    Args:
        path: a weights file of a training job.

    Returns:
        The model in evaluation mode on the CPU, and its metadata (model, seed, epoch, network, options,
        recipe, code, version).

    Raises:
        DataError: if the file is missing, damaged or not of a training job.
        ConfigError: if the network or one of its options is unknown here.
    """
    tensors, metadata = read_tensors(path)
    if "network" not in metadata or "options" not in metadata:
        raise DataError(
            f"{path}: expected metadata naming the network and its options; got {sorted(metadata)};"
            " it was not written by a training job of flexnet"
        )
    with torch.device("meta"):  # no time and no random numbers for weights that are replaced at once
        model = build(metadata["network"], **json.loads(metadata["options"]))
    try:
        model.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise DataError(f"{path}: the weights do not fit the network it names: {error}") from error
    return model.eval(), metadata


class Checkpoint:
    """The side file from which an interrupted training job goes on.

    It holds weights, momentum and the history so far, and the identity of the run: a checkpoint of
    other settings or other code is never taken up.
    """

    def __init__(self, path: str | Path, identity: str) -> None:
        self.path = Path(path)
        self.identity = identity
        self.epoch = 0

    def save(self, epoch: int, model: nn.Module, optimiser: torch.optim.Optimizer, history: Any) -> None:
        """Write the state after an epoch."""
        tensors = dict(model.state_dict())
        for name, parameter in model.named_parameters():
            momentum = optimiser.state.get(parameter, {}).get("momentum_buffer")
            if momentum is not None:
                tensors[MOMENTUM + name] = momentum
        metadata = {"identity": self.identity, "epoch": str(epoch), "history": json.dumps(history)}
        save_tensors(self.path, tensors, metadata)
        self.epoch = epoch

    def load(self, model: nn.Module, optimiser: torch.optim.Optimizer) -> list[dict[str, Any]] | None:
        """Restore the state into model and optimiser.

        Returns:
            The history rows so far, or None (and nothing restored) if there is no checkpoint of this run.
        """
        if not self.path.exists():
            return None
        tensors, metadata = read_tensors(self.path)
        if metadata.get("identity") != self.identity:
            return None
        weights = {name: value for name, value in tensors.items() if not name.startswith(MOMENTUM)}
        model.load_state_dict(weights)
        for name, parameter in model.named_parameters():
            if MOMENTUM + name in tensors:
                momentum = tensors[MOMENTUM + name].to(parameter.device)
                optimiser.state[parameter]["momentum_buffer"] = momentum
        self.epoch = int(metadata["epoch"])
        history: list[dict[str, Any]] = json.loads(metadata["history"])
        return history

    def remove(self) -> None:
        """Delete the side file, once the weights are written."""
        self.path.unlink(missing_ok=True)

    def describe(self) -> str:
        """Say where the last good state is."""
        return f"epoch {self.epoch} in {self.path}" if self.epoch else "none was written yet"
