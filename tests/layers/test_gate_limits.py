"""Bounds of a gate's argument, which a CPU needs for speed, change no number: elsewhere there are none."""

import math

import pytest
import torch
from torch import Tensor

from flexnet.layers.gate_passes import limits

FAR = [0.0, 1e-3, 17.4, 87.1, 87.3, 88.7, 88.9, 104.0, 700.0, 709.9, 750.0, 1e30, math.inf]


def sigmoids(bounds: tuple[float, float] | None, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Sigmoids of arguments on both sides, and the derivatives."""
    argument = torch.tensor([-each for each in FAR] + FAR, dtype=dtype, requires_grad=True)
    share = torch.sigmoid(argument if bounds is None else argument.clamp(*bounds))
    share.sum().backward()
    assert argument.grad is not None
    return share.detach(), argument.grad


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_bounds_change_neither_shares_nor_derivatives(dtype: torch.dtype) -> None:
    free, bounded = sigmoids(None, dtype), sigmoids(limits(dtype), dtype)
    least = torch.finfo(dtype).tiny  # a CPU may count smaller numbers as zero
    for these, those in zip(free, bounded, strict=True):
        assert torch.allclose(these, those, rtol=0, atol=2 * least)
    assert free[0][0] == 0.5
    assert set(free[0][[len(FAR) - 1, -1]].tolist()) == {0.0, 1.0}
