"""Running a model once without leaving a trace in it: modes, statistics and random state stay."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.inputs import trusted_inputs

Pair = tuple[int, int]


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


def input_sizes(
    model: nn.Module, layers: Mapping[str, nn.Module], example: Tensor | Sequence[int]
) -> dict[str, Pair]:
    """Height and width of the input of each layer when the model is run on `example`.

    Args:
        model: the model, run once in evaluation mode; PyTorch's global random state is restored.
        layers: some of its modules by name.
        example: an input of the model, or its shape including the batch.

    Raises:
        ConfigError: if a layer is not called, or called with inputs of several sizes.
    """
    seen: dict[str, set[Pair]] = {name: set() for name in layers}

    def remember(name: str) -> Any:
        return lambda _module, inputs: seen[name].add((inputs[0].shape[-2], inputs[0].shape[-1]))

    handles = [layer.register_forward_pre_hook(remember(name)) for name, layer in layers.items()]
    images = example if isinstance(example, Tensor) else _zeros(model, example)
    devices = [images.device] if images.is_cuda else []
    try:
        # Sizes do not depend on values: any example of the right shape will do.
        with evaluation_mode(model), torch.random.fork_rng(devices), trusted_inputs():
            model(images)
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


def _zeros(model: nn.Module, shape: Sequence[int]) -> Tensor:
    """Zeros of the type and on the device of the model's first parameter."""
    like = next(model.parameters(), torch.empty(0))
    return torch.zeros(tuple(shape), dtype=like.dtype, device=like.device)
