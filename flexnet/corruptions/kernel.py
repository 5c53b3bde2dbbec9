"""What a corruption is made of: what is random, drawn for one image, and a pure function of a batch."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from flexnet.corruptions.constants import Values

Shape = tuple[int, int, int]  # (C, H, W) of one image
Draws = tuple[Tensor, ...]


def nothing(generator: Generator, shape: Shape, constants: Values) -> Draws:
    """The draw of a corruption that has nothing random."""
    return ()


def uniform(generator: Generator, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Numbers in [0, 1) on the CPU, the same whatever PyTorch's default type and device are."""
    return torch.rand(shape, dtype=dtype, device="cpu", generator=generator)


def normal(generator: Generator, *shape: int) -> Tensor:
    """Standard normal numbers in float32 on the CPU, as `uniform`."""
    return torch.randn(shape, dtype=torch.float32, device="cpu", generator=generator)


@dataclass(frozen=True)
class Corruption:
    """How a corruption is done.

    Attributes:
        apply: images (n, C, H, W) in uint8, what was drawn for each of them (n, ...), constants -> images of
            the same shape. A pure function, of each image alone. It works on the device of the images.
        draw: generator on the CPU, shape (C, H, W) of an image, constants -> what is random in it, on the
            CPU.
        colour_only: whether it means nothing to grey images.
        one_thread: whether most of it holds Python's lock, so that threads would wait for each other.
    """

    apply: Callable[[Tensor, Draws, Values], Tensor]
    draw: Callable[[Generator, Shape, Values], Draws] = nothing
    colour_only: bool = False
    one_thread: bool = False


def unit(images: Tensor) -> Tensor:
    """Images in [0, 1] as float64, each value as exact as the quotient can be.

    The divisor is a tensor: by a number, a GPU would multiply with its reciprocal, and some values would be
    off by their last bit, which is all it takes when the result is truncated.
    """
    return images.double() / torch.tensor(255.0, dtype=torch.float64, device=images.device)


def truncated(values: Tensor) -> Tensor:
    """Values in [0, 1] as uint8: clipped, times 255, the fraction dropped, as the generators do.

    Not rounded: that would make images brighter by half a grey level than those of the published sets. The
    values are worked on in place.
    """
    return values.clamp_(0, 1).mul_(255).to(torch.uint8)


def column(values: Tensor) -> Tensor:
    """One number for each image (n,) as (n, 1, 1, 1)."""
    return values.view(-1, 1, 1, 1)


def luma(images: Tensor) -> Tensor:
    """Grey of images (n, C, H, W) in floats, (n, 1, H, W): 0.299 R + 0.587 G + 0.114 B; grey stays."""
    if images.shape[1] == 1:
        return images
    red, green, blue = images.unbind(1)
    return (red * 0.299 + green * 0.587 + blue * 0.114)[:, None]
