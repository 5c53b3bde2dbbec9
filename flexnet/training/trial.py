"""Networks with code of one's own, tried out before they are trained for hours and looked at again behind.

A weights file holds parameters and buffers. What a layer keeps beside them, draws in secret or does not give
as a convolution would, is told at the start, and not by a wrong number at the end.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError, FlexnetError
from flexnet.layers.batch_statistics import require_own_statistics
from flexnet.layers.randomness import TOLERANCE, answer, check_declared
from flexnet.own import own_code
from flexnet.training.batches import to_unit
from flexnet.training.run import Run, TrainingRun, build_model
from flexnet.training.streamed import Pixels

FEW = 4  # images
KNOWN = ("torch", "flexnet")  # packages whose modules are not the user's own


def try_out(model: nn.Module, run: Run, pixels: Pixels) -> None:
    """Try a network that holds code of the user's own on a few images; any other is left alone.

    Args:
        model: as it will be trained or judged; it stays as it is, and so do all generators.
        run: what built it.
        pixels: its images, (N, C, H, W) in uint8, on its device or streamed there; some are looked at.

    Raises:
        ConfigError: if a pass fails or gives something else than finite logits, if the same images and
            generators give other logits, in training or in judging, if a network that is built anew with the
            same weights does, or if its answers for an image hang on the others of a batch.
    """
    if not own_code(run.network, run.options):
        return
    images = to_unit(pixels[:FEW])
    trained = isinstance(run, TrainingRun)
    with torch.random.fork_rng():
        twin = _twin(model, run).train(trained)
        _require_logits(twin, images, run)
        if trained:
            _require_repeated(twin, images, run)
    require_own_statistics(model, run.model)
    check_declared(model, images, run.model)
    require_rebuilt(model, run, pixels)


def require_rebuilt(model: nn.Module, run: Run, pixels: Pixels) -> None:
    """Check that a network with code of one's own is what its parameters and buffers say, as `try_out`."""
    if not own_code(run.network, run.options):
        return
    images = to_unit(pixels[:FEW])
    found, again = (answer(each, images) for each in (model, _twin(model, run)))
    apart = float((found - again).abs().max())
    if not apart <= TOLERANCE * float(found.abs().max()):
        raise ConfigError(
            f"{run.model}: expected a network that is built anew with the same weights to give the same"
            f" logits; they differ by up to {apart:.2g}; let its layers keep what they need in parameters and"
            " buffers: self.register_buffer('name', tensor)"
        )


def _twin(model: nn.Module, run: Run) -> nn.Module:
    """The network built anew, with the same weights."""
    twin = build_model(run)
    twin.load_state_dict(model.state_dict())
    return twin.to(next(model.parameters()).device)


def _require_logits(twin: nn.Module, images: Tensor, run: Run) -> None:
    """Check that a pass works, and tell what layers of one's own gave where it does not."""
    seen: dict[str, str] = {}
    try:
        with _noting(twin, seen), torch.no_grad():
            logits = twin(images)
    except FlexnetError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or ["no reason"])[0]
        raise ConfigError(
            f"{run.model}: expected {len(images)} images of shape {tuple(images.shape[1:])} to pass; got"
            f" {type(error).__name__}: {reason}{_words(seen)}; let a layer give what torch.nn.Conv2d with its"
            " arguments gives, (N, C', H', W') in the type of its images"
        ) from error
    if not isinstance(logits, Tensor) or logits.dim() != 2 or len(logits) != len(images):
        found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ConfigError(f"{run.model}: expected logits (N, classes); got {found}{_words(seen)}; correct it")
    if not bool(logits.isfinite().all()):
        raise ConfigError(
            f"{run.model}: expected finite logits before any training; got NaN or infinite ones{_words(seen)}"
            "; look for what divides by 0 or takes a root"
        )


def _require_repeated(twin: nn.Module, images: Tensor, run: Run) -> None:
    """Check that what is drawn in training is drawn from torch's generator."""
    before = {name: tensor.clone() for name, tensor in twin.state_dict().items()}
    found = []
    for _ in range(2):
        twin.load_state_dict(before)  # running means
        torch.manual_seed(0)
        with torch.no_grad():
            found.append(twin(images).double())
    apart = float((found[0] - found[1]).abs().max())
    if not apart <= TOLERANCE * float(found[0].abs().max()):
        raise ConfigError(
            f"{run.model}: expected the same logits in training for the same images and the same state of"
            f" PyTorch's generator; they differ by up to {apart:.2g}; draw random numbers with torch, from"
            " self.generator, and keep what changes from pass to pass in buffers"
        )


@contextmanager
def _noting(model: nn.Module, seen: dict[str, str]) -> Iterator[None]:
    """Note what each module of the user's own gives."""

    def note(name: str, module: nn.Module) -> Any:
        def hook(module: nn.Module, given: Any, found: Any) -> None:
            told = type(found).__name__
            if isinstance(found, Tensor):
                odd = "" if bool(found.isfinite().all()) else ", not all finite"
                told = f"{found.dtype} of shape {tuple(found.shape)}{odd}"
            seen[f"{name} ({type(module).__name__})"] = told

        return module.register_forward_hook(hook)

    named = model.named_modules()
    hooks = [note(name, each) for name, each in named if type(each).__module__.split(".")[0] not in KNOWN]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _words(seen: dict[str, str]) -> str:
    return "".join(f"; {name} gave {told}" for name, told in seen.items())
