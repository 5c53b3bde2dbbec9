"""Dilation, groups and padding modes of a Flexible Layer: both branches see the same pixels."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers import FlexibleConv2d, convert, flexible_conv2d
from flexnet.layers.twins import twin

ARGUMENTS: dict[str, dict[str, Any]] = {
    "dilation": {"dilation": 2},
    "two dilations": {"dilation": (3, 1), "padding": (2, 1)},
    "dilation and stride": {"dilation": 2, "stride": 2, "padding": 2},
    "groups": {"groups": 2},
    "depthwise": {"groups": 6},
    "groups and dilation": {"groups": 3, "dilation": 2, "padding": 1},
    **{mode: {"padding_mode": mode, "padding": 2} for mode in ("reflect", "replicate", "circular")},
    "reflect, strided": {"padding_mode": "reflect", "padding": (2, 1), "stride": (1, 2)},
}
CHANNELS = {"groups": ((6, 6), (6, 2), (6, 8))}
X = torch.randn(2, 6, 11, 13, generator=torch.Generator().manual_seed(3)).double()


def windows(conv: nn.Conv2d, images: Tensor) -> Tensor:
    """The pixels of each window (N, C, k k, L), by another way than any pool: each is cut out."""
    (rows, columns), (down, right) = conv.padding, conv.stride
    mode = "constant" if conv.padding_mode == "zeros" else conv.padding_mode
    fill = {"value": -torch.inf} if mode == "constant" else {}
    padded = F.pad(images, (columns, columns, rows, rows), mode=mode, **fill)
    height, width = conv(images).shape[-2:]
    reach = [(size, step) for size, step in zip(conv.kernel_size, conv.dilation, strict=True)]
    taps = [
        padded[:, :, i * reach[0][1] :, j * reach[1][1] :][:, :, ::down, ::right][:, :, :height, :width]
        for i in range(reach[0][0])
        for j in range(reach[1][0])
    ]
    return torch.stack(taps, 2)


def expected_max(conv: nn.Conv2d, images: Tensor) -> Tensor:
    """Of each output channel j the maximum of channel j mod C/g of its group, or over those that share it."""
    own, outputs = conv.in_channels // conv.groups, conv.out_channels // conv.groups
    pooled = windows(conv, images).amax(2)
    found = []
    for group in range(conv.groups):
        part = pooled[:, group * own : (group + 1) * own]
        for output in range(outputs):
            sources = [output % own] if outputs >= own else list(range(output, own, outputs))
            found.append(part[:, sources].amax(1))
    return torch.stack(found, 1)


@pytest.mark.parametrize("out_channels", [6, 12])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_both_branches_see_the_same_pixels(name: str, out_channels: int) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(6, out_channels, 3, **ARGUMENTS[name]).double()
    for scheme, expected in (("max", expected_max(conv, X)), ("conv", conv(X))):
        assert torch.equal(twin(FlexibleConv2d, conv, None, scheme=scheme)(X), expected), scheme
    uniform = twin(FlexibleConv2d, conv, None, scheme="uniform", value=0.4)
    share = torch.sigmoid(50 * (0.4 - expected_max(conv, X)))
    torch.testing.assert_close(uniform(X), share * expected_max(conv, X) + (1 - share) * conv(X))
    assert torch.equal(uniform.plain()(X), conv(X))


@pytest.mark.parametrize("out_channels", [2, 4])
def test_fewer_outputs_than_inputs_in_a_group(out_channels: int) -> None:
    conv = nn.Conv2d(6, out_channels, 3, groups=2).double()
    assert torch.equal(twin(FlexibleConv2d, conv, None, scheme="max")(X), expected_max(conv, X))


@pytest.mark.parametrize("name", ARGUMENTS)
def test_thresholds_per_unit_have_the_shape_of_the_output(name: str) -> None:
    conv = nn.Conv2d(6, 6, 3, **ARGUMENTS[name]).double()
    layer = twin(FlexibleConv2d, conv, (11, 13), scheme="learned")
    assert layer.threshold is not None
    assert layer.threshold.shape == conv(X)[:1].shape
    assert layer(X).shape == conv(X).shape


@pytest.mark.parametrize("name", ["dilation", "two dilations", "groups and dilation"])
def test_gradients_equal_those_of_ordinary_operations(name: str) -> None:
    conv = nn.Conv2d(6, 6, 3, **ARGUMENTS[name]).double()
    layer = twin(FlexibleConv2d, conv, None, scheme="max")
    ours, theirs = X.clone().requires_grad_(), X.clone().requires_grad_()
    layer(ours).square().sum().backward()
    rows, columns = conv.padding
    padded = F.pad(theirs, (columns, columns, rows, rows), value=-torch.inf)
    F.max_pool2d(padded, 3, 1, 0, conv.dilation).square().sum().backward()
    assert torch.equal(ours.grad, theirs.grad)  # type: ignore[arg-type]


def test_the_function_has_them_as_well() -> None:
    conv = nn.Conv2d(6, 12, 3, padding=2, dilation=2, groups=3).double()
    layer = twin(FlexibleConv2d, conv, None, scheme="uniform", value=0.1)
    found = flexible_conv2d(
        X, conv.weight, conv.bias, torch.tensor(0.1, dtype=torch.float64), padding=2, dilation=2, groups=3
    )
    assert torch.equal(layer(X), found)


def test_the_padding_is_measured_against_the_whole_window() -> None:
    assert FlexibleConv2d(1, 1, 3, padding=2, dilation=2, scheme="max")(torch.zeros(1, 1, 5, 5)).shape[2] == 5
    with pytest.raises(
        ConfigError, match=r"padding \(3, 3\) with kernel size \(3, 3\) and dilation \(2, 2\)"
    ):
        FlexibleConv2d(1, 1, 3, padding=3, dilation=2, scheme="max")


@pytest.mark.parametrize(("size", "dilation"), [(3, 1), (3, 2), (2, 2), (5, 3)])
def test_same_padding_is_that_of_torch(size: int, dilation: int) -> None:
    conv = nn.Conv2d(6, 6, size, padding="same", dilation=dilation).double()
    assert torch.equal(twin(FlexibleConv2d, conv, None, scheme="conv")(X), conv(X))


def test_a_dilated_network_is_converted_whole() -> None:
    model = nn.Sequential(nn.Conv2d(6, 6, 3, dilation=2, groups=2), nn.ReLU(), nn.Conv2d(6, 4, 3)).double()
    flexible = convert(model, FlexibleConv2d, where="*", scheme="uniform", value=-1e9)
    assert torch.equal(flexible(X), model(X))
