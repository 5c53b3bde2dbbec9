"""A convolution of smoothed images: the control that asks whether smoothing alone does it."""

import math
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexnet.layers.pooling import Pair
from flexnet.layers.twins import twin
from flexnet.options.layers.lowpass import LowPassOptions
from flexnet.problems import refuse


class LowPassConv2d(nn.Conv2d):
    """A Conv2d whose input is smoothed first by a fixed filter that lets low frequencies pass.

    The filter is the binomial one, the outer product of rows of Pascal's triangle divided by their sums: each
    channel by itself, borders repeated. It has no parameters, and weight and bias are those of a Conv2d.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, device, dtype: as in
            Conv2d, with no bias unless asked for.
        size: side of the filter in pixels, odd. With 5 and a 3x3 kernel, an output sees the 7x7 pixels that
            it sees through the pull kernel of a push-pull layer with h = 2.

    Raises:
        ConfigError: if the size is not allowed.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        *,
        size: int = 5,
        bias: bool = False,
        **arguments: Any,
    ) -> None:
        refuse("LowPassConv2d", LowPassOptions.problems({"size": size}))
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, bias=bias, **arguments)
        self.size = size

    @classmethod
    def from_conv(
        cls, conv: nn.Conv2d, input_size: Pair | None, keep_weights: bool = True, **options: Any
    ) -> Self:
        """Make the low-pass twin of a plain convolution, as `convert` does for whole models.

        Raises:
            ConfigError: if an option is not allowed.
        """
        return twin(cls, conv, input_size, keep_weights, **options)

    @property
    def title(self) -> str:
        """What it is called in tables of layers."""
        return "low-pass conv"

    @property
    def filter(self) -> Tensor:
        """The filter (1, 1, size, size). Made anew in each pass, so that there is nothing to save.

        It is made on the device, since no numbers can be copied to a GPU while it records a step.
        """
        row = [math.comb(self.size - 1, place) / 2 ** (self.size - 1) for place in range(self.size)]
        wide = torch.promote_types(self.weight.dtype, torch.float32)  # of small types products lose digits
        line = torch.cat([self.weight.new_full((1,), weight, dtype=wide) for weight in row])
        return (line[:, None] * line).to(self.weight.dtype).view(1, 1, self.size, self.size)

    def forward(self, input: Tensor) -> Tensor:
        """Smooth (N,C,H,W) or (C,H,W), and convolve."""
        batch = input if input.dim() == 4 else input[None]
        found = super().forward(self.smoothed(batch))
        return found if input.dim() == 4 else found[0]

    def smoothed(self, batch: Tensor) -> Tensor:
        """The input (N,C,H,W) after the filter, of the same size."""
        reach, channels = self.size // 2, batch.shape[1]
        padded = F.pad(batch, (reach, reach, reach, reach), mode="replicate")
        return F.conv2d(padded, self.filter.to(batch.dtype).expand(channels, 1, -1, -1), groups=channels)

    def extra_repr(self) -> str:
        """Conv2d's arguments and the size of the filter."""
        return f"{super().extra_repr()}, size={self.size}"  # type: ignore[no-untyped-call]


LAYER = LowPassConv2d
