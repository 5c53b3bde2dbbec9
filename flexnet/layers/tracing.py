"""Running a model once without leaving a trace in it: modes, statistics and random state stay."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._pytree import tree_leaves, tree_map_only

from flexnet.errors import ConfigError
from flexnet.inputs import trusted_inputs

Pair = tuple[int, int]
Example = Tensor | Sequence[int] | tuple[Any, ...] | Mapping[str, Any]
EXPECTED = (
    "an input tensor, its shape with the batch as positive integers, a tuple of positional arguments or a "
    "mapping of keyword arguments (the latter two with at least one tensor)"
)


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards each module is in the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        with torch.no_grad():
            model.eval()
            yield
    finally:
        for module, training in modes:
            module.training = training


def first_argument(inputs: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """What a hook sees a layer called with: its input, by place or by name; None if nothing."""
    return next(iter(inputs), named.get("input", next(iter(named.values()), None)))


def input_sizes(model: nn.Module, layers: Mapping[str, nn.Module], example: Example) -> dict[str, Pair]:
    """Height and width of the input of each layer when the model is run on `example`.

    Args:
        model: the model, run once in evaluation mode; PyTorch's global random state is restored.
        layers: some of its modules by name.
        example: what the model is called with: a tensor; the shape of one including the batch, as a list or
            tuple of integers; a tuple of positional arguments; or a mapping of keyword arguments.

    Raises:
        ConfigError: if the example is none of these, the model cannot be run on it, or a layer is not
            called, or called with inputs of several sizes.
    """
    args, kwargs = _arguments(model, example)
    _check_initialised(model)
    seen: dict[str, set[Pair]] = {name: set() for name in layers}

    def remember(name: str) -> Any:
        def hook(_module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
            input = first_argument(inputs, named)
            if isinstance(input, Tensor) and input.dim() >= 2:  # else the layer itself refuses it
                seen[name].add((input.shape[-2], input.shape[-1]))

        return hook

    handles = [
        layer.register_forward_pre_hook(remember(name), with_kwargs=True) for name, layer in layers.items()
    ]
    try:
        _run(model, args, kwargs)
    finally:
        for handle in handles:
            handle.remove()
    for name, sizes in seen.items():
        if len(sizes) != 1:
            raise ConfigError(
                f"expected {name!r} to be called with inputs of one size; the example gave "
                f"{sorted(sizes) or 'no call'}; choose other layers by where"
            )
    return {name: sizes.pop() for name, sizes in seen.items()}


def _run(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Call the model on copies of its arguments: it may write into them."""
    args, kwargs = tree_map_only(Tensor, torch.clone, (args, kwargs))
    tensors = [*tree_leaves((args, kwargs)), *model.parameters(), *model.buffers()]
    devices = {each.device for each in tensors if isinstance(each, Tensor) and each.is_cuda}
    try:
        # Sizes do not depend on values: any example of the right shape will do.
        with evaluation_mode(model), torch.random.fork_rng(devices), trusted_inputs():
            model(*args, **kwargs)
    except Exception as error:
        raise ConfigError(
            f"the model cannot be run on the example, {_described(args, kwargs)}: "
            f"{type(error).__name__}: {error}; expected {EXPECTED} that the model takes"
        ) from error


def _arguments(model: nn.Module, example: object) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments that an example stands for."""
    if isinstance(example, Tensor):
        return (example,), {}
    if isinstance(example, list | tuple) and example and all(_is_size(each) for each in example):
        return (_zeros(model, [int(each) for each in example]),), {}
    if any(isinstance(leaf, Tensor) for leaf in tree_leaves(example)):
        if isinstance(example, tuple):
            return tuple(example), {}
        if isinstance(example, Mapping) and all(isinstance(key, str) for key in example):
            return (), dict(example)
    raise ConfigError(f"example: expected {EXPECTED}; got {_short(example)}")


def _is_size(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Integral) and int(value) > 0


def _described(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Shapes and types of the arguments of a call."""
    named = [f"{name}={_short(value)}" for name, value in kwargs.items()]
    return f"({', '.join([_short(value) for value in args] + named)})"


def _short(value: object) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype} of shape {tuple(value.shape)}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__} [{', '.join(map(_short, value))}]"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:60] + '...'}"


def _check_initialised(model: nn.Module) -> None:
    """Refuse lazy modules, which the run would draw at random."""
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(tensor):
            raise ConfigError(
                f"expected a model whose modules know their sizes; {name!r} has no shape yet; run the model "
                "once first"
            )


def _zeros(model: nn.Module, shape: Sequence[int]) -> Tensor:
    """Zeros of the type and on the device of the model's first parameter."""
    like = next((each for each in model.parameters() if not is_lazy(each)), torch.empty(0))
    dtype = like.dtype if like.is_floating_point() else torch.get_default_dtype()
    return torch.zeros(tuple(shape), dtype=dtype, device=like.device)
