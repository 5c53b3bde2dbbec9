"""The Gaussian filter of the generators, to the last bit.

A region of one grey level stays at that level up to the last bit of a double, and what comes below it is
truncated to the next lower level. So the sums are formed in the order of `scipy.ndimage.correlate1d`: the
middle first, then pair by pair from the outside in, products and sums each rounded for themselves.

On the usual processors that function itself is called, which is twice as fast as the same in torch. On others
SciPy may be compiled to round a product and a sum at once; there, and on other devices, torch does it.
"""

import platform

import numpy as np
import torch
from scipy.ndimage import correlate1d
from torch import Tensor

from flexnet.corruptions.widths import filter_weights

ROUNDS_APART = platform.machine().lower() in ("x86_64", "amd64")


def gaussian_filter(images: Tensor, sigma: float) -> Tensor:
    """Smooth the last two dimensions (n, C, H, W); what lies beyond an edge is as the edge.

    Args:
        images: floats. Of float32 the sums are formed in float64 and rounded after each direction.
        sigma: standard deviation in pixels; 0 for none.
    """
    weights = filter_weights(sigma)
    if len(weights) == 1:
        return images
    if images.is_cpu and ROUNDS_APART:
        both = np.array((*weights[:0:-1], *weights))
        first = correlate1d(images.numpy(), both, axis=2, mode="nearest")
        return torch.from_numpy(correlate1d(first, both, axis=3, mode="nearest"))
    return _along(_along(images, weights, 2), weights, 3)


def _along(images: Tensor, weights: tuple[float, ...], dim: int) -> Tensor:
    radius, side = len(weights) - 1, images.shape[dim]
    shape = [radius if place == dim else -1 for place in range(4)]
    first, last = images.narrow(dim, 0, 1).expand(shape), images.narrow(dim, side - 1, 1).expand(shape)
    padded = torch.cat([first, images, last], dim).double()
    total = padded.narrow(dim, radius, side) * weights[0]
    pair = torch.empty_like(total)
    for step in range(radius, 0, -1):
        before, after = padded.narrow(dim, radius - step, side), padded.narrow(dim, radius + step, side)
        torch.add(before, after, out=pair)
        total.add_(pair.mul_(weights[step]))
    return total.to(images.dtype)
