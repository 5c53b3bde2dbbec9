"""Replacing chosen convolutions of any model by another layer."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers.flexible import FlexibleConv2d

Model = TypeVar("Model", bound=nn.Module)
Where = str | int | Sequence[str] | Sequence[int]


class Replacement(Protocol):
    """A layer class that can take the place of a convolution."""

    @classmethod
    def from_conv(
        cls, conv: nn.Conv2d, input_size: tuple[int, int], keep_weights: bool = True, **options: Any
    ) -> nn.Module:
        """Build the layer that replaces `conv`."""


def convert(
    model: Model,
    layer: type[Replacement] = FlexibleConv2d,
    *,
    where: Where = "*",
    example: Tensor | Sequence[int],
    keep_weights: bool = True,
    **options: Any,
) -> Model:
    """Return a copy of a model in which chosen convolutions are replaced.

    With `scheme="conv"` and kept weights the copy computes what the original does, bit for bit.

    Args:
        model: any model; it is left untouched.
        layer: class of the new layers, with a class method `from_conv`.
        where: name pattern(s) such as "features.*", or position(s) among the convolutions (from 0;
            negative from the end).
        example: an input of the model, or its shape (N,C,H,W): run once to find the size of each map.
        keep_weights: whether the new layers take over weights and bias.
        options: of the new layers, such as `scheme="learned"`.

    Raises:
        ConfigError: if nothing matches, a position is out of range, the example never reaches a chosen
            convolution, or one cannot be replaced.
    """
    converted = copy.deepcopy(model)
    chosen = _chosen(converted, where)
    sizes = _input_sizes(converted, chosen, example)
    for name, conv in chosen.items():
        if name not in sizes:
            raise ConfigError(f"expected the example to reach convolution {name!r}; it does not; choose others")
        new = layer.from_conv(conv, sizes[name], keep_weights, **options)
        if not name:
            return new  # type: ignore[return-value]
        parent, _, child = name.rpartition(".")
        setattr(converted.get_submodule(parent), child, new)
    return converted


def _chosen(model: nn.Module, where: Where) -> dict[str, nn.Conv2d]:
    convolutions = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}
    wanted = [where] if isinstance(where, str | int) else list(where)
    names: list[str] = []
    for item in wanted:
        if isinstance(item, str):
            names += [name for name in convolutions if fnmatchcase(name, item)]
        elif -len(convolutions) <= item < len(convolutions):
            names.append(list(convolutions)[item])
    if not names or len(set(names)) < len([item for item in wanted if isinstance(item, int)]):
        raise ConfigError(f"where: expected name patterns or positions of {list(convolutions)}; got {where!r}")
    return {name: convolutions[name] for name in convolutions if name in names}


@contextmanager
def _unchanged(model: nn.Module) -> Iterator[None]:
    """Run a model in evaluation mode; restore the training flag of every module."""
    flags = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, flag in flags:
            module.training = flag


def _input_sizes(
    model: nn.Module, chosen: dict[str, nn.Conv2d], example: Tensor | Sequence[int]
) -> dict[str, tuple[int, int]]:
    """Height and width of what each chosen convolution is given."""
    sizes: dict[str, tuple[int, int]] = {}

    def remember(name: str) -> Any:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            sizes[name] = (inputs[0].shape[-2], inputs[0].shape[-1])

        return hook

    hooks = [conv.register_forward_pre_hook(remember(name)) for name, conv in chosen.items()]
    weight = next(model.parameters())
    shaped = example if isinstance(example, Tensor) else weight.new_zeros(tuple(example))
    try:
        with torch.no_grad(), _unchanged(model):
            model(shaped)
    finally:
        for hook in hooks:
            hook.remove()
    return sizes
