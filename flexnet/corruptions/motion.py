"""Motion blur: an image is averaged along a path from each pixel, with the weights of half a Gaussian.

The path and its rounding to whole pixels are those of ImageMagick, which the generators call; what lies
beyond an edge is as the edge. The result is rounded to the nearest grey level, as ImageMagick does, and not
truncated.
"""

import math

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from flexnet.corruptions.constants import Values
from flexnet.corruptions.kernel import uniform


def draw_path(generator: Generator, low: float, high: float, constants: Values) -> Tensor:
    """Steps of a path at a random angle between two in degrees: rows and columns, (2, length) in int64."""
    angle = low + (high - low) * uniform(generator, 1, dtype=torch.float64).item()
    return path(angle, constants["radius"])


def path(angle: float, radius: float) -> Tensor:
    """Steps of the path at an angle in degrees: rows and columns, (2, 2 radius + 1) in int64."""
    steps = np.arange(2 * int(radius) + 1)
    turn = math.radians(angle)
    rows, columns = (np.ceil(steps * part - 0.5) for part in (math.sin(turn), math.cos(turn)))
    return torch.from_numpy(np.stack([rows, columns]).astype(np.int64))


def motion_blur(images: Tensor, paths: Tensor, sigma: float) -> Tensor:
    """Blur images, each along its own path.

    Args:
        images: (n, C, H, W) in uint8.
        paths: steps of each path, (n, 2, length).
        sigma: of the Gaussian, in pixels.

    Returns:
        (n, C, H, W) in uint8.
    """
    n, channels, height, width = images.shape
    reach = paths.shape[2] - 1
    padded = F.pad(images.float(), (reach, reach, reach, reach), mode="replicate")
    rows, columns = height + 2 * reach, width + 2 * reach
    # Every row of every shifted image is a run of pixels in memory: these are where the runs of no shift
    # start.
    planes = torch.arange(n * channels, device=images.device).view(n, channels, 1) * (rows * columns)
    starts = planes + (torch.arange(height, device=images.device) + reach) * columns + reach
    shifts = paths[:, 0] * columns + paths[:, 1]
    runs = padded.view(-1).unfold(0, width, 1)
    blurred = torch.zeros(n * channels * height, width, dtype=torch.float32, device=images.device)
    for step, weight in enumerate(_weights(paths.shape[2], sigma)):
        shifted = runs.index_select(0, (starts + shifts[:, step].view(n, 1, 1)).view(-1))
        blurred.add_(shifted.mul_(weight))
    return blurred.view(images.shape).round_().clamp_(0, 255).to(torch.uint8)


def _weights(length: int, sigma: float) -> list[float]:
    curve = np.exp(-(np.arange(length) ** 2) / (2 * sigma * sigma))
    weights: list[float] = (curve / curve.sum()).tolist()
    return weights
