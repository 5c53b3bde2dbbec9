"""The Flexible Layer as a module: a Conv2d whose units may switch to max-pooling."""

import math
from collections.abc import Callable
from typing import Any, Literal, NoReturn, Self, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers.eager import refuse_scripting
from flexnet.layers.functional import check_padding, match_groups, pair
from flexnet.layers.gates import blend, gate
from flexnet.layers.masks import draw_mask
from flexnet.layers.pooling import Pair, extent, max_pool
from flexnet.layers.steps import as_batch, as_given, checked, typed_as_convolved
from flexnet.layers.thresholds import draw_threshold, readable, shortest
from flexnet.layers.twins import plain_twin, twin
from flexnet.options.layers.flexible import (
    GATED,
    MATCHINGS,
    RULES,
    SCHEMES,
    STORED,
    FlexibleOptions,
    Init,
)
from flexnet.problems import refuse

__all__ = ["GATED", "MATCHINGS", "RULES", "SCHEMES", "STORED", "FlexibleConv2d"]


PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]


class FlexibleConv2d(nn.Conv2d):
    """A convolution whose units switch softly to max-pooling of the same window.

    Flexible Layer paper, eq. (1): y = g MAX + (1 - g) conv with the gate g = sigmoid(sharpness (T - MAX))
    under the rule "below". It is a Conv2d in every other respect: names, shapes and initial values of
    `weight` and `bias` are the same, and the convolution is drawn before the threshold, so that it equals
    that of a Conv2d built from the same random state.

    Schemes:
        conv: g = 0; exactly the Conv2d.
        learned: T is the parameter `threshold`. Give it no weight decay (see `diagnostics.thresholds`).
        frozen: T is a saved buffer.
        redrawn: like frozen, but meant to be drawn again by `redraw` for each evaluation.
        uniform: one number for all units, which training leaves alone; `value` reads the stored one.
        random: g is 0 or 1 with equal odds for each unit, drawn anew at each forward pass, in training and
            in evaluation, and shared by the images of a batch. Draws use the attribute `generator`, or
            PyTorch's global generator where that is None.
        max: g = 1; the convolution is not computed, its weights are kept.
        blend: g = 1/2.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device,
            dtype: as in Conv2d. MAX is taken over the same pixels: dilation spreads its window, a unit of a
            group pools its own channels, and a padding mode fills the border of both branches. Zeros are no
            border for MAX, whose windows end where the map does.
        input_size: height and width of the input; needed by learned, frozen and redrawn thresholds per unit.
        scheme: one of the above.
        rule: "below" takes MAX where the pooled input lies below T, "above" where it lies above.
        init: initial threshold: "normal" N(0,1), "zeros", "uniform" U(0,1), or a pair (mean, std).
        value: the threshold of the scheme uniform.
        sharpness: slope of the gate per unit of input.
        matching: how pooled channels are mapped to output channels, see `match_channels`.
        per: "unit" for a threshold (1,C',H',W'); "channel" for (1,C',1,1) or "layer" for one number, which
            fit any input size.

    Raises:
        ConfigError: if an argument is not allowed or missing.
    """

    threshold: Tensor | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        *,
        input_size: int | Pair | None = None,
        scheme: str = "learned",
        rule: str = "below",
        init: Init = "normal",
        value: float | None = None,
        sharpness: float = 50.0,
        matching: str = "tile",
        per: str = "unit",
        dilation: int | Pair = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if isinstance(padding, str):
            raise ConfigError(f"expected the padding as one or two integers; got {padding!r}")
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )
        self.input_size = None if input_size is None else pair(input_size)
        self.scheme, self.rule, self.init = scheme, rule, init
        self._number = value
        self.sharpness, self.matching, self.per = sharpness, matching, per
        self.generator: torch.Generator | None = None
        self._check()
        self._create_threshold()

    @classmethod
    def from_conv(
        cls, conv: nn.Conv2d, input_size: Pair | None, keep_weights: bool = True, **options: Any
    ) -> Self:
        """Make the flexible twin of a plain convolution, as `convert` does for whole models.

        Args:
            conv: a convolution.
            input_size: height and width of its input, if known.
            keep_weights: take over weight and bias; else keep the new ones.
            options: the layer's own arguments from `scheme` on.

        Raises:
            ConfigError: if an option is not allowed or missing.
        """
        return twin(cls, conv, input_size, keep_weights, **options)

    def plain(self) -> nn.Conv2d:
        """Return the convolution without the gate: a Conv2d with copies of weight and bias."""
        return plain_twin(self)

    def reset_parameters(self) -> None:
        """Draw weight, bias and then the threshold anew; the number of the scheme uniform stays."""
        super().reset_parameters()
        if getattr(self, "threshold", None) is not None:  # not yet there while Conv2d is being built
            self._draw_threshold(None)

    def redraw(self, generator: torch.Generator) -> None:
        """Draw the threshold anew from its initial distribution.

        Raises:
            ConfigError: if the scheme is not "redrawn".
        """
        if not self.redrawn:
            raise ConfigError(f"expected the scheme 'redrawn'; got {self.scheme!r}, whose threshold stays")
        self._draw_threshold(generator)

    @property
    def stochastic(self) -> bool:
        """Whether it draws at each forward pass; see `flexnet.layers.randomness`."""
        return self.scheme == "random"

    @property
    def redrawn(self) -> bool:
        """Whether it is drawn anew for each evaluation; see `flexnet.layers.randomness`."""
        return self.scheme == "redrawn"

    @property
    def undecayed(self) -> tuple[str, ...]:
        """Parameters that are no weights; see `flexnet.layers.parameters`."""
        return ("threshold",) if self.scheme == "learned" else ()

    @property
    def title(self) -> str:
        """What it is called in tables of layers."""
        return "conv" if self.scheme == "conv" else "flexible"

    @property
    def value(self) -> float | None:
        """The threshold of the scheme uniform, read from the stored one; None for all other schemes."""
        stored, number = self._buffers.get("threshold"), self._exact()
        return number if number is None or stored is None else shortest(number, stored.dtype)

    @value.setter
    def value(self, value: float) -> None:
        self.set_threshold(value)

    def set_threshold(self, value: float) -> None:
        """Set the common threshold of the scheme uniform.

        Raises:
            ConfigError: if the scheme is not "uniform", or the value no number.
        """
        if self.scheme != "uniform":
            raise ConfigError(f"expected the scheme 'uniform'; got {self.scheme!r}")
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if math.isnan(number):
            raise ConfigError(f"expected a number as threshold; got {value!r}")
        self._set_number(number)

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to (N,C,H,W) or (C,H,W), giving (N,C',H',W') or (C',H',W').

        Raises:
            ConfigError: if the input does not have the size that the thresholds were stored for.
        """
        if self.scheme == "conv":
            return self.convolved(input)
        return as_given(self._mixed(as_batch(input)), input)

    def convolved(self, input: Tensor) -> Tensor:
        """The conv branch of an input (N,C,H,W) or (C,H,W)."""
        return super().forward(input)

    def pooled(self, input: Tensor) -> Tensor:
        """The MAX branch of an input (N,C,H,W), mapped to the output channels: (N,C',H',W').

        Raises:
            ConfigError: if the input has other channels than the layer, or not the size that the thresholds
            were stored for.
        """
        expected = self.input_size if self._per_unit() else None
        input, padding = checked(input, self.in_channels, expected), cast(Pair, self.padding)
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._reversed_padding_repeated_twice, self.padding_mode), (0, 0)
        window = (cast(Pair, self.kernel_size), cast(Pair, self.stride), padding, cast(Pair, self.dilation))
        return match_groups(max_pool(input, *window), self.out_channels, self.matching, self.groups)

    def max_share(self, input: Tensor) -> Tensor:
        """The gate g of an input (N,C,H,W): the share of MAX in each unit (N,C',H',W'), in [0,1].

        Raises:
            ConfigError: if the scheme has no gate that depends on the input.
        """
        if self.threshold is None:
            raise ConfigError(
                f"expected a scheme out of {GATED}; got {self.scheme!r}, whose gate is constant"
            )
        return gate(self.pooled(input), self.threshold, self.rule, self.sharpness)

    def extra_repr(self) -> str:
        """Conv2d's arguments, and those of the gate that the scheme uses."""
        text = f"{super().extra_repr()}, scheme={self.scheme!r}"  # type: ignore[no-untyped-call]
        if self.scheme in GATED:
            text += f", rule={self.rule!r}, sharpness={self.sharpness:g}"
        if self.scheme in STORED:
            assert self.threshold is not None
            text += f", threshold={tuple(self.threshold.shape)}, init={self.init!r}"
        if self.scheme == "uniform":
            value = self.value  # None inside a transform, which names the layer in its messages
            text += ", value=traced" if value is None else f", value={value:g}"
        return text if self.in_channels == self.out_channels else f"{text}, matching={self.matching!r}"

    def _mixed(self, input: Tensor) -> Tensor:
        """Both branches of a batch, put together as the scheme says."""
        pooled = self.pooled(input)
        if self.scheme == "max":
            return typed_as_convolved(pooled)
        convolved = self.convolved(input)
        if self.scheme in GATED:
            return blend(pooled, convolved, self._stored(), self.rule, self.sharpness)
        if self.scheme == "blend":
            return (pooled.to(convolved.dtype) + convolved) * 0.5
        mask = draw_mask(convolved, self.generator)
        return torch.addcmul(mask * pooled.to(convolved.dtype), 1 - mask, convolved)

    def _per_unit(self) -> bool:
        return self.scheme in STORED and self.per == "unit"

    def _check(self) -> None:
        """Check the arguments that Conv2d does not know."""
        names = ("scheme", "rule", "init", "value", "sharpness", "matching", "per")
        refuse("FlexibleConv2d", FlexibleOptions.problems({name: getattr(self, name) for name in names}))
        if self._per_unit() and self.input_size is None:
            raise ConfigError(
                f"the scheme {self.scheme!r} stores a threshold per unit and needs the input's height and "
                "width; give input_size=(height, width), or per='channel'"
            )
        if self.scheme != "conv" and self.padding_mode == "zeros":
            check_padding(*(cast(Pair, each) for each in (self.kernel_size, self.padding, self.dilation)))

    def _threshold_shape(self) -> tuple[int, int, int, int]:
        if self.scheme == "uniform" or self.per == "layer":
            return (1, 1, 1, 1)
        if self.per == "channel" or self.input_size is None:
            return (1, self.out_channels, 1, 1)
        window = extent(cast(Pair, self.kernel_size), cast(Pair, self.dilation))
        sizes = zip(self.input_size, cast(Pair, self.padding), window, self.stride, strict=True)
        height, width = ((size + 2 * pad - k) // step + 1 for size, pad, k, step in sizes)
        if min(height, width) < 1:
            raise ConfigError(
                f"expected an input of at least the window {window}; got input_size {self.input_size} with "
                f"padding {self.padding}"
            )
        return (1, self.out_channels, height, width)

    def _create_threshold(self) -> None:
        if self.scheme not in GATED:
            self.register_buffer("threshold", None)
            return
        threshold = self.weight.new_empty(self._threshold_shape())
        if self.scheme == "learned":
            self.threshold = nn.Parameter(threshold)
        else:
            self.register_buffer("threshold", threshold.detach())
        if self._number is not None:
            self._set_number(self._number)
        self._draw_threshold(None)

    def _stored(self) -> Tensor:
        """The threshold, of which there is one for each unit that the options speak of."""
        if self.threshold is None:
            raise ConfigError(f"the scheme {self.scheme!r} needs a threshold; got none; build the layer anew")
        return self.threshold

    @torch.no_grad()
    def _draw_threshold(self, generator: torch.Generator | None) -> None:
        """Draw the threshold anew; that of the scheme uniform was given and not drawn."""
        if self.scheme != "uniform":
            draw_threshold(self._stored(), self.init, generator)

    @torch.no_grad()
    def _set_number(self, number: float) -> None:
        """Store the threshold of the scheme uniform: in the layer, and aside where that holds no numbers."""
        threshold = self._stored()
        threshold.fill_(number)
        self._number = None if readable(threshold) else number

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move the layer as its owner asks; the number of the scheme uniform comes along from and to meta."""
        number = self._exact()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if number is not None and number != self._exact():  # NaN included
            self._set_number(number)
        return self

    def _exact(self) -> float | None:
        """The number of the scheme uniform to the last bit; None for all other schemes."""
        stored = self._buffers.get("threshold")
        uniform = self.scheme == "uniform" and stored is not None and readable(stored)
        return float(cast(Tensor, stored)) if uniform else self._number

    def __prepare_scriptable__(self) -> NoReturn:
        refuse_scripting(self)


LAYER = FlexibleConv2d
