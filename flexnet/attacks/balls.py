"""The ball around an image in which an attack may look: its norm, its radius, and the permitted range.

Distances are in units of the space: an L2 ball of normalised images is an ellipsoid of pixels.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from flexnet.attacks.checks import check_epsilon, check_space
from flexnet.attacks.spaces import Space
from flexnet.errors import ConfigError
from flexnet.options.iterated import NORMS
from flexnet.options.rules import is_number

Size = float | Tensor


@dataclass(frozen=True)
class Ball:
    """All images within `epsilon` of a clean one that lie in the permitted range of a space.

    A range that excludes the clean image (the loose clamp, the squeezed one of the released PGD) may move it
    by more than epsilon: the range has the last word, as in the released code.

    Attributes:
        epsilon: radius in units of the space.
        space: unit and range.
        norm: "linf" (largest change of a value) or "l2" (root of the sum of squares over the image).

    Raises:
        ConfigError: if the norm is unknown, the space is none, or epsilon is negative, not finite or, in
            "linf", wider than the range.
    """

    epsilon: float
    space: Space
    norm: str = "linf"

    def __post_init__(self) -> None:
        check_space(self.space)
        if self.norm not in NORMS:
            raise ConfigError(f"norm of an attack: expected one of {NORMS}; got {self.norm!r}; name one")
        if self.norm == "linf":
            check_epsilon(self.epsilon, self.space)
        elif not is_number(self.epsilon) or self.epsilon < 0:
            raise ConfigError(
                f"epsilon of an attack: expected >= 0; got {self.epsilon}; use 0 for clean images"
            )

    def widest(self, images: Tensor) -> float:
        """Radius of a ball that holds the whole range of such images (N, C, H, W), wherever it lies."""
        width = float(((self.space.high - self.space.low) / self.space.scale).max())
        return width if self.norm == "linf" else width * images[0].numel() ** 0.5

    def clamp(self, images: Tensor) -> Tensor:
        """The nearest images in the permitted range; of clean images, what the clamp alone does to them."""
        return torch.clamp(images, self.space.low, self.space.high)

    def project(self, moved: Tensor, images: Tensor) -> Tensor:
        """Pull moved images into the ball around clean ones, then into the permitted range."""
        return self.clamp(self.pull(moved, images))

    def pull(self, moved: Tensor, images: Tensor) -> Tensor:
        """Pull moved images into the ball, whatever the range."""
        if self.norm == "linf":
            reach = self.epsilon * self.space.scale
            return images + torch.clamp(moved - images, -reach, reach)
        delta = (moved - images) / self.space.scale
        length = _length(delta)
        shrunk = delta * (self.epsilon / length.clamp_min(1e-30)).clamp_max(1.0)
        return images + torch.where(length > self.epsilon, shrunk, delta) * self.space.scale

    def step(self, moved: Tensor, gradient: Tensor, size: Size) -> Tensor:
        """Move by `size` along the steepest direction of the norm.

        Args:
            moved: (N, C, H, W).
            gradient: with respect to the pixels, (N, C, H, W); an image whose gradient is zero stays.
            size: in units of the space, one number or (N, 1, 1, 1).
        """
        if self.norm == "linf":
            return moved + size * self.space.scale * gradient.sign()
        return moved + size * self.space.scale * unit_l2(gradient * self.space.scale)

    def inner(self, images: Tensor, uniform: Tensor, normal: Tensor) -> Tensor:
        """Points of uniform density in the ball, from draws of U(-1, 1) and N(0, 1), not yet in the range."""
        if self.norm == "linf":
            return images + self.epsilon * self.space.scale * uniform
        share = (uniform[:, :1, :1, :1].abs()) ** (1 / uniform[0].numel())
        return images + self.epsilon * self.space.scale * unit_l2(normal) * share

    def surface(self, images: Tensor, uniform: Tensor, normal: Tensor) -> Tensor:
        """Random points at the distance epsilon, from draws as for `inner`, not yet in the range."""
        if self.norm == "linf":
            largest = uniform.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-30)
            return images + self.epsilon * self.space.scale * uniform / largest
        return images + self.epsilon * self.space.scale * unit_l2(normal)

    def distance(self, moved: Tensor, images: Tensor) -> Tensor:
        """Distances in units of the space, (N,)."""
        delta = (moved - images) / self.space.scale
        return delta.abs().amax((1, 2, 3)) if self.norm == "linf" else _length(delta).view(-1)


def unit_l2(direction: Tensor) -> Tensor:
    """Directions (N, C, H, W) of length 1; one of zeros stays.

    The division by the largest magnitude first keeps the squares of tiny gradients from vanishing.
    """
    largest = direction.abs().amax((1, 2, 3), keepdim=True)
    scaled = direction / torch.where(largest > 0, largest, 1.0)
    return scaled / _length(scaled).clamp_min(1e-30)


def _length(delta: Tensor) -> Tensor:
    return delta.square().sum((1, 2, 3), keepdim=True).sqrt()
