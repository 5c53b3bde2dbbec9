"""Attacks run in float32 or better.

A gate with slope 50 is saturated by rounding in half precision (it is 0 or 1 once its argument
exceeds 5 to 8), and so is its gradient. An attack on that would measure the rounding.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.rounding import tf32

HALF = (torch.float16, torch.bfloat16)


def require_full_precision(model: nn.Module, images: Tensor) -> None:
    """Refuse to attack in half precision.

    Raises:
        ConfigError: if the images or a parameter of the model are float16 or bfloat16.
    """
    for what, tensors in (("images", iter((images,))), ("model parameters", model.parameters())):
        dtype = next((tensor.dtype for tensor in tensors if tensor.dtype in HALF), None)
        if dtype is not None:
            raise ConfigError(
                f"attack: expected {what} in float32 or float64; got {dtype}; convert with .float()"
            )


def require_full_logits(logits: Tensor, name: str) -> None:
    """Refuse logits in half precision: whatever its weights are, the model computed in it.

    A model that switches autocast on in its own forward does so inside of `full_precision`.

    Args:
        logits: what the model returned.
        name: how the message calls the model.

    Raises:
        ConfigError: if they are float16 or bfloat16.
    """
    if logits.dtype in HALF:
        raise ConfigError(
            f"{name}: expected logits in float32 or float64, which attacks need; got {logits.dtype}; "
            "run its forward in float32: remove its own autocast or .half()"
        )


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Switch autocast and TF32 off, in convolutions and products."""
    with torch.autocast(device.type, enabled=False), tf32(False):
        yield
