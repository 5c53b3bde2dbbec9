"""Steps of a layer's forward pass that look at shapes and types, each one node for `torch.fx`."""

import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers.eager import one_node, sizes
from flexnet.layers.pooling import Pair


@one_node
def as_batch(input: Tensor) -> Tensor:
    """Make a single input (C,H,W) a batch of one; a batch stays as it is."""
    return input.unsqueeze(0) if input.dim() == 3 else input


@one_node
def as_given(output: Tensor, input: Tensor) -> Tensor:
    """Undo `as_batch`: the output for a single input (C',H',W') where `input` was one."""
    return output.squeeze(0) if input.dim() == 3 else output


@one_node
def checked(input: Tensor, channels: int, expected: Pair | None) -> Tensor:
    """Return a batch (N,C,H,W) if it is what the layer takes.

    Args:
        input: the batch.
        channels: of the layer.
        expected: height and width that the layer's thresholds were stored for; None for any.

    Raises:
        ConfigError: if channels or size are others.
    """
    _, found, *size = sizes(input)
    if found != channels:
        raise ConfigError(f"this layer takes {channels} channels; got {found}; build one with so many")
    if expected is not None and tuple(size) != expected:
        raise ConfigError(
            f"this layer stores a threshold per unit for inputs of size {expected}; got "
            f"{tuple(size)}; build it with that input_size, or with per='channel'"
        )
    return input


@one_node
def typed_as_convolved(pooled: Tensor) -> Tensor:
    """Return a tensor in the type in which a convolution of it would come out."""
    if _autocast(pooled) and pooled.dtype != torch.float64:
        return pooled.to(torch.get_autocast_dtype(pooled.device.type))
    return pooled


@one_node
def typed_as_weights(output: Tensor, weight: Tensor) -> Tensor:
    """Return what was computed in single precision in the type of half-precision weights.

    The layers that follow are of that type too, and take no other. With wider weights, and under autocast,
    which converts for them, the output stays as it is.
    """
    half = weight.dtype in (torch.float16, torch.bfloat16) and not _autocast(output)
    return output.to(weight.dtype) if half else output


def _autocast(tensor: Tensor) -> bool:
    """Whether autocast chooses the types of operations where a tensor is."""
    kind = tensor.device.type
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def parameter_like(old: Tensor) -> nn.Parameter:
    """Copy a parameter, and what others noted on it.

    A clone keeps the memory order, which selects the kernel and with it the last bits of a result.
    """
    new = nn.Parameter(old.detach().clone(), old.requires_grad)
    vars(new).update(vars(old))
    return new
