"""The push-pull layer against its definition written down number by number, and its identities."""

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers import PushPullConv2d, convert, enlarging, push_pull_conv2d
from flexnet.layers.enlarging import enlarge, enlarged_size
from flexnet.layers.inhibiting import _difference, inhibited
from flexnet.layers.registry import convolution
from flexnet.networks import build
from flexnet.options.layer import kinds, layer_problems

DOUBLE = torch.float64


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def stretched(kernel: Any, size: int) -> Any:
    """A square kernel read at the coordinates a (s - 1) / (s' - 1), between its entries in proportion."""
    side = len(kernel)
    found = np.zeros((size, size))
    for row in range(size):
        for column in range(size):
            y, x = (at * (side - 1) / (size - 1) for at in (row, column))
            top, left = min(int(y), side - 2), min(int(x), side - 2)
            down, right = y - top, x - left
            found[row, column] = (
                (1 - down) * (1 - right) * kernel[top, left]
                + (1 - down) * right * kernel[top, left + 1]
                + down * (1 - right) * kernel[top + 1, left]
                + down * right * kernel[top + 1, left + 1]
            )
    return found


def correlated(image: Any, kernels: Any, padding: int, stride: int, groups: int) -> Any:
    """Correlation of (C, H, W) with (C', C / groups, s, s) and zeros around, window by window."""
    padded = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
    side, inner, outer = kernels.shape[-1], kernels.shape[1], len(kernels)
    rows, columns = ((extent - side) // stride + 1 for extent in padded.shape[1:])
    found = np.zeros((outer, rows, columns))
    for unit in range(outer):
        first = unit // (outer // groups) * inner
        for row in range(rows):
            for column in range(columns):
                y, x = row * stride, column * stride
                window = padded[first : first + inner, y : y + side, x : x + side]
                found[unit, row, column] = (window * kernels[unit]).sum()
    return found


@pytest.mark.parametrize(
    ("side", "h", "size"),
    [(3, 1, 3), (3, 1.5, 5), (3, 2, 7), (3, 3, 9), (5, 1, 5), (5, 1.5, 7), (5, 2, 11), (7, 2, 15), (1, 2, 3)],
)
def test_sides_of_pull_kernels_are_those_of_the_formula(side: int, h: float, size: int) -> None:
    assert enlarged_size(side, h) == size


@pytest.mark.parametrize(("side", "size"), [(3, 5), (3, 7), (3, 9), (5, 7), (5, 11), (7, 15)])
def test_kernels_are_stretched_with_their_corners_in_place_and_not_normalised(side: int, size: int) -> None:
    kernels = drawn(2, 3, side, side)
    found = enlarge(kernels, size)
    for out, of in np.ndindex(2, 3):
        np.testing.assert_allclose(found[out, of], stretched(kernels[out, of].numpy(), size), atol=1e-12)
    assert torch.equal(found[..., :: size - 1, :: size - 1], kernels[..., :: side - 1, :: side - 1])
    assert float(enlarge(torch.ones(1, 1, side, side), size).sum()) == pytest.approx(size**2)


@pytest.mark.parametrize(
    ("side", "h", "options"),
    [
        (3, 2.0, {}),
        (3, 2.0, {"padding": 1}),
        (3, 1.5, {"padding": 2, "stride": 2, "bias": True}),
        (5, 2.0, {"padding": 0, "groups": 2}),
        (5, 1.5, {"padding": 2, "bias": True, "groups": 2, "stride": 3}),
        (7, 1.0, {"padding": 3, "bias": True}),
        (1, 2.0, {"padding": 0}),
        (3, 3.0, {"padding": (1, 1)}),
    ],
)
@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
def test_the_layer_is_its_definition(side: int, h: float, options: dict[str, Any], alpha: float) -> None:
    layer = PushPullConv2d(4, 6, side, alpha=alpha, h=h, dtype=DOUBLE, **options)
    size = enlarged_size(side, h)
    image = drawn(4, 11, 11)
    pad = options.get("padding", 0)
    pad = pad if isinstance(pad, int) else pad[0]
    rule = (options.get("stride", 1), options.get("groups", 1))
    push_kernels = layer.weight.detach().numpy()
    pull_kernels = np.zeros((*push_kernels.shape[:2], size, size))
    for place in np.ndindex(*push_kernels.shape[:2]):
        kernel = push_kernels[place]
        pull_kernels[place] = -(np.full((size, size), kernel[0, 0]) if side == 1 else stretched(kernel, size))
    bias = np.zeros(6) if layer.bias is None else layer.bias.detach().numpy()
    push = correlated(image.numpy(), push_kernels, pad, *rule) + bias[:, None, None]
    pull = correlated(image.numpy(), pull_kernels, size // 2 - side // 2 + pad, *rule) - bias[:, None, None]
    expected = np.maximum(push, 0) - alpha * np.maximum(pull, 0)
    assert (expected < 0).any() == (alpha > 0)
    found = layer(image[None])
    np.testing.assert_allclose(found[0].detach().numpy(), expected, atol=1e-12)
    torch.testing.assert_close(layer(image), found[0])
    np.testing.assert_allclose(layer.pull_weight().detach().numpy(), pull_kernels, atol=1e-12)


def response(input: Tensor, weight: Tensor, **options: Any) -> Tensor:
    return push_pull_conv2d(input, weight, padding=1, **options)


IMAGES, KERNELS = drawn(2, 3, 9, 9), drawn(4, 3, 3, 3, seed=1)


@pytest.mark.parametrize("bias", [None, drawn(4, seed=2)])
def test_without_enlargement_and_with_full_strength_it_is_the_convolution(bias: Tensor | None) -> None:
    found = response(IMAGES, KERNELS, bias=bias, h=1.0)
    assert torch.equal(found, F.conv2d(IMAGES, KERNELS, bias, padding=1))


@pytest.mark.parametrize("alpha", [0.0, 0.3, 2.0])
def test_without_enlargement_it_is_a_leaky_rectifier(alpha: float) -> None:
    convolved = F.conv2d(IMAGES, KERNELS, padding=1)
    torch.testing.assert_close(response(IMAGES, KERNELS, h=1.0, alpha=alpha), F.leaky_relu(convolved, alpha))


def test_without_strength_it_is_a_rectified_convolution() -> None:
    assert torch.equal(response(IMAGES, KERNELS, alpha=0.0), F.conv2d(IMAGES, KERNELS, padding=1).relu())


def test_without_bias_it_is_positively_homogeneous_in_images_and_in_kernels() -> None:
    once = response(IMAGES, KERNELS)
    torch.testing.assert_close(response(3.5 * IMAGES, KERNELS), 3.5 * once)
    torch.testing.assert_close(response(IMAGES, 3.5 * KERNELS), 3.5 * once)
    assert not torch.allclose(response(-IMAGES, KERNELS), -once)


def test_a_negated_kernel_exchanges_what_is_rectified() -> None:
    wide = F.conv2d(IMAGES, enlarge(KERNELS, 7), padding=3)
    push = F.conv2d(IMAGES, KERNELS, padding=1)
    expected = (-push).relu() - 0.7 * wide.relu()
    torch.testing.assert_close(response(IMAGES, -KERNELS, alpha=0.7), expected)


def test_it_moves_with_the_image_but_for_a_border_as_wide_as_half_the_pull() -> None:
    wide = drawn(1, 3, 24, 24)
    here, there = response(wide, KERNELS), response(wide.roll((2, 3), (2, 3)), KERNELS)
    inner = (slice(None), slice(None), slice(3, -6), slice(3, -6))
    moved = there.roll((-2, -3), (2, 3))
    torch.testing.assert_close(here[inner], moved[inner])
    assert not torch.allclose(here, moved)


def test_a_constant_kernel_is_pulled_by_the_area_of_its_enlargement() -> None:
    layer = PushPullConv2d(1, 1, 3, dtype=DOUBLE)
    nn.init.constant_(layer.weight, -1.0)
    found = layer(torch.ones(1, 1, 9, 9, dtype=DOUBLE)).detach()
    assert float(found[0, 0, 3, 3]) == pytest.approx(-49.0)


# --- gradients ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("alpha", [0.4, drawn(1, 5, 1, 1, seed=8)])
@pytest.mark.parametrize("images", [1, 60])
def test_the_difference_in_pieces_is_that_of_ordinary_operations(
    images: int, alpha: float | Tensor, memory: torch.memory_format
) -> None:
    push, pull, grad = (drawn(images, 5, 31, 30, seed=each).to(memory_format=memory) for each in range(3))
    found, expected = [], []
    for results, function in ((found, inhibited), (expected, _difference)):
        operands = [each.clone().requires_grad_() for each in (push, pull)]
        if isinstance(alpha, Tensor):
            operands.append(alpha.clone().requires_grad_())
        scale = torch.relu(operands[2]) if function is _difference and len(operands) > 2 else operands[-1]
        output = function(*operands[:2], scale if len(operands) > 2 else alpha)  # type: ignore[operator]
        results += [output, *torch.autograd.grad(output, operands, grad)]
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("h", [1.0, 2.0])
def test_without_gradients_the_same_numbers_come_and_the_input_stays(h: float) -> None:
    images = drawn(60, 3, 31, 30)
    kept = images.clone()
    layer = PushPullConv2d(3, 4, 3, padding=1, h=h, alpha=0.7, dtype=DOUBLE)
    expected = layer(images).detach()
    with torch.no_grad():
        assert torch.equal(layer(images), expected)
    with torch.inference_mode():
        assert torch.equal(layer(images), expected)
    assert torch.equal(images, kept)


def test_an_input_that_does_not_fit_is_refused_as_a_convolution_refuses_it() -> None:
    layer = PushPullConv2d(3, 4, 5)
    for wrong in (torch.rand(2, 4, 9, 9), torch.rand(2, 3, 3, 3), torch.rand(9)):
        with pytest.raises((RuntimeError, IndexError)):
            layer(wrong)
    assert layer(torch.rand(0, 3, 9, 9)).shape == (0, 4, 5, 5)


@pytest.mark.parametrize("alpha", [0.7, "learned"])
def test_gradients_of_all_orders_are_those_of_differences(alpha: float | str) -> None:
    layer = PushPullConv2d(2, 3, 3, padding=1, bias=True, alpha=alpha, dtype=DOUBLE)
    image = drawn(1, 2, 5, 5).requires_grad_()
    operands = [image, *layer.parameters()]
    names = [name for name, _ in layer.named_parameters()]

    def call(input: Tensor, *values: Tensor) -> Tensor:
        found: Tensor = torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (input,))
        return found

    assert torch.autograd.gradcheck(call, operands, eps=1e-7, atol=1e-5)
    assert torch.autograd.gradgradcheck(call, operands, eps=1e-7, atol=1e-4)


def test_the_kernel_learns_by_both_branches() -> None:
    kernels = KERNELS.clone().requires_grad_()
    found = torch.autograd.grad(response(IMAGES, kernels).sum(), kernels)[0]
    push = F.conv2d(IMAGES, kernels, padding=1).relu()
    by_push = torch.autograd.grad(push.sum(), kernels)[0]
    pull = F.conv2d(IMAGES, -F.interpolate(kernels, (7, 7), mode="bilinear", align_corners=True), padding=3)
    by_pull = torch.autograd.grad(-pull.relu().sum(), kernels)[0]
    torch.testing.assert_close(found, by_push + by_pull)
    assert bool(by_pull.any())


def test_the_module_learns_as_the_function_does() -> None:
    layer = PushPullConv2d(3, 4, 3, padding=1, dtype=DOUBLE)
    layer(IMAGES).square().sum().backward()
    kernels = layer.weight.detach().clone().requires_grad_()
    (expected,) = torch.autograd.grad(response(IMAGES, kernels).square().sum(), kernels)
    assert layer.weight.grad is not None
    torch.testing.assert_close(layer.weight.grad, expected)


# --- learned strength --------------------------------------------------------------------------------


def test_a_learned_strength_is_one_for_each_kernel_and_starts_around_one_half() -> None:
    torch.manual_seed(0)
    layer = PushPullConv2d(3, 16, 3, alpha="learned")
    alpha = layer.alpha
    assert isinstance(alpha, nn.Parameter)
    assert alpha.shape == (1, 16, 1, 1)
    reach, before = 1 / math.sqrt(48), alpha.detach().clone()
    assert float(before.min()) >= 0.5 - reach
    assert float(before.max()) <= 0.5 + reach
    assert float(before.max() - before.min()) > reach
    assert list(layer.state_dict()) == ["weight", "alpha"]
    torch.manual_seed(0)
    assert torch.equal(PushPullConv2d(3, 16, 3).weight, layer.weight)  # which is drawn first
    layer.reset_parameters()
    assert not torch.equal(alpha, before)


def test_a_negative_strength_counts_as_none_and_does_not_learn() -> None:
    layer = PushPullConv2d(3, 4, 3, padding=1, alpha="learned", dtype=DOUBLE)
    assert isinstance(layer.alpha, nn.Parameter)
    with torch.no_grad():
        layer.alpha.copy_(torch.tensor([-0.5, 0.5, -2.0, 1.0]).view(1, 4, 1, 1))
    found = layer(IMAGES)
    expected = response(IMAGES, layer.weight, alpha=torch.tensor([0, 0.5, 0, 1]).view(1, 4, 1, 1).double())
    torch.testing.assert_close(found, expected)
    found.sum().backward()
    assert layer.alpha.grad is not None
    assert (layer.alpha.grad.flatten() != 0).tolist() == [False, True, False, True]


# --- how often kernels are enlarged ------------------------------------------------------------------


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sides to which kernels were enlarged, one after the other."""
    seen: list[int] = []

    def counting(weight: Tensor, size: int) -> Tensor:
        seen.append(size)
        return enlarge(weight, size)

    monkeypatch.setattr(enlarging, "enlarge", counting)
    return seen


def test_kernels_are_enlarged_once_as_long_as_they_stay(count: list[int]) -> None:
    layer = PushPullConv2d(3, 4, 3, padding=1)
    images = IMAGES.float()
    with torch.inference_mode():
        outputs = [layer(images) for _ in range(3)]
    assert count == [7]
    assert torch.equal(outputs[0], outputs[2])
    for _ in range(3):  # gradients add up over batches
        layer(images).sum().backward()
    assert count.count(7) == 1 + 3  # once, and once in each backward pass
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.1, fused=True)
    optimiser.step()
    fresh = copy.deepcopy(layer)
    assert torch.equal(layer(images), fresh(images))


@pytest.mark.parametrize("how", ["data", "load", "set", "double"])
def test_other_weights_are_seen_however_they_came(how: str) -> None:
    layer = PushPullConv2d(3, 4, 3, padding=1)
    images = IMAGES.float()
    before = layer(images)
    if how == "data":
        layer.weight.data.mul_(-1)
    elif how == "load":
        layer.load_state_dict({"weight": -layer.weight.detach()})
    elif how == "set":
        layer.weight = nn.Parameter(-layer.weight.detach())
    else:
        layer, images = layer.double(), images.double()
    found = layer(images)
    torch.testing.assert_close(found, response(images, layer.weight))
    assert (how == "double") == torch.allclose(found.float(), before, atol=1e-5)


def test_a_copy_holds_nothing_but_parameters(count: list[int]) -> None:
    layer = PushPullConv2d(3, 4, 3, padding=1)
    fresh = len(pickle.dumps(layer))
    layer(IMAGES.float())
    assert len(pickle.dumps(layer)) == fresh


# --- arguments, and its place in models --------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": -0.1}, "alpha: expected a number of 0 or more, or 'learned'; got -0.1"),
        ({"alpha": "lerned"}, "alpha: expected .* got 'lerned'; did you mean 'learned'"),
        ({"alpha": True}, "alpha: expected"),
        ({"alpha": float("nan")}, "alpha: expected"),
        ({"h": 0.5}, "h: expected a number of at least 1; got 0.5"),
        ({"dilation": 2}, "expected the dilation 1; got 2"),
        ({"padding": "same"}, "expected the padding as one or two integers; got 'same'"),
        ({"kernel_size": 4}, "square kernel with an odd side; got 4 x 4"),
        ({"kernel_size": (3, 5)}, "square kernel with an odd side; got 3 x 5"),
    ],
)
def test_what_the_layer_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PushPullConv2d(3, 4, **{"kernel_size": 3, **arguments})


def test_the_function_refuses_kernels_that_have_no_centre() -> None:
    with pytest.raises(ConfigError, match="odd side; got 2 x 2"):
        push_pull_conv2d(IMAGES, drawn(4, 3, 2, 2))
    for wrong in (
        *({"h": h} for h in (0.5, math.nan, math.inf)),
        *({"alpha": alpha} for alpha in (-1.0, math.nan, math.inf)),
    ):
        with pytest.raises(ConfigError, match="at least 1 and an alpha of 0 or more, both finite; got h"):
            response(IMAGES, KERNELS, **wrong)


def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=4, padding="same")
    )


def test_it_takes_the_place_of_convolutions_with_their_weights() -> None:
    plain = model()
    twin = convert(plain, PushPullConv2d, where="*", alpha=0.5)
    for place in (0, 2):
        assert isinstance(twin[place], PushPullConv2d)
        assert torch.equal(twin[place].weight, plain[place].weight)
        assert torch.equal(twin[place].bias, plain[place].bias)
        assert twin[place].groups == plain[place].groups
    images = IMAGES.float()
    assert twin(images).shape == plain(images).shape
    assert not torch.allclose(twin(images), plain(images))
    same = convert(plain, PushPullConv2d, where="*", h=1)  # identity: the convolution itself
    torch.testing.assert_close(same(images), plain(images))
    assert torch.equal(twin[0].plain()(images), plain[0](images))
    with pytest.raises(ConfigError, match="is already a PushPullConv2d"):
        convert(twin, PushPullConv2d, where=0)


@pytest.mark.parametrize(
    ("conv", "message"),
    [
        (nn.Conv2d(3, 4, 3, dilation=2), "dilation"),
        (nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), "padding_mode 'zeros'; got 'reflect'"),
        (nn.Conv2d(3, 4, 2), "odd side"),
    ],
)
def test_convolutions_that_it_cannot_stand_for_are_refused(conv: nn.Conv2d, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        convert(nn.Sequential(conv), PushPullConv2d, where=0)


def test_it_is_a_kind_of_layer_of_every_network() -> None:
    assert "pushpull" in kinds()
    made = convolution({"kind": "pushpull", "alpha": 0.5}, 3, 4, 3, padding=1, bias=False, input_size=8)
    assert isinstance(made, PushPullConv2d)
    assert made.alpha == 0.5
    network = build("vgg16", width=0.05, flexible="single", layer={"kind": "pushpull"})
    assert sum(isinstance(module, PushPullConv2d) for module in network.modules()) == 1
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 10)
    assert [str(each) for each in layer_problems({"kind": "pushpull", "alhpa": 1})] == [
        "unknown key 'alhpa'; expected keys among ['alpha', 'bias', 'h']; did you mean 'alpha'?"
    ]


def test_its_name_says_what_it_is() -> None:
    assert PushPullConv2d(3, 4, 3).title == "push-pull"
    assert repr(PushPullConv2d(3, 4, 3, alpha="learned")).endswith("bias=False, alpha=learned, h=2)")
