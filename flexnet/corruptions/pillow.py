"""What Pillow does to images: JPEG by its codec, and its box filter in its integer arithmetic."""

from functools import cache
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

BITS = 22  # of the fixed-point weights of Pillow's filters


def jpeg(images: Tensor, quality: int) -> Tensor:
    """Encode images (n, C, H, W) in uint8 as JPEG and decode them, on the CPU.

    Channels are brought together and apart by Pillow, which is quick at it.
    """
    decoded = torch.empty(images.shape, dtype=torch.uint8)
    for planes, place in zip(images.cpu().numpy(), decoded.numpy(), strict=True):
        channels = [Image.fromarray(plane) for plane in planes]
        stored = BytesIO()
        image = Image.merge("RGB", channels) if len(channels) == 3 else channels[0]
        image.save(stored, "JPEG", quality=quality)
        for channel, plane in zip(Image.open(stored).split(), place, strict=True):
            plane[:] = np.asarray(channel)
    return decoded.to(images.device)


def box_resized(images: Tensor, height: int, width: int) -> Tensor:
    """Resize images (n, C, H, W) in uint8 as Pillow does with its box filter: columns first, then rows."""
    return _box(_box(images, width, 3), height, 2)


def _box(images: Tensor, size: int, dim: int) -> Tensor:
    """Resize one direction: sums of bytes by a product with a matrix, which is exact, and their means."""
    taken, weights = (part.to(images.device) for part in _taps(images.shape[dim], size))
    if size >= images.shape[dim]:  # one pixel for each
        return images.index_select(dim, taken.argmax(1))
    values = images.float()
    sums = torch.matmul(values, taken.T) if dim == 3 else torch.matmul(taken, values)
    weights = weights if dim == 3 else weights[:, None]
    return sums.int().mul_(weights).add_(1 << (BITS - 1)).bitwise_right_shift_(BITS).to(torch.uint8)


@cache
def _taps(before: int, after: int) -> tuple[Tensor, Tensor]:
    """Which pixels each new pixel is the mean of, (after, before), and 1 over their number, (after,).

    A pixel counts whose centre lies in the width of the new one, not at its first end but at its last. The
    weights are in fixed point.
    """
    scale = before / after
    taken = torch.zeros(after, before)
    for new in range(after):
        offsets = (torch.arange(before, dtype=torch.float64) - (new + 0.5) * scale + 0.5) / max(scale, 1.0)
        taken[new] = (offsets > -0.5) & (offsets <= 0.5)
    counts = taken.sum(1).tolist()
    return taken, torch.tensor([int(0.5 + (1 << BITS) / count) for count in counts], dtype=torch.int32)
