"""Weights and checkpoints as safetensors: tensors with readable metadata, nothing that executes code."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from flexnet.errors import ConfigError, DataError
from flexnet.files import atomic_path, canonical_json
from flexnet.networks.registry import build
from flexnet.own import own_code
from flexnet.training.optimiser import SGD
from flexnet.training.run import Run
from flexnet.weights import ENTRY

# What the names of a checkpoint's tensors begin with.
MODEL, MOMENTUM, RANDOM = "model.", "momentum.", "random."
TOTALS = "totals"
DIGEST = "sha256"  # of everything else in a checkpoint


def save_tensors(path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors and metadata to a safetensors file, atomically.

    Raises:
        OSError: naming the file, if there is no room for it or it may not be written.
    """
    content = save(_apart(tensors), metadata={ENTRY: canonical_json(metadata)})
    try:
        # Safetensors' own writer leaves files of other names when killed.
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk does not say which file it had no room for
        raise


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors on the CPU of which no two share memory, as those of a layer that a network uses twice do."""
    found: dict[str, Tensor] = {}
    taken: set[int] = set()
    for name, tensor in tensors.items():
        own = tensor.detach().cpu().contiguous()
        place = own.untyped_storage().data_ptr()
        found[name] = own.clone() if place in taken else own
        taken.add(place)
    return found


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the tensors and the metadata of a safetensors file.

    Raises:
        DataError: if the file is missing or damaged.
    """
    try:
        with safe_open(str(path), framework="pt") as stream:
            metadata = json.loads((stream.metadata() or {}).get(ENTRY, "{}"))
            return {name: stream.get_tensor(name) for name in stream.keys()}, metadata  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise DataError(
            f"{path}: expected a complete safetensors file; got: {error}; name another file, or, if a job of"
            " flexnet wrote it, let that job run again"
        ) from error


def load_model(path: str | Path) -> tuple[nn.Module, dict[str, str]]:
    """Rebuild a trained model from its file, by the code that the file names.

    For what the study itself wrote; files of others go through `flexnet.training.loading.load_model`.

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
    model = _built(metadata["network"], json.loads(metadata["options"]), _first_seed(metadata))
    _require_types(path, model, tensors)
    try:
        model.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise DataError(f"{path}: the weights do not fit the network it names: {error}") from error
    return model.eval(), metadata


def save_model(
    path: str | Path, model: nn.Module, network: str, options: Mapping[str, Any], /, **said: str
) -> None:
    """Write a model so that `load_model` rebuilds it.

    Args:
        path: the safetensors file to write.
        model: a network that `flexnet.networks.build(network, **options)` builds, with any weights.
        network: its name, or the dotted path of a function of one's own.
        options: what it was built with.
        said: what the file shall say of itself beside.

    Raises:
        ConfigError: if the network or an option is unknown, or builds another model than this, or one of
            other types.
    """
    metadata = {**said, "network": network, "options": canonical_json(options)}
    twin = _built(network, options, _first_seed(metadata))
    _require_built(path, network, twin.state_dict(), model.state_dict())
    _require_told(path, network, options, twin, model)
    save_tensors(path, model.state_dict(), metadata)


def _built(network: str, options: Mapping[str, Any], seed: int) -> nn.Module:
    """A network whose weights are replaced at once: no time and no random numbers for them, if that is known.

    Code of the user's own may keep tensors that are no weights: it runs as it did when the weights were made.
    """
    if not own_code(network, options):
        with torch.device("meta"):
            return build(network, **options)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build(network, **options)


def _first_seed(metadata: Mapping[str, str]) -> int:
    """Seed of the weights with which a run began; 0 where none is told."""
    told = {"model", "seed", "network", "options", "run_seed", "code"} <= set(metadata)
    return Run.from_metadata(metadata).derive("init") if told else 0


def _require_built(
    path: str | Path, network: str, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]
) -> None:
    """Refuse tensors of other names, shapes or types than the network's: the file could not be loaded."""
    shared = expected.keys() & found.keys()
    other = (expected.keys() ^ found.keys()) | {
        name for name in shared if expected[name].shape != found[name].shape
    }
    if other:
        raise ConfigError(
            f"{path}: expected a model as {network!r} with these options builds it; "
            f"{', '.join(sorted(other)[:5])} differ; give the network and the options that it was built with"
        )
    for name, own in expected.items():
        if found[name].dtype != own.dtype:
            raise ConfigError(
                f"{path}: expected {name} in {own.dtype}, as {network!r} builds it; got {found[name].dtype}; "
                f"convert the model with {'.float()' if own.dtype == torch.float32 else f'.to({own.dtype})'}"
            )


def _require_told(
    path: str | Path, network: str, options: Mapping[str, Any], twin: nn.Module, model: nn.Module
) -> None:
    """Refuse code of the user's own that keeps tensors elsewhere, and other ones than a new model has."""
    if not own_code(network, options):
        return
    new, own = _untold(twin), _untold(model)
    others = sorted(name for name in new.keys() | own.keys() if not _alike(new.get(name), own.get(name)))
    if others:
        raise ConfigError(
            f"{path}: expected a model that its parameters and buffers make what it is; {others[:5]} are"
            " neither, and others in a new one; use self.register_buffer('name', tensor)"
        )


def _untold(model: nn.Module) -> dict[str, Tensor]:
    """Tensors of a model that no weights file holds."""
    stored = set(model.state_dict())
    found = {name: tensor for name, tensor in model.named_buffers() if name not in stored}
    for name, module in model.named_modules():
        found |= {f"{name}.{key}": value for key, value in vars(module).items() if isinstance(value, Tensor)}
    return found


def _alike(one: Tensor | None, other: Tensor | None) -> bool:
    return one is not None and other is not None and torch.equal(one.cpu(), other.cpu())


def _require_types(path: str | Path, model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Refuse tensors of another type than the network's: `assign` would take them as they are."""
    for name, own in model.state_dict().items():
        if name in tensors and tensors[name].dtype != own.dtype:
            raise DataError(
                f"{path}: expected {name} in {own.dtype}; got {tensors[name].dtype};"
                " it was not written by a training job of flexnet"
            )


def random_state(device: torch.device) -> dict[str, Tensor]:
    """State of PyTorch's global generators that a run on `device` draws from, by kind of device."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    if device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_random_state(states: Mapping[str, Tensor], device: torch.device) -> None:
    """Put the global generators into a state that `random_state` returned."""
    torch.set_rng_state(states["cpu"])
    if "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
    if "mps" in states:
        torch.mps.set_rng_state(states["mps"])


@dataclass
class State:
    """How far a run has come, beside its weights and momentum.

    Attributes:
        epoch: finished epochs.
        step: finished steps of the epoch after them.
        totals: summed loss and correct answers of those steps, (2,) in float64.
        history: the history's rows so far.
        random: the state of the generators after the last step, by kind of device.
    """

    epoch: int = 0
    step: int = 0
    totals: Tensor = field(default_factory=lambda: torch.zeros(2, dtype=torch.float64))
    history: list[dict[str, Any]] = field(default_factory=list)
    random: dict[str, Tensor] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"epoch {self.epoch}" + (f" and {self.step} steps" if self.step else "")


class Checkpoint:
    """The side file from which an interrupted training job goes on.

    It holds weights, momentum, random state and the history so far, and the identity of the run: a
    checkpoint of other settings, other images or other code is never taken up.
    """

    def __init__(self, path: str | Path, identity: str) -> None:
        self.path = Path(path)
        self.identity = identity
        self.last = "none was written yet"

    def save(self, state: State, model: nn.Module, optimiser: SGD) -> None:
        """Write the state after a step."""
        tensors = {MODEL + name: value for name, value in model.state_dict().items()}
        for name, parameter in model.named_parameters():
            momentum = optimiser.state.get(parameter, {}).get("momentum_buffer")
            if momentum is not None:
                tensors[MOMENTUM + name] = momentum
        tensors |= {RANDOM + kind: value for kind, value in state.random.items()}
        metadata = {
            "identity": self.identity,
            "epoch": str(state.epoch),
            "step": str(state.step),
            "history": json.dumps(state.history),
        }
        tensors |= {TOTALS: state.totals}
        save_tensors(self.path, tensors, {**metadata, DIGEST: digest_of(tensors, metadata)})
        self.last = f"{state} in {self.path}"

    def load(self, model: nn.Module, optimiser: SGD) -> State | None:
        """Restore weights and momentum into model and optimiser.

        Returns:
            How far the run had come, or None (and nothing restored) if there is no checkpoint of this run.

        Raises:
            DataError: if there is one, but it is damaged.
        """
        if not self.path.exists():
            return None
        try:
            tensors, metadata = read_tensors(self.path)
        except DataError as error:
            raise self._damaged("a damaged file") from error
        if metadata.get("identity") != self.identity:
            return None
        if metadata.pop(DIGEST, "") != digest_of(tensors, metadata):
            raise self._damaged("other bits, of a damaged disk perhaps")
        parts: dict[str, dict[str, Tensor]] = {MODEL: {}, MOMENTUM: {}, RANDOM: {}}
        for name, value in tensors.items():
            for prefix, part in parts.items():
                if name.startswith(prefix):
                    part[name.removeprefix(prefix)] = value
        model.load_state_dict(parts[MODEL])
        _restore_momentum(parts[MOMENTUM], model, optimiser)
        state = State(
            int(metadata["epoch"]),
            int(metadata["step"]),
            tensors[TOTALS],
            json.loads(metadata["history"]),
            parts[RANDOM],
        )
        self.last = f"{state} in {self.path}"
        return state

    def _damaged(self, found: str) -> DataError:
        remedy = "delete it, and the job starts anew"
        return DataError(f"{self.path}: expected what a training job saved; got {found}; {remedy}")

    def remove(self) -> None:
        """Delete the side file, once the weights are written."""
        self.path.unlink(missing_ok=True)


def digest_of(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """SHA-256 of tensors with their names, types and shapes, and of metadata."""
    state = hashlib.sha256(canonical_json(metadata).encode())
    for name, tensor in sorted(tensors.items()):
        state.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        state.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return state.hexdigest()


def _restore_momentum(momenta: Mapping[str, Tensor], model: nn.Module, optimiser: SGD) -> None:
    """Give each parameter its momentum in the parameter's own memory order, type and device.

    A fused optimiser walks through both as they lie in memory, so a momentum in another order would
    silently be paired with the wrong weights.
    """
    for name, parameter in model.named_parameters():
        if name in momenta:
            buffer = torch.empty_like(parameter, requires_grad=False)
            optimiser.state[parameter] = {"momentum_buffer": buffer.copy_(momenta[name])}
