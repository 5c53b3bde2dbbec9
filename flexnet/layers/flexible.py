"""The Flexible Layer as a module: a Conv2d whose units may switch to max-pooling."""

from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers.functional import check_padding, pair
from flexnet.layers.gates import blend, gate
from flexnet.layers.matching import match_channels
from flexnet.layers.pooling import Pair, max_pool
from flexnet.layers.thresholds import draw_threshold
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
        uniform: one fixed number `value` for all units, changed by `set_threshold`.
        random: g is 0 or 1 with equal odds for each unit, drawn anew at each forward pass, in training and
            in evaluation, and shared by the images of a batch. Draws use the attribute `generator`, or
            PyTorch's global generator where that is None.
        max: g = 1; the convolution is not computed, its weights are kept.
        blend: g = 1/2.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, bias, device, dtype: as in Conv2d.
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
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if isinstance(padding, str):
            raise ConfigError(f"expected the padding as one or two integers; got {padding!r}")
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, bias=bias, device=device, dtype=dtype
        )
        self.input_size = None if input_size is None else pair(input_size)
        self.scheme, self.rule, self.init, self.value = scheme, rule, init, value
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
            conv: a convolution without groups and dilation, with integer zero padding.
            input_size: height and width of its input, if known.
            keep_weights: take over weight and bias; else keep the new ones.
            options: the layer's own arguments from `scheme` on.

        Raises:
            ConfigError: if an option is not allowed or missing.
        """
        layer = cls(
            conv.in_channels,
            conv.out_channels,
            cast(Pair, conv.kernel_size),
            cast(Pair, conv.stride),
            cast(Pair, conv.padding),
            input_size=input_size,
            bias=conv.bias is not None,
            device=conv.weight.device,
            dtype=conv.weight.dtype,
            **options,
        )
        if keep_weights:
            # A clone keeps the memory order, which selects the kernel and with it the last bits of a result.
            layer.weight = nn.Parameter(conv.weight.detach().clone(), conv.weight.requires_grad)
            if conv.bias is not None:
                layer.bias = nn.Parameter(conv.bias.detach().clone(), conv.bias.requires_grad)
        return layer.train(conv.training)

    def reset_parameters(self) -> None:
        """Draw weight, bias and then the threshold anew."""
        super().reset_parameters()
        if getattr(self, "threshold", None) is not None:  # not yet there while Conv2d is being built
            self._fill_threshold(None)

    def redraw(self, generator: torch.Generator) -> None:
        """Draw the threshold anew from its initial distribution.

        Raises:
            ConfigError: if the scheme is not "redrawn".
        """
        if self.scheme != "redrawn":
            raise ConfigError(f"expected the scheme 'redrawn'; got {self.scheme!r}, whose threshold stays")
        self._fill_threshold(generator)

    def set_threshold(self, value: float) -> None:
        """Set the common threshold of the scheme uniform.

        Raises:
            ConfigError: if the scheme is not "uniform".
        """
        if self.scheme != "uniform":
            raise ConfigError(f"expected the scheme 'uniform'; got {self.scheme!r}")
        self.value = float(value)
        self._fill_threshold(None)

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to (N,C,H,W) or (C,H,W), giving (N,C',H',W') or (C',H',W').

        Raises:
            ConfigError: if the input does not have the size that the thresholds were stored for.
        """
        if self.scheme == "conv":
            return self.convolved(input)
        if input.dim() == 3:
            return self.forward(input.unsqueeze(0)).squeeze(0)
        pooled = self.pooled(input)
        if self.scheme == "max":
            return pooled.to(_compute_dtype(pooled))
        convolved = self.convolved(input)
        if self.threshold is not None:
            return blend(pooled, convolved, self.threshold, self.rule, self.sharpness)
        if self.scheme == "blend":
            return (pooled.to(convolved.dtype) + convolved) * 0.5
        mask = self._draw_mask(convolved)
        return torch.addcmul(mask * pooled.to(convolved.dtype), 1 - mask, convolved)

    def convolved(self, input: Tensor) -> Tensor:
        """The conv branch of an input (N,C,H,W) or (C,H,W)."""
        return super().forward(input)

    def pooled(self, input: Tensor) -> Tensor:
        """The MAX branch of an input (N,C,H,W), mapped to the output channels: (N,C',H',W').

        Raises:
            ConfigError: if the input does not have the size that the thresholds were stored for.
        """
        window = (cast(Pair, self.kernel_size), cast(Pair, self.stride), cast(Pair, self.padding))
        if self._per_unit() and input.shape[2:] != self.input_size:
            raise ConfigError(
                f"this layer stores a threshold per unit for inputs of size {self.input_size}; got "
                f"{tuple(input.shape[2:])}; build it with that input_size, or with per='channel'"
            )
        return match_channels(max_pool(input, *window), self.out_channels, self.matching)

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
            text += f", threshold={tuple(self._threshold_shape())}, init={self.init!r}"
        if self.scheme == "uniform":
            text += f", value={self.value:g}"
        return text if self.in_channels == self.out_channels else f"{text}, matching={self.matching!r}"

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
        if self.scheme != "conv":
            check_padding(cast(Pair, self.kernel_size), cast(Pair, self.padding))

    def _threshold_shape(self) -> tuple[int, int, int, int]:
        if self.scheme == "uniform" or self.per == "layer":
            return (1, 1, 1, 1)
        if self.per == "channel" or self.input_size is None:
            return (1, self.out_channels, 1, 1)
        padding = cast(Pair, self.padding)
        sizes = zip(self.input_size, padding, self.kernel_size, self.stride, strict=True)
        height, width = ((size + 2 * pad - k) // step + 1 for size, pad, k, step in sizes)
        if min(height, width) < 1:
            raise ConfigError(
                f"expected an input of at least the kernel size {self.kernel_size}; got input_size "
                f"{self.input_size} with padding {self.padding}"
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
        self._fill_threshold(None)

    @torch.no_grad()
    def _fill_threshold(self, generator: torch.Generator | None) -> None:
        assert self.threshold is not None
        if self.value is not None:
            self.threshold.fill_(self.value)
        else:
            draw_threshold(self.threshold, self.init, generator)

    def _draw_mask(self, convolved: Tensor) -> Tensor:
        """One 0 or 1 per unit (1,C',H',W'), on the generator's device first."""
        device = convolved.device if self.generator is None else self.generator.device
        mask = torch.empty((1, *convolved.shape[1:]), device=device, dtype=convolved.dtype)
        return mask.bernoulli_(0.5, generator=self.generator).to(convolved.device)


def _compute_dtype(tensor: Tensor) -> torch.dtype:
    """The type in which a convolution of this tensor would come out."""
    kind = tensor.device.type
    autocast = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    if autocast and tensor.dtype != torch.float64:
        return torch.get_autocast_dtype(kind)
    return tensor.dtype
