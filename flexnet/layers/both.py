"""The Flexible Layer and the push-pull layer in one: units switch between inhibition and max-pooling."""

from typing import Any, cast

from torch import Tensor

from flexnet.errors import ConfigError
from flexnet.layers.enlarging import Enlarged
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.layers.inhibition import check_kernel
from flexnet.layers.pooling import Pair
from flexnet.layers.pushpull import response
from flexnet.options.layers.both import BothOptions
from flexnet.problems import refuse


class FlexiblePushPullConv2d(FlexibleConv2d):
    """Eq. (1) of the Flexible Layer paper with a push-pull response in the place of the convolution.

    y = g MAX + (1 - g) P, where P is the response of `push_pull_conv2d` of the same weights. Of neither
    paper: it asks whether the two mechanisms add up.

    Args:
        in_channels, out_channels, kernel_size, stride, padding: as of both layers: a square kernel with an
            odd side, the padding as integers.
        alpha: inhibition strength of 0 or more.
        h: how many times wider than the push kernel the pull kernel is, at least 1.
        arguments: further ones of `FlexibleConv2d`; the dilation 1 and the padding mode zeros.

    Raises:
        ConfigError: if an argument is not allowed.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        *,
        input_size: int | Pair | None = None,
        alpha: float = 1.0,
        h: float = 2.0,
        **arguments: Any,
    ) -> None:
        refuse("FlexiblePushPullConv2d", BothOptions.problems({"alpha": alpha, "h": h}))
        for name, usual in (("dilation", (1, (1, 1))), ("padding_mode", ("zeros",))):
            if arguments.get(name, usual[0]) not in usual:
                raise ConfigError(
                    f"FlexiblePushPullConv2d: expected {name} {usual[0]!r}; got {arguments[name]!r}; no other"
                    " is defined"
                )
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, input_size=input_size, **arguments
        )
        check_kernel(cast(Pair, self.kernel_size))
        self.alpha, self.h = float(alpha), float(h)
        self._enlarged = Enlarged()

    @property
    def title(self) -> str:
        """What it is called in tables of layers."""
        return "flexible push-pull"

    def convolved(self, input: Tensor) -> Tensor:
        """The push-pull response, which stands in the place of the conv branch."""
        return response(self, input, self.alpha, self.h, self._enlarged)

    def extra_repr(self) -> str:
        """The Flexible Layer's arguments, strength and enlargement."""
        return f"{super().extra_repr()}, alpha={self.alpha:g}, h={self.h:g}"


LAYER = FlexiblePushPullConv2d
