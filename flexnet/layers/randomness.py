"""The randomness of layers, asked of the layers themselves.

A layer that draws anew at each forward pass says so by `stochastic = True`, and draws from its attribute
`generator` (PyTorch's global generator where that is None). One that is drawn anew for each evaluation says
`redrawn = True` and has a method `redraw(generator)`. A layer that says nothing gives the same for the same.
"""

from collections.abc import Iterator
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers.tracing import evaluation_mode

TOLERANCE = 1e-4  # of the largest logit: a GPU may add in another order


class Stochastic(Protocol):
    """A layer that draws at each forward pass."""

    generator: torch.Generator | None


class Redrawn(Protocol):
    """A layer that is drawn anew for each evaluation."""

    def redraw(self, generator: torch.Generator) -> None:
        """Draw anew."""
        ...


def stochastic_layers(model: nn.Module) -> Iterator[Stochastic]:
    """Layers that draw at each forward pass, in the order of the model."""
    for module in model.modules():
        if getattr(module, "stochastic", False):
            yield cast(Stochastic, module)


def redrawn_layers(model: nn.Module) -> Iterator[Redrawn]:
    """Layers that are drawn anew for each evaluation, in the order of the model."""
    for module in model.modules():
        if getattr(module, "redrawn", False):
            yield cast(Redrawn, module)


def is_stochastic(model: nn.Module) -> bool:
    """Whether a layer draws at each forward pass."""
    return any(True for _ in stochastic_layers(model))


def is_redrawn(model: nn.Module) -> bool:
    """Whether a layer is drawn anew for each evaluation."""
    return any(True for _ in redrawn_layers(model))


def redraw_layers(model: nn.Module, generator: torch.Generator) -> None:
    """Draw all layers that are drawn for each evaluation anew, in the order of the model."""
    for layer in redrawn_layers(model):
        layer.redraw(generator)


def set_generator(model: nn.Module, generator: torch.Generator | None) -> None:
    """Let all layers that draw at each pass draw from `generator` (None: PyTorch's global one)."""
    for layer in stochastic_layers(model):
        layer.generator = generator


def check_declared(model: nn.Module, images: Tensor, name: str) -> None:
    """Check that nothing in a model draws but what its layers say they draw.

    Else draws would depend on what ran before, and a model that varies be taken for one that does not.

    Args:
        model: what is to be judged; it is left as it is.
        images: a few of them, (N, C, H, W) in [0, 1], on its device.
        name: how messages call it.

    Raises:
        ConfigError: if the same images and the same generators give other logits.
    """
    with torch.random.fork_rng():  # which goes on between the two, so that what draws from it differs
        first, again = (answer(model, images) for _ in range(2))
    apart = float((first - again).abs().max())
    if apart > TOLERANCE * float(first.abs().max()):
        raise ConfigError(
            f"{name}: expected the same logits for the same images and generators; they differ by up to "
            f"{apart:.2g}; let a layer that draws say stochastic = True and "
            "draw from self.generator"
        )


def answer(model: nn.Module, images: Tensor) -> Tensor:
    """Logits of a model in evaluation mode, in float64, whose layers draw from generators of one seed."""
    kept = [(layer, layer.generator) for layer in stochastic_layers(model)]
    set_generator(model, torch.Generator(images.device).manual_seed(0))
    try:
        with evaluation_mode(model), torch.no_grad():
            logits = model(images)
            # What is no logit, or no number, is refused where images are judged.
            return logits.double().nan_to_num() if isinstance(logits, Tensor) else images.new_zeros(1)
    finally:
        for layer, generator in kept:
            layer.generator = generator
