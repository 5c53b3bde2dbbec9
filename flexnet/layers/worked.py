"""The Flexible Layer worked through on one small image, in numbers that a reader can check by hand."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from flexnet.errors import ConfigError
from flexnet.layers.flexible import STORED, FlexibleConv2d
from flexnet.layers.gates import RULES, gate
from flexnet.layers.thresholds import draw_threshold
from flexnet.seeds import derive_seed

CURVE_REACH, CURVE_STEPS = 0.2, 81


def worked_example(options: Mapping[str, Any], seed: int) -> dict[str, Tensor]:
    """Pass one random image of one channel through a Flexible Layer and keep all that happens in it.

    Pixels and weights are rounded to one decimal, the bias and thresholds to two, so that each number of
    the convolution has two decimals and none is rounded away.

    Args:
        options: arguments of FlexibleConv2d other than its channels; `input_size` is needed.
        seed: seeds pixels, weights and thresholds.

    Returns:
        Matrices: input, weight, bias (1x1), conv, max, threshold, gate (the share of MAX), output and
        sharpness (1x1).

    Raises:
        ConfigError: if an option is unknown or not allowed, or the scheme has no threshold per unit.
    """
    generator = torch.Generator().manual_seed(derive_seed("worked example", seed))
    layer = _layer(options, generator)
    image = torch.rand(1, 1, *(layer.input_size or ()), generator=generator, dtype=torch.float64)
    image = image.round(decimals=1)
    assert layer.threshold is not None and layer.bias is not None
    with torch.no_grad():
        parts = {
            "input": image,
            "weight": layer.weight,
            "bias": layer.bias.view(1, 1, 1, 1),
            "conv": layer.convolved(image),
            "max": layer.pooled(image),
            "threshold": layer.threshold,
            "gate": layer.max_share(image),
            "output": layer(image),
            "sharpness": torch.full((1, 1, 1, 1), layer.sharpness),
        }
    return {name: tensor.detach()[0, 0] for name, tensor in parts.items()}


def gate_curves(sharpness: float) -> dict[str, Tensor]:
    """The gate against T - MAX: "difference" and, named after the rules, the share of MAX in [0, 1].

    Raises:
        ConfigError: if the sharpness is not a positive number.
    """
    difference = torch.linspace(-CURVE_REACH, CURVE_REACH, CURVE_STEPS, dtype=torch.float64)
    zero = torch.zeros_like(difference)
    return {"difference": difference, **{rule: gate(zero, difference, rule, sharpness) for rule in RULES}}


def _layer(options: Mapping[str, Any], generator: torch.Generator) -> FlexibleConv2d:
    """A layer of one channel whose parameters are drawn from the generator and rounded."""
    try:
        layer = FlexibleConv2d(1, 1, dtype=torch.float64, **options)
    except TypeError as problem:
        raise ConfigError(f"worked example: {problem}; give arguments of FlexibleConv2d") from problem
    if layer.scheme not in STORED or layer.per != "unit" or layer.bias is None:
        raise ConfigError(
            f"worked example: expected a bias and a threshold per unit; got {layer}; choose a scheme out of "
            f"{STORED}"
        )
    assert layer.threshold is not None
    bound = layer.weight[0].numel() ** -0.5  # of PyTorch's initial values
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)
        draw_threshold(layer.threshold, layer.init, generator)
        for tensor, decimals in ((layer.weight, 1), (layer.bias, 2), (layer.threshold, 2)):
            tensor.copy_(tensor.round(decimals=decimals))
    return layer
