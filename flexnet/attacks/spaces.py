"""Where an attack moves and how far it may go.

Models take images in [0, 1], so an attack is always carried out on pixels. What differs between
protocols is the unit of its step and the range in which it must stay. Both are affine in the pixels,
so an attack on mean/std-normalised images is a pixel attack with one step and one range per channel.
"""

from dataclasses import dataclass
from typing import Any, Self

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

    Raises:
        ConfigError: if one of them is no finite float tensor of this shape, they differ in their number of
            channels or in their device, a scale is not positive, or a range is empty.
    """

    scale: Tensor
    low: Tensor
    high: Tensor

    def __post_init__(self) -> None:
        for name in ("scale", "low", "high"):
            _check_constants(f"{name} of a space", getattr(self, name))
        shapes = {tuple(tensor.shape) for tensor in (self.scale, self.low, self.high)}
        devices = {tensor.device for tensor in (self.scale, self.low, self.high)}
        if len(shapes) > 1 or len(devices) > 1:
            raise ConfigError(
                "space of an attack: expected scale, low and high of one shape (1, C, 1, 1) on one device; "
                f"got {sorted(shapes)} on {sorted(map(str, devices))}; give each a value per channel"
            )
        if not bool(((self.scale > 0) & (self.low < self.high)).all()):
            scale, low, high = (tensor.flatten().tolist() for tensor in (self.scale, self.low, self.high))
            raise ConfigError(
                "space of an attack: expected scale > 0 and low < high in every channel; got scale "
                f"{scale}, low {low} and high {high}; correct mean and std, or the bounds"
            )

    @classmethod
    def pixel(cls, channels: int) -> Self:
        """Epsilon in pixels, images stay in [0, 1].

        Raises:
            ConfigError: if `channels` is no whole number of at least 1.
        """
        if not isinstance(channels, int) or isinstance(channels, bool) or channels < 1:
            raise ConfigError(f"channels of a space: expected >= 1; got {channels!r}; use 1 or 3")
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
            ConfigError: if `clamp` is neither, or the mean, std or bounds make no space.
        """
        _check_constants("mean of a space", mean)
        _check_constants("std of a space", std)
        mean, std = mean.detach(), std.detach()
        if clamp == "valid":
            return cls(scale=std, low=torch.zeros_like(std), high=torch.ones_like(std))
        if clamp == "loose":
            return cls(scale=std, low=mean + std * low, high=mean + std * high)
        raise ConfigError(f"clamp of an attack: expected one of {CLAMPS}; got {clamp!r}; name one of them")

    def to(self, device: torch.device | str) -> Self:
        """The same space with its tensors on `device`."""
        return type(self)(self.scale.to(device), self.low.to(device), self.high.to(device))


def _check_constants(what: str, value: object) -> None:
    """Check a float tensor of one finite value per channel, (1, C, 1, 1)."""
    if not isinstance(value, Tensor) or not value.is_floating_point():
        found = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise ConfigError(f"{what}: expected a float tensor (1, C, 1, 1); got {found}; use torch.tensor(...)")
    if value.dim() != 4 or tuple(value.shape) != (1, value.shape[1], 1, 1) or not value.numel():
        raise ConfigError(
            f"{what}: expected the shape (1, C, 1, 1); got {tuple(value.shape)}; use .view(1, -1, 1, 1)"
        )
    if value.is_meta or not bool(value.isfinite().all()):
        values = "none" if value.is_meta else value.flatten().tolist()
        raise ConfigError(f"{what}: expected finite values; got {values}; correct them")


def space_of(model: nn.Module, space: str, clamp: str) -> Space:
    """The attack space called `space` with the clamp `clamp` for a model that normalises its input.

    Args:
        model: a model with a first layer `normalise` that holds buffers `mean` and `std`.
        space: `"normalised"` or `"pixel"`.
        clamp: `"loose"` (normalised space only) or `"valid"`.

    Raises:
        ConfigError: if a name is unknown, or the model does not tell how it normalises.
    """
    normalise: Any = getattr(model, "normalise", None)
    if not hasattr(normalise, "mean") or not hasattr(normalise, "std"):
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
