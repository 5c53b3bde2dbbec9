"""Pictures to corrupt: smooth shades, edges, noise, and flat regions, where truncation shows the last bit."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

Pictures = Callable[..., Tensor]


@pytest.fixture(scope="session")
def pictures() -> Pictures:
    """Make n pictures (n, channels, side, side) in uint8; the number of a picture tells all of it."""

    def one(number: int, side: int, channels: int) -> np.ndarray:
        generator = np.random.default_rng(number)
        rows, columns = np.mgrid[:side, :side] / side
        waves = [np.sin(7 * (number + 1) * rows * a + 9 * columns * (1 - a)) for a in (0.1, 0.5, 0.9)]
        values = 128 + 90 * np.stack(waves[:channels]) + generator.normal(0, 12, (channels, side, side))
        values = values.clip(0, 255)
        third = side // 3
        values[:, :third, :third] = 255
        values[:, third : 2 * third, :third] = generator.integers(0, 256, (channels, 1, 1))
        values[:, -third:, -third:] = generator.integers(0, 256)  # grey
        values[:, -third:, third : 2 * third] = 0
        return values.astype(np.uint8)

    def make(side: int, n: int = 2, channels: int = 3) -> Tensor:
        return torch.from_numpy(np.stack([one(number, side, channels) for number in range(n)]))

    return make
