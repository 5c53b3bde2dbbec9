"""Networks with the same answers and another gradient: softer gates, constant gates, a mask that stays.

A gate of slope 50 is flat almost everywhere, so its gradient hardly tells what lies beyond the switch.
Following the gradient of a softer gate while the answers stay exact (backward pass differentiable
approximation, Athalye et al. 2018) shows whether that is what an attack fails at.
"""

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from flexnet.attacks.checks import check_model
from flexnet.errors import ConfigError
from flexnet.layers.diagnostics import flexible_layers
from flexnet.layers.flexible import GATED, FlexibleConv2d
from flexnet.layers.gates import blend
from flexnet.layers.randomness import stochastic_layers
from flexnet.seeds import derive_seed


class _Instead(torch.autograd.Function):
    """The first argument, with the gradient of the second."""

    @staticmethod
    def forward(ctx: Any, exact: Tensor, followed: Tensor) -> Tensor:
        return exact.view_as(exact)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        return None, grad


class _Followed(nn.Module):
    """A flexible layer whose gradient is that of another mixture of its branches."""

    def __init__(self, layer: FlexibleConv2d, mix: Callable[[FlexibleConv2d, Tensor], Tensor]) -> None:
        super().__init__()
        self.layer, self.mix = layer, mix

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            exact = self.layer(x)
        found: Tensor = _Instead.apply(exact, self.mix(self.layer, x))  # type: ignore[no-untyped-call]
        return found


class _SameMask(nn.Module):
    """A layer of the scheme random that draws the same mask in each pass, another than other layers."""

    def __init__(self, layer: FlexibleConv2d, seed: int) -> None:
        super().__init__()
        self.layer, self.seed = layer, seed

    def forward(self, x: Tensor) -> Tensor:
        self.layer.generator = torch.Generator(x.device).manual_seed(self.seed)
        found: Tensor = self.layer(x)
        return found


def softened(model: nn.Module, sharpness: float) -> nn.Module | None:
    """A copy that answers as the model does, with the gradient of gates of another slope.

    Returns:
        None if no layer has a gate that depends on the input.

    Raises:
        ConfigError: if the model cannot be attacked, or the sharpness is not a positive number.
    """
    if not 0 < sharpness < math.inf:
        raise ConfigError(
            f"sharpness of softened gates: expected a finite number > 0; got {sharpness}; use 1, 5 or 10"
        )

    def mix(layer: FlexibleConv2d, x: Tensor) -> Tensor:
        threshold = layer.threshold
        assert threshold is not None
        return blend(layer.pooled(x), layer.convolved(x), threshold, layer.rule, sharpness)

    return _replaced(model, lambda name, layer: _Followed(layer, mix) if layer.scheme in GATED else None)


def frozen(model: nn.Module, seed: int = 0) -> nn.Module | None:
    """A copy whose gates are constants to the gradient, and whose random masks stay the same.

    Returns:
        None if no layer has a gate or a random mask.

    Raises:
        ConfigError: if the model cannot be attacked.
    """

    def mix(layer: FlexibleConv2d, x: Tensor) -> Tensor:
        share = layer.max_share(x).detach()
        return share * layer.pooled(x) + (1 - share) * layer.convolved(x)

    def replacement(name: str, layer: FlexibleConv2d) -> nn.Module | None:
        if layer.scheme == "random":
            return _SameMask(layer, derive_seed("frozen mask", seed, name))
        return _Followed(layer, mix) if layer.scheme in GATED else None

    return _replaced(model, replacement)


def copied(model: nn.Module) -> nn.Module:
    """A copy of a model; generators, which cannot be copied, stay behind."""
    layers = list(stochastic_layers(model))
    generators = [layer.generator for layer in layers]
    for layer in layers:
        layer.generator = None
    try:
        return copy.deepcopy(model)
    finally:
        for layer, generator in zip(layers, generators, strict=True):
            layer.generator = generator


def _replaced(model: nn.Module, make: Callable[[str, FlexibleConv2d], nn.Module | None]) -> nn.Module | None:
    check_model(model)
    new = copied(model)
    found = False
    for name, layer in list(flexible_layers(new)):
        other = make(name, layer)
        if other is not None and name:
            new.set_submodule(name, other.eval())
            found = True
        elif other is not None:
            return other.eval()
    return new if found else None
