"""The Flexible Layer as a module: a convolution whose units can max-pool instead."""

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers.functional import flexible_conv2d, max_branch
from flexnet.layers.gates import signed_sharpness
from flexnet.layers.matching import MATCHINGS

# scheme: whether it stores one threshold per unit
SCHEMES = {
    "conv": False,
    "learned": True,
    "frozen": True,
    "redrawn": True,
    "uniform": False,
    "random": False,
    "max": False,
    "blend": False,
}
INITS = ("normal", "zeros", "uniform")
GRANULARITIES = ("unit", "channel")


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    """An integer or a pair as a pair."""
    if isinstance(value, int):
        return value, value
    height, width = value
    return height, width


class FlexibleConv2d(nn.Conv2d):
    """A convolution whose units switch to max-pooling, input by input (Flexible Layer paper, eq. (1)).

    Weights and bias are those of `torch.nn.Conv2d`, so its state dicts load. Both branches share kernel,
    stride and padding; groups and dilation are 1.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: side(s) of the windows.
        stride: step(s) of both branches.
        padding: zeros for the convolution, minus infinity for the pool; at most half the kernel.
        input_size: height and width of the input, needed where each unit has a threshold.
        scheme: what decides (the paper's name in brackets):
            "conv": always convolve (baseline). "learned": a trained threshold per unit (standard).
            "frozen": an untrained one, saved. "redrawn": the same, made anew by `redraw`; the authors'
            released code. "uniform": one fixed threshold `value` for all units (uniform).
            "random": each unit convolves or pools with equal chance, drawn anew in every forward pass,
            in training and evaluation, and shared by the batch (random). "max": always pool.
            "blend": the mean of both branches, a control.
        rule: "below" pools where f_MAX < T (eq. (1)), "above" where f_MAX > T ("reverse").
        init: start of the thresholds: "normal" N(0,1), "zeros", "uniform" U(0,1), or (mean, std).
        value: the threshold of scheme "uniform".
        sharpness: s, the paper's 50.
        matching: how pooled channels map to output channels: "tile", "interleave" or "interp".
        per: "unit" (1,C,H',W'), the paper's, or "channel" (1,C,1,1).
        bias: whether the convolution has a bias.
        device: of weights and thresholds.
        dtype: of weights and thresholds.

    Attributes:
        threshold: a parameter ("learned") or a buffer ("frozen", "redrawn", "uniform"), in the state dict.
        generator: source of the masks of scheme "random"; None takes torch's global one.

    Shapes: input (N,C_in,H,W), output (N,C_out,H',W') as of the convolution.

    Raises:
        ConfigError: if an option has a value that is not allowed.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        *,
        input_size: int | Sequence[int] | None = None,
        scheme: str = "learned",
        rule: str = "below",
        init: str | Sequence[float] = "normal",
        value: float | None = None,
        sharpness: float = 50.0,
        matching: str = "tile",
        per: str = "unit",
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        _one_of("scheme", scheme, SCHEMES)
        _one_of("matching", matching, MATCHINGS)
        _one_of("per", per, GRANULARITIES)
        signed_sharpness(rule, sharpness)
        if not isinstance(init, str):
            init = tuple(init)
        elif init not in INITS:
            raise ConfigError(f"init: expected one of {INITS} or (mean, std); got {init!r}")
        if (scheme == "uniform") != (value is not None):
            raise ConfigError(f"value: expected a threshold for scheme 'uniform' alone; got {value} for {scheme!r}")
        self.scheme, self.rule, self.init, self.value = scheme, rule, init, value
        self.sharpness, self.matching, self.per = sharpness, matching, per
        self.input_size = None if input_size is None else _pair(input_size)
        self.generator: torch.Generator | None = None
        kernel, steps, pad = _pair(kernel_size), _pair(stride), _pair(padding)
        if any(2 * p > k for p, k in zip(pad, kernel, strict=True)):
            raise ConfigError(f"padding: expected at most half the kernel {kernel}; got {pad}")
        super().__init__(in_channels, out_channels, kernel, steps, pad, bias=bias, device=device, dtype=dtype)
        self._make_threshold()
        self._start_threshold()

    def _make_threshold(self) -> None:
        shape = self._threshold_shape()
        if shape is None:
            self.register_buffer("threshold", None)
            return
        threshold = self.weight.new_empty(shape)
        if self.scheme == "learned":
            self.threshold: Tensor | None = nn.Parameter(threshold)
        else:
            self.register_buffer("threshold", threshold)

    def _threshold_shape(self) -> tuple[int, int, int, int] | None:
        if self.scheme == "uniform":
            return 1, 1, 1, 1
        if not SCHEMES[self.scheme]:
            return None
        if self.per == "channel":
            return 1, self.out_channels, 1, 1
        if self.input_size is None:
            raise ConfigError(
                f"input_size: expected height and width of the input, since each unit of scheme"
                f" {self.scheme!r} has a threshold; got None; give it, or per='channel'"
            )
        height, width = self.output_size(self.input_size)
        if min(height, width) < 1:
            raise ConfigError(f"input_size: expected at least the kernel {self.kernel_size}; got {self.input_size}")
        return 1, self.out_channels, height, width

    def output_size(self, input_size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the output for an input of this height and width."""
        height, width = (
            (size + 2 * int(pad) - kernel) // stride + 1
            for size, pad, kernel, stride in zip(
                input_size, self.padding, self.kernel_size, self.stride, strict=True
            )
        )
        return height, width

    def reset_parameters(self) -> None:
        """Draw weights and bias anew, then the thresholds: a baseline twin starts from equal weights."""
        super().reset_parameters()
        if hasattr(self, "threshold"):  # not yet there when Conv2d calls this while it is built
            self._start_threshold()

    def _start_threshold(self, generator: torch.Generator | None = None) -> None:
        if self.threshold is None:
            return
        with torch.no_grad():
            if self.value is not None:
                self.threshold.fill_(self.value)
            elif self.init == "zeros":
                self.threshold.zero_()
            elif self.init == "uniform":
                self.threshold.uniform_(0.0, 1.0, generator=generator)
            else:
                mean, std = (0.0, 1.0) if isinstance(self.init, str) else self.init
                self.threshold.normal_(mean, std, generator=generator)

    def redraw(self, generator: torch.Generator | None = None) -> None:
        """Draw the thresholds of scheme "redrawn" anew, as the authors' released code does.

        Raises:
            ConfigError: if the layer has another scheme.
        """
        if self.scheme != "redrawn":
            raise ConfigError(f"redraw: expected a layer of scheme 'redrawn'; got {self.scheme!r}")
        self._start_threshold(generator)

    def set_threshold(self, value: float) -> None:
        """Set the threshold of scheme "uniform", as for the inference sweep of the paper's Figure 3.

        Raises:
            ConfigError: if the layer has another scheme.
        """
        if self.scheme != "uniform" or self.threshold is None:
            raise ConfigError(f"set_threshold: expected a layer of scheme 'uniform'; got {self.scheme!r}")
        self.value = value
        with torch.no_grad():
            self.threshold.fill_(value)

    def pool(self, input: Tensor) -> Tensor:
        """The MAX branch f_MAX (N,C_out,H',W')."""
        kernel, stride, padding = (_pair(size) for size in (self.kernel_size, self.stride, self._pad))
        return max_branch(input, self.out_channels, kernel, stride, padding, self.matching)

    @property
    def _pad(self) -> tuple[int, int]:
        height, width = self.padding
        return int(height), int(width)

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to (N,C_in,H,W).

        Raises:
            ConfigError: if the input does not fit the stored thresholds.
        """
        if self.scheme == "conv":
            return super().forward(input)
        if self.scheme == "max":
            return self.pool(input)
        if self.threshold is not None:
            return self._switched(input, self.threshold)
        convolved, pooled = super().forward(input), self.pool(input)
        if self.scheme == "blend":
            return (pooled.to(convolved.dtype) + convolved) * 0.5
        return torch.where(self._mask(convolved), pooled.to(convolved.dtype), convolved)

    def _mask(self, output: Tensor) -> Tensor:
        """True where a unit pools: one draw for the whole batch."""
        share = torch.full((1, *output.shape[1:]), 0.5, device=output.device)
        return torch.bernoulli(share, generator=self.generator).bool()

    def _switched(self, input: Tensor, threshold: Tensor) -> Tensor:
        height, width = self.output_size((input.shape[2], input.shape[3]))
        if threshold.shape[2:] not in ((height, width), (1, 1)):
            raise ConfigError(
                f"expected an input of size {self.input_size}, for which the thresholds were made; got"
                f" {tuple(input.shape[2:])}; build the layer with input_size={tuple(input.shape[2:])}"
            )
        return flexible_conv2d(
            input,
            self.weight,
            self.bias,
            threshold,
            stride=_pair(self.stride),
            padding=self._pad,
            rule=self.rule,
            sharpness=self.sharpness,
            matching=self.matching,
        )

    def extra_repr(self) -> str:
        """Options in the printed form of a model."""
        value = "" if self.value is None else f", value={self.value}"
        return f"{super().extra_repr()}, scheme={self.scheme!r}, rule={self.rule!r}{value}"

    @classmethod
    def from_conv(
        cls, conv: nn.Conv2d, input_size: tuple[int, int], keep_weights: bool = True, **options: Any
    ) -> Self:
        """Build a flexible layer in the place of a convolution.

        Args:
            conv: the convolution to replace.
            input_size: height and width of what it is given.
            keep_weights: whether to take its weights and bias over.
            options: of the flexible layer.

        Raises:
            ConfigError: if the convolution has groups, dilation or a padding that a pool cannot share.
        """
        padding = _shared_padding(conv)
        layer = cls(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size,
            conv.stride,
            padding,
            input_size=input_size,
            bias=conv.bias is not None,
            device=conv.weight.device,
            dtype=conv.weight.dtype,
            **options,
        )
        if keep_weights:
            layer.load_state_dict({**layer.state_dict(), **conv.state_dict()})
        return layer.train(conv.training)


def _one_of(name: str, value: object, allowed: Any) -> None:
    if value not in allowed:
        raise ConfigError(f"{name}: expected one of {list(allowed)}; got {value!r}")


def _shared_padding(conv: nn.Conv2d) -> tuple[int, int]:
    """Padding of a convolution in numbers, if a max-pool can have the same geometry."""
    if conv.groups != 1 or tuple(conv.dilation) != (1, 1) or conv.padding_mode != "zeros":
        raise ConfigError(
            f"expected a convolution with groups=1, dilation=1 and zero padding; got {conv}; choose others"
        )
    if conv.padding == "same":
        if any(kernel % 2 == 0 for kernel in conv.kernel_size):
            raise ConfigError(f"expected an odd kernel for padding 'same'; got {conv}; choose others")
        return conv.kernel_size[0] // 2, conv.kernel_size[1] // 2
    if conv.padding == "valid":
        return 0, 0
    height, width = conv.padding
    return int(height), int(width)
