"""Where an attack moves and how far it may go.

Models take images in [0, 1], so an attack is always carried out on pixels. What differs between
protocols is the unit of its step and the range in which it must stay. Both are affine in the pixels,
so an attack on mean/std-normalised images is a pixel attack with one step and one range per channel.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.options.attacks import CLAMPS, LOOSE_HIGH, LOOSE_LOW, SPACES

__all__ = ["CLAMPS", "LOOSE_HIGH", "LOOSE_LOW", "SPACES", "Space", "space_of"]


@dataclass(frozen=True)
class Space:
    """Step unit and permitted range of an attack, in pixel units.

    Attributes:
        scale: pixel change that one unit of epsilon makes, (1, C, 1, 1).
        low: smallest permitted pixel, (1, C, 1, 1). May be negative: see the loose clamp.
        high: largest permitted pixel, (1, C, 1, 1). May exceed 1.
    """

    scale: Tensor
    low: Tensor
    high: Tensor

    @classmethod
    def pixel(cls, channels: int) -> Self:
        """Epsilon in pixels, images stay in [0, 1]."""
        one = torch.ones(1, channels, 1, 1)
        return cls(scale=one, low=torch.zeros_like(one), high=one)

    @classmethod
    def normalised(
        cls, mean: Tensor, std: Tensor, low: float = LOOSE_LOW, high: float = LOOSE_HIGH, clamp: str = "loose"
    ) -> Self:
        """Epsilon in units of the mean/std-normalised image: a pixel step of epsilon times std.

        Args:
            mean: channel means that the model subtracts, (1, C, 1, 1).
            std: channel standard deviations by which it divides, (1, C, 1, 1).
            low: lower bound of the loose clamp, in normalised units, the same for all channels.
            high: upper bound of the loose clamp.
            clamp: `"loose"` keeps normalised values in [low, high], so pixels may leave [0, 1], as
                in the authors' released code; `"valid"` keeps pixels in [0, 1].

        Raises:
            ConfigError: if `clamp` is neither.
        """
        mean, std = mean.detach(), std.detach()
        if clamp == "valid":
            return cls(scale=std, low=torch.zeros_like(std), high=torch.ones_like(std))
        if clamp == "loose":
            return cls(scale=std, low=mean + std * low, high=mean + std * high)
        raise ConfigError(f"clamp of an attack: expected one of {CLAMPS}; got {clamp!r}; name one of them")

    def to(self, device: torch.device | str) -> Self:
        """The same space with its tensors on `device`."""
        return type(self)(self.scale.to(device), self.low.to(device), self.high.to(device))


def space_of(model: nn.Module, space: str, clamp: str) -> Space:
    """The attack space called `space` with the clamp `clamp` for a model that normalises its input.

    Args:
        model: a model with a first layer `normalise` that holds buffers `mean` and `std`.
        space: `"normalised"` or `"pixel"`.
        clamp: `"loose"` (normalised space only) or `"valid"`.

    Raises:
        ConfigError: if a name is unknown, or the model does not tell how it normalises.
    """
    normalise = getattr(model, "normalise", None)
    if normalise is None:
        raise ConfigError(
            "attacked model: expected an attribute `normalise` with buffers mean and std; "
            f"got a {type(model).__name__} without one; build it with flexnet.networks"
        )
    if space == "normalised":
        return Space.normalised(normalise.mean, normalise.std, clamp=clamp)
    if (space, clamp) == ("pixel", "valid"):
        return Space.pixel(normalise.mean.shape[1]).to(normalise.mean.device)
    raise ConfigError(
        "space and clamp of an attack: expected normalised with loose or valid, or pixel with valid; "
        f"got {space} with {clamp}; choose one of these three"
    )
