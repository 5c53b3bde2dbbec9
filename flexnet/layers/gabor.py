"""S1 of HMAX: the response of Gabor filters of many sizes, as fixed as the filters themselves.

Serre, Oliva and Poggio (PNAS 2007) and Serre and Riesenhuber (CBCL memo 239, 2004). A response is the
absolute cosine of the angle between the filter and the image in the filter's window, so it does not change
with the contrast of the image, but it does with a constant added to it.
"""

from contextlib import nullcontext
from typing import NoReturn

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from flexnet.layers.eager import one_node, refuse_scripting, sizes
from flexnet.layers.steps import typed_as_weights

SIZES = tuple(range(7, 38, 2))
DIVISORS = tuple(4.0 - 0.05 * step for step in range(len(SIZES)))
ORIENTATIONS = (90.0, -45.0, 0.0, 45.0)
ASPECT = 0.3
SIGMA = 0.8  # in wavelengths
# Under the root of a window's sum of squares: blank windows give 0, and one pixel of 1/255 already counts
# fully (1.5e-5).
EPSILON = 1e-8


def gabor_bank(
    size: int,
    divisor: float,
    *,
    orientations: tuple[float, ...] = ORIENTATIONS,
    aspect: float = ASPECT,
    sigma: float = SIGMA,
) -> Tensor:
    """Even Gabor filters of one size, zero outside the inscribed disc, with zero mean and unit norm.

    Args:
        size: side of the filters in pixels, odd.
        divisor: number of waves in twice the side; the wavelength is 2 size / divisor.
        orientations: directions in which the wave runs, in degrees, anticlockwise from the right.
        aspect: width of the envelope along the wave over that across it.
        sigma: standard deviation of the envelope along the wave, in wavelengths.

    Returns:
        (orientations, 1, size, size) in float32. The mean that is subtracted is that over the disc.
    """
    wavelength = 2 * size / divisor
    offsets = np.arange(size) - size // 2
    right, up = offsets[None, None, :], -offsets[None, :, None]
    angles = np.radians(orientations)[:, None, None]
    along = right * np.cos(angles) + up * np.sin(angles)
    across = up * np.cos(angles) - right * np.sin(angles)
    envelope = np.exp(-(along**2 + (aspect * across) ** 2) / (2 * (sigma * wavelength) ** 2))
    inside = _inside(size)
    waves = envelope * np.cos(2 * np.pi * along / wavelength) * inside
    waves -= inside * (waves.sum((1, 2), keepdims=True) / inside.sum())
    waves /= np.sqrt((waves**2).sum((1, 2), keepdims=True))
    return torch.tensor(waves[:, None], dtype=torch.float32)


def disc(size: int) -> Tensor:
    """1 inside the disc inscribed in a square of odd side, 0 outside: (1, 1, size, size)."""
    return torch.tensor(_inside(size)[None, None], dtype=torch.float32)


def _inside(size: int) -> NDArray[np.bool_]:
    squares = (np.arange(size) - size // 2) ** 2
    return squares[:, None] + squares <= size**2 / 4


class GaborS1(nn.Module):
    """S1 responses of 16 filter sizes and four orientations, and their maximum over neighbouring sizes.

    The window of the norm is the disc of the filter, so that a response lies in [0, 1]. (Published codes take
    mean and norm over the square around it; on random images the two correlate by 0.99.) Images are padded
    with zeros, and responses at the border are kept: at 28 pixels no window of the larger filters lies
    inside the image. Filters and discs are buffers, saved with the model. Everything is computed in at
    least float32, under autocast too, so that responses kept from one pass serve every later one; a model
    that is itself in half precision gets them in its type.
    """

    def __init__(self) -> None:
        super().__init__()
        for size, divisor in zip(SIZES, DIVISORS, strict=True):
            self.register_buffer(f"filters{size}", gabor_bank(size, divisor))
            self.register_buffer(f"disc{size}", disc(size))

    def forward(self, images: Tensor) -> Tensor:
        """Return the larger response of two neighbouring sizes (N, 8, 4, H, W) to images (N, 1, H, W)."""
        filters, discs = self._banks()
        return typed_as_weights(_neighbours(images, filters, discs), filters[0])

    def responses(self, images: Tensor) -> list[Tensor]:
        """Return the response of each of the 16 sizes (N, 4, H, W), in [0, 1], to images (N, 1, H, W)."""
        filters, discs = self._banks()
        return [typed_as_weights(each, filters[0]) for each in _responses(images, filters, discs)]

    def _banks(self) -> tuple[list[Tensor], list[Tensor]]:
        """Filters and discs of all sizes."""
        filters, discs = (
            [self.get_buffer(f"{kind}{size}") for size in SIZES] for kind in ("filters", "disc")
        )
        return filters, discs

    def __prepare_scriptable__(self) -> NoReturn:
        refuse_scripting(self)


@one_node
def _neighbours(images: Tensor, filters: list[Tensor], discs: list[Tensor]) -> Tensor:
    """The larger response of two neighbouring sizes."""
    responses = _responses(images, filters, discs)
    pairs = zip(responses[::2], responses[1::2], strict=True)
    return torch.stack([torch.maximum(smaller, larger) for smaller, larger in pairs], 1)


@one_node
def _responses(images: Tensor, filters: list[Tensor], discs: list[Tensor]) -> list[Tensor]:
    """The response of each size, in float32 at least."""
    kind = images.device.type
    available = torch.amp.is_autocast_available(kind)  # not on the meta device, for one
    with torch.autocast(kind, enabled=False) if available else nullcontext():
        images = images.to(torch.promote_types(images.dtype, torch.float32))
        squares = images.square()
        banks = zip(filters, discs, strict=True)
        return [_response(images, squares, *bank) for bank in banks]


def _response(images: Tensor, squares: Tensor, filters: Tensor, window: Tensor) -> Tensor:
    """The response of one size: projections on the filters over the norm under the disc."""
    padding = sizes(filters)[-1] // 2
    projection = F.conv2d(images, filters.to(images.dtype), padding=padding)
    # Fast convolutions may round a sum of zeros below zero.
    energy = F.conv2d(squares, window.to(images.dtype), padding=padding).clamp_min(0)
    return projection.abs() / (energy + EPSILON).sqrt()
