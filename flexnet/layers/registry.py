"""Layers by kind: how a network gets its convolutions."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from torch import nn

from flexnet.errors import ConfigError
from flexnet.layers.pooling import Pair
from flexnet.layers.signatures import check_options, takes
from flexnet.options.layer import kind_of
from flexnet.options.rules import beside_kind
from flexnet.own import is_dotted, load


def layer_class(kind: str) -> type[nn.Module]:
    """The class of a kind of layer: a module of this folder, or the dotted path of one's own.

    Raises:
        ConfigError: if it is not there, or no module of PyTorch.
    """
    found = load(kind) if is_dotted(kind) else import_module(f"flexnet.layers.{kind}").LAYER
    if not isinstance(found, type) or not issubclass(found, nn.Module):
        raise ConfigError(f"layer {kind}: expected a class of torch.nn.Module; got {found!r}")
    return found


def convolution(
    layer: Mapping[str, Any] | None,
    in_channels: int,
    out_channels: int,
    kernel_size: int | Pair,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    bias: bool = True,
    input_size: int | Pair,
) -> nn.Module:
    """A convolution, or what takes its place.

    Args:
        layer: options of the layer, `kind` among them; None for `nn.Conv2d`.
        in_channels, out_channels, kernel_size, stride, padding, bias: as of `nn.Conv2d`; an option `bias` of
            the layer goes before.
        input_size: height and width of the maps that it will see, for layers that ask.

    Raises:
        ConfigError: if the layer is not there, or cannot be built with these options.
    """
    if layer is None:
        return nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
    chosen, options = layer_class(kind_of(layer)), beside_kind(layer)
    check_options(chosen, [name for name in options if name != "bias"])
    size = {"input_size": input_size} if takes(chosen, "input_size") else {}
    said = {"stride": stride, "padding": padding, "bias": bias, **size, **options}
    try:
        return chosen(in_channels, out_channels, kernel_size, **said)
    except TypeError as error:
        raise ConfigError(f"layer {chosen.__name__}: {error}; it was given {said}") from error
