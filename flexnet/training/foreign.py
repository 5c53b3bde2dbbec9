"""Weights that another program wrote, as weights of a network here: read without running code, name by name.

Nothing of a file is guessed: a tensor that is missing, that is left over, that two names lead to, or that has
another shape or values than a network can have, stops.
"""

import hashlib
import pickle
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from flexnet.errors import DataError
from flexnet.options.checkpoint import CheckpointOptions
from flexnet.problems import ask

ENTRIES = ("state_dict", "model_state_dict", "model")
# Batch normalisation counts its batches and, with a fixed momentum, never reads the count; old files lack it.
COUNT = "num_batches_tracked"
# Constants of the network's first layer are those of its options; no foreign network has that layer.
OWN = ("normalise.mean", "normalise.std")
TYPES = (
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.bool),
    *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
)


def load_foreign(path: str | Path, checkpoint: CheckpointOptions, model: nn.Module) -> None:
    """Put the weights of a foreign file into a network.

    Args:
        path: the file: safetensors, or what `torch.save` writes.
        checkpoint: how it is read.
        model: a network of this package, on the CPU.

    Raises:
        DataError: if the file is missing, damaged, another than expected or holds anything but numbers, or if
            its tensors are not those of the network.
    """
    file = Path(path)
    require_digest(file, checkpoint.sha256)
    tensors = _without(_entry(file, _read(file), checkpoint.entry), checkpoint.ignore)
    named = _renamed(file, tensors, checkpoint.keys)
    model.load_state_dict(_fitted(file, named, model.state_dict()))


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        DataError: if it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"{path}: expected a file of weights; got: {error.strerror}; check the path"
        ) from error


def require_digest(path: Path, expected: str | None) -> None:
    """Check that a file is the one that was meant.

    Raises:
        DataError: if it cannot be read, or is another.
    """
    found = digest_of_file(path)
    if expected is not None and found != expected:
        raise DataError(f"{path}: expected a file of sha256 {expected}; got {found}; fetch it again")


def _read(path: Path) -> Any:
    """What a file holds; code in it is refused and not run."""
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except (SafetensorError, ValueError) as error:
            raise _damaged(path, error) from error
    try:
        _require_plain_archive(path)
        with warnings.catch_warnings(action="ignore"):  # of protocols; what cannot be read is an error
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise DataError(
            f"{path}: expected tensors, numbers and texts alone; got something else, which was not run: "
            f"{str(error).splitlines()[-1].strip()}; ask its owner for a state dict"
        ) from error
    except DataError:
        raise
    except Exception as error:  # damaged bytes break readers in more ways than can be listed
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> DataError:
    with path.open("rb") as stream:
        first = stream.read(8)
    reason = f"{type(error).__name__}: {(str(error).splitlines() or ['no reason'])[0]}"
    return DataError(
        f"{path}: expected a complete file of weights; got one that begins with {first!r} ({reason}); fetch"
        " it again"
    )


def _require_plain_archive(path: Path) -> None:
    """Refuse an archive that unfolds to more than it is: torch stores its parts as they are."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        packed = [part.filename for part in archive.infolist() if part.compress_type != zipfile.ZIP_STORED]
        size = sum(part.file_size for part in archive.infolist())
    if packed or size > path.stat().st_size:
        raise DataError(
            f"{path}: expected parts that are stored as they are, as torch.save does; got compressed or "
            "overlapping ones; fetch it again"
        )


def _entry(path: Path, content: Any, name: str | None) -> dict[str, Tensor]:
    """The tensors by their names in the file."""
    if name is None:
        names = [each for each in ENTRIES if isinstance(content, Mapping) and each in content]
        return _tensors(path, content[names[0]] if names else content)
    if not isinstance(content, Mapping) or name not in content:
        listed = sorted(map(str, content))[:20] if isinstance(content, Mapping) else []
        raise DataError(f"{path}: expected an entry {name!r}; got {listed}{ask(name, listed)}")
    return _tensors(path, content[name])


def _tensors(path: Path, found: Any) -> dict[str, Tensor]:
    others = [key for key, each in found.items() if not isinstance(each, Tensor)] if _mapped(found) else []
    if not _mapped(found) or others:
        raise DataError(
            f"{path}: expected tensors by their names; got {type(found).__name__} with "
            f"{others[:5] or 'none'}; say under which key they lie: checkpoint.entry"
        )
    strange = [str(key) for key, tensor in found.items() if not _plain(tensor)]
    if strange:
        raise DataError(
            f"{path}: expected numbers of usual types, one for each place of a tensor; got others, or none, "
            f"in {strange[:5]}; ask its owner for a plain state dict"
        )
    return {str(key): tensor for key, tensor in found.items()}


def _plain(tensor: Tensor) -> bool:
    """Whether a tensor holds numbers: not so sparse, nested and quantised ones, and those without data."""
    return type(tensor) in (Tensor, nn.Parameter) and not (
        tensor.is_nested or tensor.is_meta or tensor.layout != torch.strided or tensor.dtype not in TYPES
    )


def _mapped(found: Any) -> bool:
    return isinstance(found, Mapping) and len(found) > 0


def _without(tensors: Mapping[str, Tensor], ignore: Iterable[str]) -> dict[str, Tensor]:
    patterns = list(ignore)
    return {
        name: tensor
        for name, tensor in tensors.items()
        if not any(re.fullmatch(pattern, name) for pattern in patterns)
    }


def _renamed(path: Path, tensors: Mapping[str, Tensor], keys: Iterable[tuple[str, str]]) -> dict[str, Tensor]:
    """Tensors by their names here."""
    found: dict[str, Tensor] = {}
    origin: dict[str, str] = {}
    for old, tensor in tensors.items():
        new = old
        for pattern, replacement in keys:
            new = re.sub(pattern, replacement, new)
        if new in found:
            raise DataError(
                f"{path}: expected one tensor for {new!r}; got {origin[new]!r} and {old!r}; mend keys"
            )
        found[new], origin[new] = tensor, old
    return found


def _fitted(path: Path, tensors: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Everything that the network holds: from the file, and what no foreign file has."""
    optional = {name for name in own if name in OWN or name.split(".")[-1] == COUNT}
    missing = [name for name in own if name not in tensors and name not in optional]
    extra = [name for name in tensors if name not in own]
    if missing or extra:
        raise DataError(
            f"{path}: expected the tensors of the network; {_listed('missing', missing)}"
            f"{_listed('left over', extra)}mend the keys, the network or its options"
        )
    return {
        name: _values(path, name, tensors[name], each) if name in tensors else each
        for name, each in own.items()
    }


def _listed(what: str, names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{what}: {', '.join(names[:5])}{more}; " if names else ""


def _values(path: Path, name: str, tensor: Tensor, own: Tensor) -> Tensor:
    """A tensor of the file in the type of the network's, with the same values."""
    if tensor.shape != own.shape:
        raise DataError(f"{path}: {name}: expected the shape {tuple(own.shape)}; got {tuple(tensor.shape)}")
    if tensor.is_floating_point() != own.is_floating_point():
        raise DataError(f"{path}: {name}: expected {own.dtype}; got {tensor.dtype}; mend the keys")
    if odd := int((~tensor.isfinite()).sum()):
        raise DataError(
            f"{path}: {name}: expected finite values; got {odd:,} of {tensor.numel():,} that are NaN or"
            " infinite; ask its owner"
        )
    converted = tensor.to(own.dtype)
    if not torch.equal(converted.to(tensor.dtype), tensor):
        raise DataError(f"{path}: {name}: expected values of {own.dtype}; got finer ones of {tensor.dtype}")
    return converted
