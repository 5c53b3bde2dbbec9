"""A layer in the place of a convolution, with its arguments and weights."""

import math
from typing import Any, TypeVar, cast

from torch import nn

from flexnet.errors import ConfigError
from flexnet.layers.pooling import Pair
from flexnet.layers.signatures import check_options, passes_on, takes
from flexnet.layers.steps import parameter_like

Layer = TypeVar("Layer", bound=nn.Module)
# Arguments that a layer need not have, with the value that changes nothing.
PERHAPS = {"dilation": (1, 1), "groups": 1, "padding_mode": "zeros"}


def twin(
    layer: type[Layer], conv: nn.Conv2d, input_size: Pair | None, keep_weights: bool = True, **options: Any
) -> Layer:
    """Make a layer with the arguments of a plain convolution.

    Args:
        layer: its class, with the arguments of Conv2d by their names; `dilation`, `groups`, `padding_mode`
            and `input_size` only if it has them.
        conv: the convolution.
        input_size: height and width of its input, if known.
        keep_weights: take over weight and bias; else keep the new ones.
        options: what the layer takes beside.

    Raises:
        ConfigError: if an option is not allowed or missing, or the layer cannot stand an argument or the
            weights of the convolution.
    """
    check_options(layer, options)
    place = {"device": conv.weight.device, "dtype": conv.weight.dtype}
    perhaps = {**_unusual(layer, conv), **place, "input_size": input_size}
    new = layer(
        conv.in_channels,
        conv.out_channels,
        cast(Pair, conv.kernel_size),
        stride=conv.stride,
        padding=_padding(conv),
        bias=conv.bias is not None,
        **{name: value for name, value in perhaps.items() if takes(layer, name) or name in PERHAPS},
        **options,
    )
    new.to(conv.weight.device, conv.weight.dtype)
    if keep_weights:
        _take_weights(new, conv)
    return new.train(conv.training)


def plain_twin(layer: nn.Conv2d) -> nn.Conv2d:
    """Return the plain convolution with a layer's arguments: a Conv2d with copies of weight and bias."""
    conv = nn.Conv2d(
        layer.in_channels,
        layer.out_channels,
        cast(Pair, layer.kernel_size),
        cast(Pair, layer.stride),
        cast(Pair, layer.padding),
        cast(Pair, layer.dilation),
        layer.groups,
        layer.bias is not None,
        cast(Any, layer.padding_mode),
        device="meta",
    )
    conv.weight = parameter_like(layer.weight)
    conv.bias = None if layer.bias is None else parameter_like(layer.bias)
    return conv.train(layer.training)


def _unusual(layer: type[nn.Module], conv: nn.Conv2d) -> dict[str, Any]:
    """Arguments of the convolution that not every layer can stand, where they change something."""
    found = {name: getattr(conv, name) for name, usual in PERHAPS.items() if getattr(conv, name) != usual}
    for name, value in found.items():
        if not takes(layer, name) and not passes_on(layer):
            raise ConfigError(
                f"{layer.__name__}: expected a convolution with {name} {PERHAPS[name]!r}; got {value!r}; "
                "choose others by where"
            )
    return found


def _take_weights(layer: nn.Module, conv: nn.Conv2d) -> None:
    for name in ("weight", "bias"):
        old, new = getattr(conv, name), getattr(layer, name, None)
        if (old is None) != (new is None) or (new is not None and new.shape != old.shape):
            found = "nothing" if new is None else f"the shape {tuple(new.shape)}"
            expected = "nothing" if old is None else f"the shape {tuple(old.shape)}"
            raise ConfigError(
                f"{type(layer).__name__}: expected {expected} under {name!r}, to take it over from the "
                f"convolution; got {found}; ask for new ones with keep_weights=False"
            )
        setattr(layer, name, None if old is None else parameter_like(old))


def _padding(conv: nn.Conv2d) -> Pair:
    """The padding as integers, "valid" and "same" too.

    Raises:
        ConfigError: if "same" is not the same on both sides.
    """
    if not isinstance(conv.padding, str):
        return cast(Pair, conv.padding)
    reach = [step * (size - 1) for step, size in zip(conv.dilation, conv.kernel_size, strict=True)]
    if conv.padding == "same" and any(each % 2 for each in reach):
        raise ConfigError(
            f"expected a padding that is the same on both sides; got 'same' with kernel size "
            f"{conv.kernel_size}, which is not; choose others by where"
        )
    rows, columns = (math.floor(each / 2) if conv.padding == "same" else 0 for each in reach)
    return rows, columns
