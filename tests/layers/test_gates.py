import math
import re
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from flexnet.errors import ConfigError
from flexnet.layers.functional import flexible_conv2d, gate, pair

NINE = torch.tensor([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]]).reshape(1, 1, 3, 3)


def plain_composition(
    x: Tensor, weight: Tensor, bias: Tensor, threshold: Tensor, rule: str, **window: int
) -> Tensor:
    """Eq. (1) written down directly, with PyTorch's own operations."""
    f_max = F.max_pool2d(x, weight.shape[2], window.get("stride", 1), window.get("padding", 0))
    f_conv = F.conv2d(x, weight, bias, **window)
    z = 50 * (threshold - f_max) * (1 if rule == "below" else -1)
    return torch.sigmoid(z) * f_max + torch.sigmoid(-z) * f_conv


@pytest.mark.parametrize(
    ("threshold", "rule", "expected"),
    [
        # max 0.9; convolution with weights 1 and bias 1: 4.5 + 1 = 5.5
        (2.0, "below", 0.9),  # 0.9 < T: MAX
        (0.0, "below", 5.5),  # 0.9 > T: convolution
        (2.0, "above", 5.5),
        (0.0, "above", 0.9),
        (0.9, "below", 3.2),  # at the threshold both count half
        (0.9, "above", 3.2),
        # z = 50 * 0.02 = 1, g = 1 / (1 + e^-1) = 0.7310586
        (0.92, "below", 0.7310586 * 0.9 + 0.2689414 * 5.5),
        (0.92, "above", 0.2689414 * 0.9 + 0.7310586 * 5.5),
    ],
)
def test_one_window_by_hand(threshold: float, rule: str, expected: float) -> None:
    weight, bias = torch.ones(1, 1, 3, 3), torch.ones(1)
    output = flexible_conv2d(NINE, weight, bias, torch.full((1, 1, 1, 1), threshold), rule=rule)
    assert output.shape == (1, 1, 1, 1)
    assert output.item() == pytest.approx(expected, abs=1e-5)


def test_gate_values_by_hand() -> None:
    f_max = torch.tensor([0.0, 0.1, 0.5])
    expected = [0.5, 1 / (1 + math.exp(5)), 1 / (1 + math.exp(25))]
    torch.testing.assert_close(gate(f_max, torch.zeros(1)), torch.tensor(expected), rtol=1e-5, atol=0)


@given(st.floats(-5, 5), st.floats(-5, 5), st.sampled_from([1.0, 10.0, 50.0]))
def test_gates_of_both_rules_are_complements(f_max: float, threshold: float, sharpness: float) -> None:
    operands = torch.tensor([f_max]), torch.tensor([threshold])
    below, above = (gate(*operands, rule, sharpness) for rule in ("below", "above"))
    assert (below + above).item() == pytest.approx(1, abs=1e-6)
    assert 0 <= below.item() <= 1


def test_closed_gate_keeps_its_digits_where_one_minus_g_has_none() -> None:
    closed = gate(torch.tensor([1.0]), torch.zeros(1))
    opened = gate(torch.tensor([1.0]), torch.zeros(1), "above")
    assert closed.item() == pytest.approx(math.exp(-50), rel=1e-3)
    assert (1 - opened).item() == 0


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 1000),
    st.sampled_from(["below", "above"]),
    st.sampled_from([0, 1]),
    st.sampled_from([1, 2]),
)
def test_output_lies_between_the_branches(seed: int, rule: str, padding: int, stride: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(3, 2, 6, 7, generator=generator)
    weight = torch.randn(2, 2, 3, 3, generator=generator)
    conv = F.conv2d(x, weight, None, stride, padding)
    pool = F.max_pool2d(x, 3, stride, padding)
    threshold = torch.randn(1, *conv.shape[1:], generator=generator)
    y = flexible_conv2d(x, weight, None, threshold, stride=stride, padding=padding, rule=rule)
    slack = 1e-5
    assert (y >= torch.minimum(conv, pool) - slack).all()
    assert (y <= torch.maximum(conv, pool) + slack).all()


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("rule", ["below", "above"])
@pytest.mark.parametrize(("padding", "stride"), [(0, 1), (1, 1), (1, 2)])
@pytest.mark.parametrize("shape", ["unit", "channel", "scalar"])
def test_gradients_equal_those_of_the_composition(
    memory: torch.memory_format, rule: str, padding: int, stride: int, shape: str
) -> None:
    torch.manual_seed(0)
    x = torch.randn(5, 4, 7, 8, dtype=torch.float64).contiguous(memory_format=memory)
    weight = torch.randn(4, 4, 3, 3, dtype=torch.float64)
    window = {"padding": padding, "stride": stride}
    unit = F.conv2d(x, weight, **window).shape[1:]
    sizes = {"unit": (1, *unit), "channel": (1, 4, 1, 1), "scalar": (1, 1, 1, 1)}[shape]
    # Thresholds close to the pooled values (about 1.5), so that many gates are half open.
    threshold = 1.5 + 0.1 * torch.randn(sizes, dtype=torch.float64)
    operands = [t.requires_grad_() for t in (x, weight, torch.randn(4, dtype=torch.float64), threshold)]
    expected = plain_composition(*operands, rule, **window)
    actual = flexible_conv2d(*operands, rule=rule, **window)
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)
    grad = torch.randn_like(expected)
    for ours, theirs in zip(
        torch.autograd.grad(actual, operands, grad),
        torch.autograd.grad(expected, operands, grad),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_many_chunks_give_what_one_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    operands = [torch.randn(7, 2, 6, 6), torch.randn(2, 2, 3, 3), torch.randn(2), torch.randn(1, 2, 4, 4)]
    for operand in operands:
        operand.requires_grad_()

    def result() -> tuple[Tensor, ...]:
        y = flexible_conv2d(*operands)
        return (y, *torch.autograd.grad(y.square().sum(), operands))

    whole = result()
    monkeypatch.setattr("flexnet.layers.chunks.CHUNK_BYTES", 2 * 2 * 36 * 4)  # two images a chunk, one left
    for once, pieces in zip(whole, result(), strict=True):
        torch.testing.assert_close(pieces, once)


@pytest.mark.parametrize("rule", ["below", "above"])
def test_first_and_second_derivatives_numerically(rule: str) -> None:
    torch.manual_seed(0)
    shapes = [(2, 2, 4, 5), (2, 2, 3, 3), (2,), (1, 2, 4, 5)]
    operands = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in shapes]

    def layer(*tensors: Tensor) -> Tensor:
        return flexible_conv2d(*tensors, padding=1, rule=rule, sharpness=2.0)

    assert torch.autograd.gradcheck(layer, operands)
    assert torch.autograd.gradgradcheck(layer, operands)


def test_threshold_gradient_is_s_g_h_times_the_difference_of_the_branches() -> None:
    threshold = torch.full((1, 1, 1, 1), 0.92, requires_grad=True)
    flexible_conv2d(NINE, torch.ones(1, 1, 3, 3), torch.ones(1), threshold).backward()
    assert threshold.grad is not None
    assert threshold.grad.item() == pytest.approx(50 * 0.7310586 * 0.2689414 * (0.9 - 5.5), rel=1e-4)


def test_threshold_gradient_survives_where_the_gate_is_rounded_to_one() -> None:
    # z = 20: g is 1 in float32 and g (1 - g) is 0, but h = e^-20 still carries the derivative.
    threshold = torch.full((1, 1, 1, 1), 1.3, requires_grad=True)
    flexible_conv2d(NINE, torch.ones(1, 1, 3, 3), torch.ones(1), threshold).backward()
    assert threshold.grad is not None
    assert threshold.grad.item() == pytest.approx(50 * math.exp(-20) * (0.9 - 5.5), rel=1e-4)


def test_input_gradient_alone_computes_no_other() -> None:
    torch.manual_seed(0)
    operands = [torch.randn(2, 2, 5, 5), torch.randn(2, 2, 3, 3), torch.randn(1, 2, 3, 3)]

    def grads_and_sums(count: int) -> tuple[tuple[Tensor, ...], int]:
        """Gradients of the first operands, and how often PyTorch summed on the way."""
        x, weight, threshold = (t.requires_grad_(i < count) for i, t in enumerate(operands))
        with torch.profiler.profile() as profile:
            loss = flexible_conv2d(x, weight, None, threshold).sum()
            grads = torch.autograd.grad(loss, operands[:count])
        return grads, sum(event.name == "aten::sum" for event in profile.events() or [])

    together, sums_together = grads_and_sums(3)
    (alone,), sums_alone = grads_and_sums(1)
    assert (sums_alone, sums_together) == (1, 2)  # the loss; the sum over images is the threshold's
    torch.testing.assert_close(alone, together[0])


def test_torch_func_gets_ordinary_operations() -> None:
    torch.manual_seed(0)
    x, weight, threshold = torch.randn(3, 2, 5, 5), torch.randn(2, 2, 3, 3), torch.randn(1, 2, 3, 3)

    def loss(threshold: Tensor, image: Tensor) -> Tensor:
        return flexible_conv2d(image[None], weight, None, threshold).square().sum()

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(threshold, x)
    threshold.requires_grad_()
    (total,) = torch.autograd.grad(flexible_conv2d(x, weight, None, threshold).square().sum(), threshold)
    torch.testing.assert_close(each.sum(0), total, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_input_has_a_gate_in_single_precision(dtype: torch.dtype) -> None:
    share = gate(torch.zeros(1, dtype=dtype), torch.full((1,), 0.25, dtype=dtype))
    assert share.dtype == torch.float32
    assert 0 < 1 - share.item() < 1e-5  # 12.5 in the sigmoid: both half types would round to 1
    y = flexible_conv2d(NINE.to(dtype), torch.ones(1, 1, 3, 3, dtype=dtype), None, torch.zeros(1, 1, 1, 1))
    assert y.dtype == dtype


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (3, (3, 3)),
        ((3, 4), (3, 4)),
        ([3, 4], (3, 4)),
        (torch.Size((3, 4)), (3, 4)),
        (np.int64(8), (8, 8)),
        ((np.int64(8), 2), (8, 2)),
    ],
)
def test_sizes_are_one_whole_number_or_two(size: Any, expected: tuple[int, int]) -> None:
    found = pair(size)
    assert found == expected
    assert [type(side) for side in found] == [int, int]


@pytest.mark.parametrize("size", ["32", (3, 32, 32), (3,), True, (True, 3), 3.0, (3.5, 1), ("3", "2"), None])
def test_other_sizes_are_refused(size: Any) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"(vertical, horizontal); got {size!r}")):
        pair(size)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ConfigError, match="rule out of"):
        gate(torch.zeros(1), torch.zeros(1), "beyond")
    for wrong in (-1, 0, math.inf, math.nan):
        with pytest.raises(ConfigError, match=f"finite positive sharpness; got {wrong}"):
            gate(torch.zeros(1), torch.zeros(1), "below", wrong)
        with pytest.raises(ConfigError, match=f"finite positive sharpness; got {wrong}"):
            flexible_conv2d(
                NINE, torch.ones(1, 1, 3, 3), None, torch.full((1, 1, 1, 1), 0.9), sharpness=wrong
            )
    with pytest.raises(ConfigError, match=r"at most half the window; got padding \(2, 2\)"):
        flexible_conv2d(NINE, torch.ones(1, 1, 3, 3), None, torch.zeros(1, 1, 1, 1), padding=2)
