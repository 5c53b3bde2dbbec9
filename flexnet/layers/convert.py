"""Replacing convolutions of any model by another layer, such as FlexibleConv2d."""

import copy
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Protocol

from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers.tracing import Pair, input_sizes

Where = str | int | Sequence[str | int]


class ConvReplacement(Protocol):
    """What `convert` needs of a layer class: a way to build one from a convolution."""

    def from_conv(
        self, conv: nn.Conv2d, input_size: Pair | None, keep_weights: bool = True, **options: Any
    ) -> nn.Module:
        """Build the layer that takes the place of `conv`."""
        ...


def convert(
    model: nn.Module,
    layer: ConvReplacement,
    *,
    where: Where,
    keep_weights: bool = True,
    example: Tensor | Sequence[int] | None = None,
    **options: Any,
) -> nn.Module:
    """Copy a model with some of its convolutions replaced.

    >>> from flexnet.layers.flexible import FlexibleConv2d
    >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3))
    >>> twin = convert(model, FlexibleConv2d, where=-1, example=(1, 3, 32, 32), scheme="learned")
    >>> twin[2].threshold.shape
    torch.Size([1, 8, 28, 28])

    Args:
        model: any module; it is left as it is. Hooks on replaced convolutions are not taken over.
        layer: the class to put in, with a class method
            `from_conv(conv, input_size, keep_weights, **options)`.
        where: which `nn.Conv2d` modules: a pattern of module names with wildcards (`"features.*"`), the
            position among all Conv2d in the order of `named_modules` (negative from the end), or several.
        keep_weights: take over weights and biases.
        example: an input of the model, or its shape including the batch, from which the input sizes of the
            convolutions are found by one pass in evaluation mode. Needed by layers that ask for a size.
        options: passed on to `layer.from_conv`.

    Returns:
        A deep copy of the model with new layers.

    Raises:
        ConfigError: if nothing matches, or a chosen convolution has groups, dilation or a padding other
            than with zeros, or is never called or called with several input sizes.
    """
    twin = copy.deepcopy(model)
    chosen = _choose(twin, where)
    for name, conv in chosen.items():
        _check(name, conv)
    sizes = {} if example is None else input_sizes(twin, chosen, example)
    replacements: dict[nn.Module, nn.Module] = {}
    for name, conv in chosen.items():
        plain = _integer_padding(name, conv)
        replacements[conv] = layer.from_conv(plain, sizes.get(name), keep_weights, **options)
    return _replace(twin, replacements)


def _choose(model: nn.Module, where: Where) -> dict[str, nn.Conv2d]:
    """The chosen convolutions by name, in the order of the model."""
    convs = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}
    names = list(convs)
    wanted: set[str] = set()
    for choice in [where] if isinstance(where, str | int) else where:
        if isinstance(choice, str):
            found = [name for name in names if fnmatchcase(name, choice)]
        else:
            found = [names[choice]] if -len(names) <= choice < len(names) else []
        if not found:
            raise ConfigError(f"no convolution matches {choice!r}; the model has {_listing(names)}")
        wanted.update(found)
    if not wanted:
        raise ConfigError(f"expected at least one name or position; the model has {_listing(names)}")
    return {name: convs[name] for name in names if name in wanted}


def _listing(names: Sequence[str]) -> str:
    return ", ".join(f"{index}: {name!r}" for index, name in enumerate(names)) or "no Conv2d at all"


def _check(name: str, conv: nn.Conv2d) -> None:
    expected = {"groups": 1, "dilation": (1, 1), "padding_mode": "zeros"}
    for attribute, value in expected.items():
        if getattr(conv, attribute) != value:
            raise ConfigError(
                f"only convolutions with {attribute} {value!r} can be replaced; {name!r} has "
                f"{getattr(conv, attribute)!r}; choose others by where"
            )


def _integer_padding(name: str, conv: nn.Conv2d) -> nn.Conv2d:
    """The convolution with the padding "valid" or "same" written as integers."""
    if not isinstance(conv.padding, str):
        return conv
    if conv.padding == "same" and any(size % 2 == 0 for size in conv.kernel_size):
        raise ConfigError(
            f"the padding 'same' of an even kernel is not the same on both sides; {name!r} has kernel size "
            f"{conv.kernel_size}; choose others by where"
        )
    plain = copy.copy(conv)
    plain.padding = tuple(size // 2 if conv.padding == "same" else 0 for size in conv.kernel_size)
    return plain


def _replace(model: nn.Module, replacements: Mapping[nn.Module, nn.Module]) -> nn.Module:
    """Put the new layers wherever the old ones are, under every name of a shared one."""
    if model in replacements:
        return replacements[model]
    for parent in list(model.modules()):
        for name, child in list(parent._modules.items()):
            if child is not None and child in replacements:
                setattr(parent, name, replacements[child])
    return model
