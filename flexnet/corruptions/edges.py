"""Edges, distances to them and equalised histograms as OpenCV finds them in grey images of whole numbers.

The generator of spatter builds drops of water with these functions. They are exact: thresholds, ties and
fixed-point numbers are those of OpenCV.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

SLOPE = 13573  # of 22.5 degrees, times 2 ** 15
# Lengths of a step to the side, across, and of a knight's move: a path of these is what a distance is.
SIDE, ACROSS, KNIGHT = (round(length * 65536) for length in (1.0, 1.4, 2.1969))


def box_sum(images: Tensor, edge: str) -> Tensor:
    """Sum of the 3 x 3 pixels around each of (n, 1, H, W) in float64; `edge` is a way of padding."""
    padded = F.pad(images, (1, 1, 1, 1), mode=edge)
    height, width = images.shape[2:]
    rows = padded[:, :, :height] + padded[:, :, 1 : height + 1] + padded[:, :, 2:]
    return rows[..., :width] + rows[..., 1 : width + 1] + rows[..., 2:]


def canny(images: Tensor, low: int, high: int) -> Tensor:
    """Edges by Canny's method.

    Args:
        images: (n, 1, H, W), whole numbers from 0 to 255 in float64.
        low: slope, as the sum of its two parts, above which a ridge goes on as an edge.
        high: slope above which it starts one.

    Returns:
        (n, 1, H, W), true at edges.
    """
    across, down = _slopes(images)
    slope = across.abs() + down.abs()
    ridge = _is_ridge(slope, across, down) & (slope > low)
    edges, grown = ridge & (slope > high), torch.zeros_like(ridge)
    while not torch.equal(edges, grown):
        grown = edges
        edges = ridge & _widened(edges)
    return edges


def _widened(edges: Tensor) -> Tensor:
    """Pixels of which one of the 3 x 3 around them is an edge."""
    rows = edges.clone()
    rows[:, :, 1:] |= edges[:, :, :-1]
    rows[:, :, :-1] |= edges[:, :, 1:]
    wide = rows.clone()
    wide[..., 1:] |= rows[..., :-1]
    wide[..., :-1] |= rows[..., 1:]
    return wide


def _slopes(images: Tensor) -> tuple[Tensor, Tensor]:
    """Sobel's slopes across and down, of images that go on beyond an edge as the edge."""
    height, width = images.shape[2:]
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate").int()
    rows = padded[:, :, :height] + 2 * padded[:, :, 1 : height + 1] + padded[:, :, 2:]
    columns = padded[..., :width] + 2 * padded[..., 1 : width + 1] + padded[..., 2:]
    return rows[..., 2:] - rows[..., :width], columns[:, :, 2:] - columns[:, :, :height]


def _is_ridge(slope: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """Whether a slope is greater than its neighbours' in the direction of the slope, to 45 degrees."""
    height, width = slope.shape[2:]
    padded = F.pad(slope, (1, 1, 1, 1))

    def at(rows: int, columns: int) -> Tensor:
        return padded[:, :, 1 + rows :, 1 + columns :][:, :, :height, :width]

    flat = across.abs() * SLOPE
    steep = flat + (across.abs() << 16)
    height_of = down.abs() << 15
    # Of whole numbers, greater than one neighbour and no less than the other.
    level = torch.maximum(at(0, -1), at(0, 1) - 1)
    upright = torch.maximum(at(-1, 0), at(1, 0) - 1)
    falling = torch.maximum(at(-1, -1), at(1, 1))
    rising = torch.maximum(at(-1, 1), at(1, -1))
    oblique = torch.where((across ^ down) < 0, rising, falling)
    return slope > torch.where(height_of < flat, level, torch.where(height_of > steep, upright, oblique))


def distances(edges: Tensor, most: int) -> Tensor:
    """Distance of each pixel from the nearest edge, at most `most`, (n, 1, H, W) in float32.

    The length of the shortest path of steps to the side, across and of knight's moves, which is some percent
    off the straight line. In a row that is so many rows away the nearest edge is the one with the fewest
    columns between, since longer is never shorter; so each row asks its neighbours how far that is. The sums
    are in fixed point, as in the OpenCV of the generators; OpenCV 5 forms them in floats, 1e-4 away at most.
    """
    height = edges.shape[2]
    beside = _columns_to_edge(edges).clamp_(max=most)
    nearest = torch.full(edges.shape, most * SIDE, dtype=torch.int32, device=edges.device)
    lengths = _path_lengths(most).to(edges.device)
    for rows in range(min(most, height)):
        if rows * SIDE >= int(nearest.max()):
            break  # whatever lies so far away is no nearer
        away = lengths[rows].index_select(0, beside.flatten()).view_as(beside)
        for shift in {rows, -rows}:
            here, there = _overlap(height, shift)
            part = nearest[:, :, here]
            torch.minimum(part, away[:, :, there], out=part)
    return nearest.float() / 65536


def _overlap(height: int, shift: int) -> tuple[slice, slice]:
    """The rows that have one which lies `shift` further down, and those rows."""
    return slice(max(0, -shift), height - max(0, shift)), slice(max(0, shift), height - max(0, -shift))


def _columns_to_edge(edges: Tensor) -> Tensor:
    """Columns to the nearest edge of the same row; far more than there are, where it has none."""
    width = edges.shape[3]
    place = torch.arange(width, dtype=torch.int32, device=edges.device)
    far = 4 * width
    there = edges.int()  # a product takes a fifth of the time that a choice does
    left = (there * (place + far) - far).cummax(3).values
    right = (there * (place - far) + far).flip(3).cummin(3).values.flip(3)
    return torch.minimum(place - left, right - place)


@cache
def _path_lengths(most: int) -> Tensor:
    """Length of the path to a pixel 0 to `most` rows and columns away, fixed point; (most + 1, most + 1)."""
    rows, columns = np.ogrid[: most + 1, : most + 1]
    short, long = np.minimum(columns, rows), np.maximum(columns, rows)
    flat = (long - 2 * short) * SIDE + short * KNIGHT
    steep = (long - short) * KNIGHT + (2 * short - long) * ACROSS
    lengths = np.where(2 * short <= long, flat, steep)
    lengths[:, most] = most * SIDE  # or more, which counts as much
    return torch.from_numpy(np.minimum(lengths, most * SIDE).astype(np.int32))


def equalised(images: Tensor) -> Tensor:
    """Equalise the histogram of images (n, 1, H, W) of whole numbers from 0 to 255; float64."""
    n, size = len(images), images[0].numel()
    levels = images.flatten(1).long()
    counts = torch.zeros(n, 256, device=images.device, dtype=torch.long)
    counts.scatter_add_(1, levels, torch.ones_like(levels))
    lowest = levels.amin(1, keepdim=True)
    first = counts.gather(1, lowest)
    rest = (size - first).clamp_(min=1).float()
    scale = torch.tensor(255.0, device=images.device) / rest
    table = ((counts.cumsum(1) - first).float() * scale).round_().clamp_(0, 255)
    table = torch.where(first == size, lowest.float(), table)  # one level alone stays what it is
    return table.double().gather(1, levels).view_as(images)
