"""What Pillow does to images: JPEG by its codec, and its box filter in its integer arithmetic."""

from functools import cache
from io import BytesIO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

BITS = 22  # of the fixed-point weights of Pillow's filters
# Pixels from which on calls of Pillow for each channel of an image cost less than work on whole batches.
LARGE = 64 * 64


def jpeg(images: Tensor, quality: int) -> Tensor:
    """Encode images (n, C, H, W) in uint8 as JPEG and decode them, on the CPU.

    Channels of large images are brought together and apart by Pillow, which is quick at it; those of small
    ones all at once.
    """
    if images.shape[1] == 3 and images[0, 0].numel() < LARGE:
        turned = images.cpu().permute(0, 2, 3, 1).contiguous().numpy()
        shown = np.stack([_decoded(image, quality) for image in turned])
        return torch.from_numpy(shown).permute(0, 3, 1, 2).contiguous().to(images.device)
    decoded = np.empty(images.shape, np.uint8)
    for planes, place in zip(images.cpu().numpy(), decoded, strict=True):
        stored = BytesIO()
        _picture(planes).save(stored, "JPEG", quality=quality)
        _split(Image.open(stored), place)
    return torch.from_numpy(decoded).to(images.device)


def _picture(planes: NDArray[np.uint8]) -> Image.Image:
    """An image of one or three channels (C, H, W)."""
    channels = [Image.fromarray(plane) for plane in planes]
    return Image.merge("RGB", channels) if len(channels) == 3 else channels[0]


def _split(image: Image.Image, planes: NDArray[np.uint8]) -> None:
    """Write the channels of an image into (C, H, W)."""
    for channel, plane in zip(image.split(), planes, strict=True):
        plane[:] = np.asarray(channel)


def _decoded(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """What a JPEG of an image (H, W, 3) shows."""
    stored = BytesIO()
    Image.fromarray(image).save(stored, "JPEG", quality=quality)
    return np.frombuffer(Image.open(stored).tobytes(), np.uint8).reshape(image.shape)


def box_resized(images: Tensor, height: int, width: int) -> Tensor:
    """Resize images (n, C, H, W) in uint8 as Pillow does with its box filter: columns first, then rows."""
    if images.is_cpu and images[0, 0].numel() >= LARGE and height * width < images[0, 0].numel():
        small = np.empty((*images.shape[:2], height, width), np.uint8)
        for planes, place in zip(images.numpy(), small, strict=True):
            _split(_picture(planes).resize((width, height), Image.Resampling.BOX), place)
        return torch.from_numpy(small)
    return _box(_box(images, width, 3), height, 2)


def _box(images: Tensor, size: int, dim: int) -> Tensor:
    """Resize one direction: sums of bytes by a product with a matrix, which is exact, and their means."""
    if size >= images.shape[dim]:  # one pixel for each
        place = _places(images.shape[dim], size)
        if not images.is_cpu:
            return images.index_select(dim, torch.from_numpy(place).to(images.device))
        # NumPy copies bytes twice as fast, and single ones faster by their places than by `take`.
        bytes_of = images.numpy()
        return torch.from_numpy(bytes_of[..., place] if dim == 3 else bytes_of.take(place, axis=dim))
    taken, weights = (part.to(images.device) for part in _taps(images.shape[dim], size))
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
    taken = torch.zeros(after, before, dtype=torch.float32)
    for new in range(after):
        offsets = (torch.arange(before, dtype=torch.float64) - (new + 0.5) * scale + 0.5) / max(scale, 1.0)
        taken[new] = (offsets > -0.5) & (offsets <= 0.5)
    counts = taken.sum(1).tolist()
    return taken, torch.tensor([int(0.5 + (1 << BITS) / count) for count in counts], dtype=torch.int32)


@cache
def _places(before: int, after: int) -> NDArray[np.intp]:
    """Which pixel each new pixel is, (after,), where there are no fewer than before."""
    return _taps(before, after)[0].argmax(1).numpy()
