"""Masks of the scheme random: which units take the MAX branch in one forward pass.

Gradient checkpointing runs a forward pass a second time, inside the backward pass, and must meet the same
mask. It restores PyTorch's own generators, unless it is told not to (`preserve_rng_state=False`), and knows
nothing of others. Another mask would give another gradient without a word, so inside a backward pass a mask
is drawn only from PyTorch's generator, and only in a state from which one was drawn before.
"""

from collections import deque
from threading import Lock

import torch
from torch import Tensor

from flexnet.errors import ConfigError
from flexnet.layers.eager import one_node, plain

# States of PyTorch's generators from which the last masks were drawn, as hashes.
_drawn: deque[int] = deque(maxlen=1000)
_lock = Lock()


def draw_mask(convolved: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draw one 0 or 1 for each unit: (1,C',H',W').

    Args:
        convolved: (N,C',H',W'); tells the shape, type and device.
        generator: None for PyTorch's global one of the device. The numbers are drawn on its device.

    Raises:
        ConfigError: if a generator is given to somebody who compiles, traces or transforms, or if a backward
            pass would draw another mask than its forward pass.
    """
    if generator is None:
        return _draw_global(convolved)
    if not plain(convolved):
        raise ConfigError(
            "expected plain execution where a layer has a generator of its own, since no compiler, tracer or "
            "transform carries one along; set it to None: set_generator(model, None)"
        )
    if _inside_backward():
        raise ConfigError(
            "expected no draw inside a backward pass from a generator of the layer's own: gradient "
            "checkpointing does not restore it, and another mask would give another gradient; set it to None "
            "(set_generator(model, None)), or leave this layer out of the checkpointed part"
        )
    mask = torch.empty((1, *convolved.shape[1:]), device=generator.device, dtype=convolved.dtype)
    return mask.bernoulli_(0.5, generator=generator).to(convolved.device)


@one_node
def _draw_global(convolved: Tensor) -> Tensor:
    """Draw from PyTorch's generator of the device."""
    shape = (1, *convolved.shape[1:])
    if not plain(convolved):  # the same numbers, out of place: transforms may draw for each of their batch
        return torch.bernoulli(torch.zeros(shape, dtype=convolved.dtype, device=convolved.device), 0.5)
    _check_state(convolved.device)
    return torch.empty(shape, device=convolved.device, dtype=convolved.dtype).bernoulli_(0.5)


def _check_state(device: torch.device) -> None:
    """Remember the state of PyTorch's generator; inside a backward pass it must be one of these."""
    state = _state(device)
    if state is None:
        return
    with _lock:
        known = state in _drawn
        if not _inside_backward():
            if known:  # seeded again: what was drawn later belongs to another run
                _drawn.clear()
            _drawn.append(state)
        elif not known:
            raise ConfigError(
                "expected the state of the random generator inside a backward pass to be that of the forward "
                "pass, or the gradient would be that of another mask; it is another; let gradient "
                "checkpointing keep it (preserve_rng_state=True)"
            )


def _state(device: torch.device) -> int | None:
    """Hash of the state of PyTorch's generator of a device; None where it cannot be read."""
    if device.type == "cpu":
        state = torch.get_rng_state()
    elif device.type == "cuda" and not torch.cuda.is_current_stream_capturing():
        state = torch.cuda.get_rng_state(device)
    else:
        return None
    return hash((str(device), state.numpy().tobytes()))


def _inside_backward() -> bool:
    """Whether autograd is at work, as it is while gradient checkpointing repeats a forward pass."""
    return torch._C._current_graph_task_id() != -1
