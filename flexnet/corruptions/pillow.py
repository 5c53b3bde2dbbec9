"""What Pillow does to images: JPEG by its codec, and its box filter in its integer arithmetic."""

from functools import cache
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

BITS = 22  # of the fixed-point weights of Pillow's filters


def jpeg(images: Tensor, quality: int) -> Tensor:
    """Encode images (n, C, H, W) in uint8 as JPEG and decode them, on the CPU."""
    pixels = images.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    decoded = np.stack([_through_jpeg(image, quality) for image in pixels])
    return torch.from_numpy(decoded).permute(0, 3, 1, 2).contiguous().to(images.device)


def _through_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    stored = BytesIO()
    Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0]).save(stored, "JPEG", quality=quality)
    return np.asarray(Image.open(stored)).reshape(pixels.shape)


def box_resized(images: Tensor, height: int, width: int) -> Tensor:
    """Resize images (n, C, H, W) in uint8 as Pillow does with its box filter: columns first, then rows."""
    return _box(_box(images, width, 3), height, 2)


def _box(images: Tensor, size: int, dim: int) -> Tensor:
    places, weights = _taps(images.shape[dim], size)
    if len(places) == 1:
        return images.index_select(dim, places[0].to(images.device))
    shape = [-1 if d == dim else 1 for d in range(4)]
    total = torch.full((), 1 << (BITS - 1), dtype=torch.int32, device=images.device)
    for place, weight in zip(places, weights, strict=True):
        taken = images.index_select(dim, place.to(images.device)).int()
        total = taken.mul_(weight.to(images.device).view(shape)).add_(total)
    return (total >> BITS).to(torch.uint8)


@cache
def _taps(before: int, after: int) -> tuple[Tensor, Tensor]:
    """Pixels that each new pixel is averaged from and their weights in fixed point, (taps, after) each.

    A pixel counts whose centre lies in the width of the new one, not at its first end but at its last.
    """
    scale = before / after
    half = max(scale, 1.0) / 2
    rows: list[list[int]] = []
    for new in range(after):
        centre = (new + 0.5) * scale
        low, high = max(0, int(centre - half + 0.5)), min(before, int(centre + half + 0.5))
        offsets = [(old, (old - centre + 0.5) / max(scale, 1.0)) for old in range(low, high)]
        rows.append([old for old, offset in offsets if -0.5 < offset <= 0.5])
    taps = max(map(len, rows))
    places = torch.tensor([row + row[-1:] * (taps - len(row)) for row in rows])
    weights = [[int(0.5 + (1 << BITS) / len(row))] * len(row) + [0] * (taps - len(row)) for row in rows]
    return places.T.contiguous(), torch.tensor(weights, dtype=torch.int32).T.contiguous()
