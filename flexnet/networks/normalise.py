"""Normalisation as the first layer of a model, so that every model takes images in [0, 1]."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from flexnet import inputs
from flexnet.errors import ConfigError
from flexnet.options.networks.base import NORMALISATIONS

__all__ = ["NORMALISATIONS", "Normalise", "normalisation"]


class Normalise(nn.Module):
    """Subtract `mean` and divide by `std`, channel by channel.

    Args:
        mean: one value per channel, in [0, 1] pixel units.
        std: one positive value per channel.

    The constants are buffers `mean` and `std` of shape (1, C, 1, 1), saved with the model, so that an
    attack can convert a step in normalised units to one in pixels.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        if len(mean) != len(std) or min(std) <= 0:
            raise ConfigError(
                f"normalisation: expected one mean and one positive std per channel; got {mean}, {std}"
            )
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Normalise images (N, C, H, W) in [0, 1].

        Raises:
            ConfigError: if they are no floats, or have another shape, number of channels, device or type.
        """
        if not torch.jit.is_scripting():  # type: ignore[attr-defined]
            inputs.check_input(images, self.mean)
        return (images - self.mean) / self.std


def normalisation(name: str, channels: int) -> Normalise:
    """Build the named normalisation for images of so many channels.

    Raises:
        ConfigError: if the name is unknown or its statistics are for another number of channels.
    """
    if name not in NORMALISATIONS:
        raise ConfigError(f"normalisation: expected one of {sorted(NORMALISATIONS)}; got {name!r}")
    mean, std = NORMALISATIONS[name]
    if len(mean) == 1:
        mean, std = mean * channels, std * channels
    if len(mean) != channels:
        raise ConfigError(
            f"normalisation {name!r} has statistics for {len(mean)} channels, but the images have"
            f" {channels}; use 'half' or 'none'"
        )
    return Normalise(mean, std)
