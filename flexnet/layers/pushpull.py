"""The push-pull layer as a module: a Conv2d that is inhibited by a wider kernel of opposite sign."""

import math
from typing import Any, NoReturn, Self, cast

import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers.eager import plain, refuse_scripting
from flexnet.layers.enlarging import Enlarged, enlarge, enlarged_size
from flexnet.layers.inhibition import check_kernel, push_pull_conv2d
from flexnet.layers.pooling import Pair
from flexnet.layers.twins import plain_twin, twin
from flexnet.options.layers.pushpull import LEARNED, PushPullOptions
from flexnet.problems import refuse

__all__ = ["LEARNED", "PushPullConv2d"]


class PushPullConv2d(nn.Conv2d):
    """A rectified convolution less the rectified response of a wider kernel of opposite sign.

    Push-pull paper (Strisciuglio, Lopez-Antequera and Petkov 2020, doi 10.1007/s00521-020-04751-8) and its
    released code: see `push_pull_conv2d`. Only the push kernel is stored and trained, under the names, shapes
    and initial values of a Conv2d; the pull kernel is made of it in each pass, and gradients reach it by both
    branches. No rectifier follows the difference.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, groups, bias, device, dtype: as in Conv2d;
            the kernel square with an odd side, the padding as integers, and no bias unless asked for. A bias
            has the opposite sign in the pull.
        alpha: inhibition strength of 0 or more; "learned": a parameter `alpha` (1,C',1,1), used through a
            rectifier, that starts uniformly in 1/2 -+ 1 / sqrt(in_channels out_channels).
        h: how many times wider than the push kernel the pull kernel is, at least 1: its side is floor(s h),
            or the odd number after that. With 1 the layer is a leaky rectifier of slope alpha.
        dilation: 1; the padding of the two branches fits no other.

    Raises:
        ConfigError: if an argument is not allowed.
    """

    alpha: float | nn.Parameter

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        *,
        alpha: float | str = 1.0,
        h: float = 2.0,
        dilation: int | Pair = 1,
        groups: int = 1,
        bias: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        refuse("PushPullConv2d", PushPullOptions.problems({"alpha": alpha, "h": h}))
        if isinstance(padding, str):
            raise ConfigError(f"expected the padding as one or two integers; got {padding!r}")
        if dilation not in (1, (1, 1)):
            raise ConfigError(f"push-pull: expected the dilation 1; got {dilation!r}; no other is defined")
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            groups=groups,
            bias=bias,
            device=device,
            dtype=dtype,
        )
        check_kernel(cast(Pair, self.kernel_size))
        self.h = h
        self._enlarged = Enlarged()
        if alpha == LEARNED:
            self.alpha = nn.Parameter(self.weight.new_empty(1, out_channels, 1, 1))
            self._draw_alpha()
        else:
            self.alpha = float(alpha)

    @classmethod
    def from_conv(
        cls, conv: nn.Conv2d, input_size: Pair | None, keep_weights: bool = True, **options: Any
    ) -> Self:
        """Make the push-pull twin of a plain convolution, as `convert` does for whole models.

        Args:
            conv: a convolution; its weight becomes the push kernel.
            input_size: height and width of its input; it does not matter here.
            keep_weights: take over weight and bias; else keep the new ones.
            options: `alpha` and `h`.

        Raises:
            ConfigError: if an option is not allowed, or the convolution has a kernel, a dilation or a padding
                that the layer cannot stand.
        """
        return twin(cls, conv, input_size, keep_weights, **options)

    def plain(self) -> nn.Conv2d:
        """Return the convolution that is the push, without rectifier: copies of weight and bias."""
        return plain_twin(self)

    @property
    def title(self) -> str:
        """What it is called in tables of layers."""
        return "push-pull"

    @property
    def pull_size(self) -> int:
        """Side of the pull kernel in pixels."""
        return enlarged_size(self.kernel_size[0], self.h)

    def pull_weight(self) -> Tensor:
        """The pull kernels (C',C/groups,s',s'), made of the push kernels: enlarged and of opposite sign."""
        return -enlarge(self.weight, self.pull_size)

    def reset_parameters(self) -> None:
        """Draw weight, bias and then a learned strength anew."""
        super().reset_parameters()
        if isinstance(getattr(self, "alpha", None), Tensor):  # not yet there while Conv2d is being built
            self._draw_alpha()

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to (N,C,H,W) or (C,H,W), giving (N,C',H',W') or (C',H',W')."""
        return response(self, input, self.alpha, self.h, self._enlarged)

    def extra_repr(self) -> str:
        """Conv2d's arguments, strength and enlargement."""
        told = LEARNED if isinstance(self.alpha, Tensor) else f"{self.alpha:g}"
        return f"{super().extra_repr()}, alpha={told}, h={self.h:g}"  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def _draw_alpha(self) -> None:
        reach = 1 / math.sqrt(self.in_channels * self.out_channels)
        cast(nn.Parameter, self.alpha).uniform_(0.5 - reach, 0.5 + reach)

    def __prepare_scriptable__(self) -> NoReturn:
        refuse_scripting(self)


def response(conv: nn.Conv2d, input: Tensor, alpha: float | Tensor, h: float, known: Enlarged) -> Tensor:
    """The push-pull response of a convolution's kernel, enlarged once for each state of its weight."""
    size = enlarged_size(conv.kernel_size[0], h)
    return push_pull_conv2d(
        input,
        conv.weight,
        conv.bias,
        alpha=alpha,
        h=h,
        stride=cast(Pair, conv.stride),
        padding=cast(Pair, conv.padding),
        groups=conv.groups,
        enlarged=known.of(conv.weight, size) if plain(input, conv.weight) else None,
    )


LAYER = PushPullConv2d
