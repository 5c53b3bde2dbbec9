"""Replacing convolutions of any model by another layer, such as FlexibleConv2d."""

import copy
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from numbers import Integral
from typing import Any, cast

from torch import nn

from flexnet.errors import ConfigError
from flexnet.layers.plainness import check_plain, notes, rewritten
from flexnet.layers.tracing import Example, Pair, input_sizes
from flexnet.layers.twins import twin

Where = str | int | Sequence[str | int]


def convert(
    model: nn.Module,
    layer: type[nn.Module],
    *,
    where: Where,
    keep_weights: bool = True,
    example: Example | None = None,
    **options: Any,
) -> nn.Module:
    """Copy a model with some of its convolutions replaced.

    >>> from flexnet.layers.flexible import FlexibleConv2d
    >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3))
    >>> twin = convert(model, FlexibleConv2d, where=-1, example=(1, 3, 32, 32), scheme="learned")
    >>> twin[2].threshold.shape
    torch.Size([1, 8, 28, 28])

    Args:
        model: any module; it is left as it is. What is not replaced keeps its hooks.
        layer: the class to put in: one that takes the arguments of Conv2d by their names, or has a class
            method `from_conv(conv, input_size, keep_weights, **options)`.
        where: which `nn.Conv2d` modules: a pattern of module names with wildcards (`"features.*"`), the
            position among all Conv2d in the order of `named_modules` (negative from the end), or several.
        keep_weights: take over weights and biases.
        example: what the model is called with, from which the input sizes of the convolutions are found by
            one pass of a copy in evaluation mode: an input tensor; its shape including the batch, as a list
            or tuple of integers; a tuple of positional arguments; or a mapping of keyword arguments. The
            latter two hold at least one tensor. Needed by layers that ask for a size.
        options: of the layer.

    Returns:
        A deep copy of the model with new layers.

    Raises:
        ConfigError: if an argument is none of these, nothing matches, the model cannot be copied or be run
            on the example, or a chosen convolution has groups, dilation or a padding that the layer cannot
            stand, is never called or called with several input sizes, or is more than a plain Conv2d: a
            subclass, lazy, parametrised, pruned, with hooks, or with weights that other modules hold as well.
    """
    _check_arguments(model, layer, keep_weights)
    chosen = _choose(model, where)
    for name, conv in chosen.items():
        check_plain(model, name, conv)
    twin = _copy(model)
    chosen = {name: cast(nn.Conv2d, twin.get_submodule(name)) for name in chosen}
    # The example runs through a copy: a model may count its calls, or keep what it saw.
    sizes = {} if example is None else _sizes(twin, chosen, example)
    replacements: dict[nn.Module, nn.Module] = {}
    for name, conv in chosen.items():
        replacements[conv] = _build(name, conv, layer, sizes.get(name), keep_weights, options)
    return _replace(twin, replacements)


def _check_arguments(model: object, layer: object, keep_weights: object) -> None:
    if not isinstance(model, nn.Module):
        hint = "; build it first" if isinstance(model, type) or callable(model) else ""
        raise ConfigError(f"model: expected a torch.nn.Module; got {model!r}{hint}")
    made = isinstance(layer, type) and issubclass(layer, nn.Module)
    if isinstance(layer, nn.Module) or not (made or callable(getattr(layer, "from_conv", None))):
        raise ConfigError(
            f"layer: expected a class of layers, such as FlexibleConv2d; got {layer!r}; options of the layer "
            "are arguments of convert"
        )
    if not isinstance(keep_weights, bool):
        raise ConfigError(f"keep_weights: expected True or False; got {keep_weights!r}")


def _copy(model: nn.Module) -> nn.Module:
    """A deep copy with what PyTorch leaves out of one: notes and hooks on parameters."""
    try:
        twin = copy.deepcopy(model, {id(each): each.detach().clone() for each in rewritten(model)})
    except Exception as error:
        raise ConfigError(
            f"the model cannot be copied: {type(error).__name__}: {error}; take off what it holds beside "
            "parameters, buffers and plain values"
        ) from error
    for old, new in zip(model.parameters(), twin.parameters(), strict=True):
        vars(new).update({key: note for key, note in vars(old).items() if key not in vars(new)})
        for hook in (getattr(old, "_backward_hooks", None) or {}).values():
            new.register_hook(hook)  # type: ignore[no-untyped-call]
        for hook in (getattr(old, "_post_accumulate_grad_hooks", None) or {}).values():
            new.register_post_accumulate_grad_hook(hook)  # type: ignore[no-untyped-call]
    return twin


def _sizes(model: nn.Module, layers: Mapping[str, nn.Module], example: Example) -> dict[str, Pair]:
    scratch = _copy(model)
    return input_sizes(scratch, {name: scratch.get_submodule(name) for name in layers}, example)


def _build(
    name: str,
    conv: nn.Conv2d,
    layer: type[nn.Module],
    size: Pair | None,
    keep_weights: bool,
    options: Mapping[str, Any],
) -> nn.Module:
    """The layer that takes the place of a convolution, with the notes of others on it."""
    try:
        make = getattr(layer, "from_conv", None) or partial(twin, layer)
        new = make(conv, size, keep_weights, **options)
    except ConfigError as error:
        raise ConfigError(f"{name!r}: {error}") from error
    except TypeError as error:
        kind = getattr(layer, "__name__", layer)
        raise ConfigError(
            f"{kind} cannot be built for {name!r} with the options {dict(options)}: {error}"
        ) from error
    if not isinstance(new, nn.Module):
        raise ConfigError(f"layer: expected from_conv to give a torch.nn.Module; got {new!r}")
    for key, note in notes(conv).items():
        if hasattr(new, key):
            raise ConfigError(
                f"{name!r} has an attribute {key!r} of its own, which means something else in the new layer; "
                "delete it first"
            )
        setattr(new, key, note)
    return new


def _choose(model: nn.Module, where: Where) -> dict[str, nn.Conv2d]:
    """The chosen convolutions by name, in the order of the model."""
    convs = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}
    names = list(convs)
    wanted: set[str] = set()
    for choice in _choices(where, names):
        if isinstance(choice, str):
            found = [name for name in names if fnmatchcase(name, choice)]
        else:
            found = [names[choice]] if -len(names) <= choice < len(names) else []
        if not found:
            below = [name for name in names if name.startswith(f"{choice}.")]
            hint = f"; write {f'{choice}.*'!r} for the {len(below)} below it" if below else ""
            raise ConfigError(f"no convolution matches {choice!r}{hint}; the model has {_listing(names)}")
        wanted.update(found)
    return {name: convs[name] for name in names if name in wanted}


def _choices(where: object, names: Sequence[str]) -> list[str | int]:
    """What `where` asks for, as a list of patterns and positions."""
    several = isinstance(where, Sequence) and not isinstance(where, str | bytes | bytearray)
    choices = list(cast(Sequence[object], where)) if several else [where]
    if not choices:
        raise ConfigError(
            f"where: expected at least one name or position; got {where!r}; the model has {_listing(names)}"
        )
    checked: list[str | int] = []
    for choice in choices:
        if isinstance(choice, str):
            checked.append(choice)
        elif not isinstance(choice, bool) and isinstance(choice, Integral):
            checked.append(int(choice))
        else:
            raise ConfigError(
                "where: expected a name with or without wildcards, a position, or a list of these; got "
                f"{choice!r}; the model has {_listing(names)}"
            )
    return checked


def _listing(names: Sequence[str]) -> str:
    return ", ".join(f"{index}: {name!r}" for index, name in enumerate(names)) or "no Conv2d at all"


def _replace(model: nn.Module, replacements: Mapping[nn.Module, nn.Module]) -> nn.Module:
    """Put the new layers wherever the old ones are, under every name of a shared one."""
    if model in replacements:
        return replacements[model]
    for parent in list(model.modules()):
        for name, child in list(parent._modules.items()):
            if child is not None and child in replacements:
                setattr(parent, name, replacements[child])
    return model
