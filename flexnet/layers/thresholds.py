"""Initial values of the thresholds.

The authors' released code draws them from N(0,1); the paper names no distribution.
"""

import numpy as np
import torch
from torch import Tensor

from flexnet.layers.eager import plain
from flexnet.options.layers.flexible import Init

__all__ = ["Init", "draw_threshold", "readable", "shortest"]


def draw_threshold(threshold: Tensor, init: Init, generator: torch.Generator | None) -> None:
    """Fill a threshold in place: "normal" N(0,1), "zeros", "uniform" U(0,1), or a pair (mean, std).

    With a generator the numbers are drawn on its device, so that a CPU generator gives every device the
    same threshold; without one, PyTorch's global generator of the threshold's device is used.
    """
    if threshold.is_meta:  # it holds no numbers, and PyTorch takes seconds to prepare drawing none
        return
    device = threshold.device if generator is None else generator.device
    draw = torch.empty(threshold.shape, dtype=threshold.dtype, device=device)
    if init == "zeros":
        draw.zero_()
    elif init == "uniform":
        draw.uniform_(generator=generator)
    else:
        mean, deviation = (0.0, 1.0) if isinstance(init, str) else init
        draw.normal_(mean, deviation, generator=generator)
    threshold.copy_(draw)


def readable(threshold: Tensor) -> bool:
    """Whether a threshold holds numbers that Python can read: not on the meta device, nor traced."""
    return plain(threshold) and not threshold.is_meta


def shortest(number: float, dtype: torch.dtype) -> float:
    """The shortest decimal number that is stored as this one: 0.1, not 0.10000000149."""
    return float(str(np.float32(number))) if dtype == torch.float32 else number
