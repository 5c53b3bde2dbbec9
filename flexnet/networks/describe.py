"""A network as a table: one row per layer with its sizes, weights and thresholds, from the modules."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers.tracing import evaluation_mode, first_argument
from flexnet.networks.registry import build, expected_images
from flexnet.own import own_code

# What the classes of layers are called in the table; a class that is not here keeps its own name.
KINDS = {
    "Normalise": "normalise",
    "Conv2d": "conv",
    "BatchNorm1d": "batchnorm",
    "BatchNorm2d": "batchnorm",
    "ReLU": "relu",
    "Dropout": "dropout",
    "Dropout2d": "dropout",
    "MaxPool2d": "maxpool",
    "AvgPool2d": "avgpool",
    "AdaptiveAvgPool2d": "globalpool",
    "Flatten": "flatten",
    "FlattenUnits": "flatten",
    "Linear": "linear",
}
Row = dict[str, Any]


def describe(network: str, options: Mapping[str, Any]) -> list[Row]:
    """Build the named network and list its layers in the order in which an image passes them.

    It is built without memory for its weights (PyTorch's meta device), so 224-pixel networks cost nothing.
    Code of the user's own, which may look at its weights, gets some.

    Args:
        network: its name, see `flexnet.networks.networks`.
        options: its keyword arguments.

    Returns:
        One row per layer: step, module, kind, kernel, stride and padding (pixels of a square window, None
        where there is none), rate (of a dropout, else None), in_shape and out_shape without the batch
        (such as "64x30x30"), weights (parameters other than thresholds) and thresholds.

    Raises:
        ConfigError: if the network or an option is unknown, a window is not square or not padded alike on all
            sides, a layer takes or gives something else than one tensor, or one with weights is passed never
            or twice, so that counts of rows would not add up.
    """
    channels, size, _ = expected_images(network, options)
    with torch.random.fork_rng(), torch.device("cpu" if own_code(network, options) else "meta"):
        model = build(network, **options)
        images = torch.zeros(1, channels, size, size)
    rows = _trace(model, images)
    found, expected = sum(row["weights"] for row in rows), _weights(model)
    if found != expected:
        raise ConfigError(
            f"network {network!r}: expected every layer to be passed once; rows hold {found:,} of its "
            f"{expected:,} weights; describe a network whose layers follow each other"
        )
    return rows


def _trace(model: nn.Module, images: Tensor) -> list[Row]:
    """Run the model once and note each layer as it is passed."""
    rows: list[Row] = []

    def note(name: str) -> Any:
        def hook(layer: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            input = first_argument(inputs, named)
            _require_tensors(name, layer, input, output)
            rows.append({"step": len(rows), "module": name, **_row(layer, input, output)})

        return hook

    handles = [
        layer.register_forward_hook(note(name), with_kwargs=True)
        for name, layer in model.named_modules()
        if not list(layer.children()) and not isinstance(layer, nn.Identity)
    ]
    try:
        with evaluation_mode(model):
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    return rows


def _require_tensors(name: str, layer: nn.Module, input: object, output: object) -> None:
    """Refuse a network that branches into several maps, such as HMAX: no row could say where they go."""
    if not isinstance(input, Tensor) or not isinstance(output, Tensor):
        raise ConfigError(
            f"expected layers that map one tensor to one; {name!r}, a {type(layer).__name__}, maps "
            f"{type(input).__name__} to {type(output).__name__}; describe a network whose layers follow each "
            "other"
        )


def _row(layer: nn.Module, input: Tensor, output: Tensor) -> Row:
    threshold = getattr(layer, "threshold", None)
    return {
        "kind": kind_of(layer),
        "kernel": _side(layer, "kernel_size"),
        "stride": _side(layer, "stride"),
        "padding": _side(layer, "padding"),
        "rate": getattr(layer, "p", None),
        "in_shape": _shape(input),
        "out_shape": _shape(output),
        "weights": _weights(layer),
        "thresholds": 0 if threshold is None else threshold.numel(),
    }


def kind_of(layer: nn.Module) -> str:
    """What a layer is called in the table: by its own `title`, or by its class."""
    name = type(layer).__name__
    title: str = getattr(layer, "title", KINDS.get(name, name))
    return title


def _side(layer: nn.Module, name: str) -> int | None:
    """Side in pixels of a square window, from PyTorch's one or two numbers."""
    value = getattr(layer, name, None)
    if isinstance(value, str):  # a convolution's padding "same" or "valid", which it knows in pixels as well
        value = tuple(getattr(layer, "_reversed_padding_repeated_twice", ()))
    sides = {value} if isinstance(value, int) else set(value or ())
    if len(sides) > 1:
        raise ConfigError(
            f"expected a square window, padded alike on all sides; got {name} {value} in {layer}; use one "
            "number"
        )
    return sides.pop() if sides else None


def _shape(tensor: Tensor) -> str:
    return "x".join(str(side) for side in tensor.shape[1:])


def _weights(module: nn.Module) -> int:
    """Number of parameters other than thresholds."""
    named = module.named_parameters()
    return sum(value.numel() for name, value in named if name.split(".")[-1] != "threshold")
