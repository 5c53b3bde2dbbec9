"""Elastic transformation: a random affine map, then smooth random displacements."""

from functools import cache

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from flexnet.corruptions.constants import Values
from flexnet.corruptions.kernel import Corruption, Draws, Shape, truncated, uniform, unit
from flexnet.corruptions.widths import SMALLEST

TRUNCATE = 3.0  # widths after which the filter of the displacements ends


def draw_elastic(generator: Generator, shape: Shape, constants: Values) -> Draws:
    """Jitter of three points, (3, 2), and displacements in columns and rows, (2, H, W); all in [-1, 1]."""
    jitter = uniform(generator, 3, 2, dtype=torch.float64)
    field = uniform(generator, 2, *shape[1:])
    return 2 * jitter - 1, 2 * field - 1


def elastic(images: Tensor, drawn: Draws, constants: Values) -> Tensor:
    """Move three points of an image at random, then each pixel by a smooth random field."""
    jitter, field = drawn
    side = constants["side"]
    height, width = images.shape[2:]
    points = _points(height, width).to(images.device)
    moved = points + jitter * (side * constants["jitter"])
    columns, rows = _grid(height, width, images.device)
    warped = _sampled(unit(images).float(), *_mapped(moved, points, columns, rows), corners=True)
    if constants["alpha"] == 0:
        return truncated(warped)
    shift = _smooth(field.double(), side * constants["sigma"]).mul_(side * constants["alpha"])
    return truncated(_sampled(warped, columns + shift[:, 0], rows + shift[:, 1], corners=False))


def _points(height: int, width: int) -> Tensor:
    """Three points around the middle, (3, 2), each as (column, row).

    The generators, whose images are square, write (row, column) where OpenCV reads (column, row).
    """
    middle, reach = (width // 2, height // 2), min(height, width) // 3
    return torch.tensor(
        [
            [middle[0] + reach, middle[1] + reach],
            [middle[0] + reach, middle[1] - reach],
            [middle[0] - reach, middle[1] - reach],
        ],
        dtype=torch.float64,
        device="cpu",
    )


def _grid(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Column (1, W) and row (H, 1) of each pixel in float64."""
    columns = torch.arange(width, dtype=torch.float64, device=device)
    rows = torch.arange(height, dtype=torch.float64, device=device)
    return columns[None, :], rows[:, None]


def _mapped(moved: Tensor, points: Tensor, columns: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Where the pixels of each warped image come from: columns and rows, (n, H, W) each.

    The affine map that takes the moved points (n, 3, 2) back to where they were (3, 2).
    """
    origin, first, second = moved[:, 1], moved[:, 0] - moved[:, 1], moved[:, 2] - moved[:, 1]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    to_first, to_second = points[0] - points[1], points[2] - points[1]
    x, y = columns - origin[:, 0].view(-1, 1, 1), rows - origin[:, 1].view(-1, 1, 1)
    along = [value.view(-1, 1, 1) for value in (*second.unbind(1), *first.unbind(1), area)]
    u = (x * along[1] - y * along[0]) / along[4]  # of the first side
    v = (y * along[2] - x * along[3]) / along[4]  # of the second
    return (
        points[1, 0] + u * to_first[0] + v * to_second[0],
        points[1, 1] + u * to_first[1] + v * to_second[1],
    )


def _sampled(images: Tensor, columns: Tensor, rows: Tensor, corners: bool) -> Tensor:
    """Linear interpolation of images in float32 at columns and rows (n, H, W), which may lie outside.

    It is done in float64 and rounded, as SciPy does it, so that a region of one grey level stays at that
    level.

    Beyond the edges images go on as in a mirror: at the centres of the outermost pixels if `corners`, else at
    the ends of these pixels.
    """
    height, width = images.shape[2:]
    if corners:
        grid = [2 * columns / (width - 1) - 1, 2 * rows / (height - 1) - 1]
    else:
        grid = [(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1]
    places = torch.stack(grid, -1)
    found = F.grid_sample(
        images.double(), places, mode="bilinear", padding_mode="reflection", align_corners=corners
    )
    return found.float()


def _smooth(field: Tensor, sigma: float) -> Tensor:
    """Gaussian filter of (n, 2, H, W) in float64; beyond an edge it is mirrored at the end of the pixels.

    Its width may be that of the image, so it is done as a product with a matrix for each direction.
    """
    height, width = field.shape[2:]
    over_rows, over_columns = (_filter_matrix(side, sigma).to(field.device) for side in (height, width))
    return torch.matmul(torch.matmul(over_rows, field), over_columns.T)


@cache
def _filter_matrix(side: int, sigma: float) -> Tensor:
    """What each place takes of each, (side, side)."""
    radius = int(TRUNCATE * sigma + 0.5) if sigma > SMALLEST else 0
    steps = np.arange(-radius, radius + 1)
    curve = np.exp(-0.5 * (steps / max(sigma, SMALLEST)) ** 2)
    from_where = (np.arange(side)[:, None] + steps) % (2 * side)
    from_where = np.minimum(from_where, 2 * side - 1 - from_where)
    matrix = np.zeros((side, side))
    np.add.at(matrix, (np.arange(side)[:, None], from_where), curve / curve.sum())
    return torch.from_numpy(matrix)


elastic_transform = Corruption(elastic, draw_elastic)
