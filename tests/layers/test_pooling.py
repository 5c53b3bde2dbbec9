import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from flexnet.layers.pooling import max_pool

SIZES = st.tuples(st.integers(1, 5), st.integers(1, 5))


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    images=st.integers(0, 3),
    channels=st.integers(1, 4),
    kernel_size=SIZES,
    padded=st.booleans(),
    stride=st.sampled_from([(1, 1), (2, 1)]),
    dilation=st.sampled_from([(1, 1), (2, 1), (1, 3)]),
    memory=st.sampled_from([torch.contiguous_format, torch.channels_last]),
)
def test_values_and_gradients_equal_those_of_torch_ties_included(
    seed: int,
    images: int,
    channels: int,
    kernel_size: tuple[int, int],
    padded: bool,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    memory: torch.memory_format,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    # Three values only: nearly every window has ties. Integers: sums are exact in any order.
    x = torch.randint(-1, 2, (images, channels, 9, 13), generator=generator).float()
    x = x.contiguous(memory_format=memory).requires_grad_()
    padding = (kernel_size[0] // 2, kernel_size[1] // 2) if padded else (0, 0)
    ours = max_pool(x, kernel_size, stride, padding, dilation)
    theirs = F.max_pool2d(x, kernel_size, stride, padding, dilation)
    assert torch.equal(ours, theirs)
    grad = torch.randint(-3, 4, ours.shape, generator=generator).float()
    (grad_ours,) = torch.autograd.grad(ours, x, grad)
    (grad_theirs,) = torch.autograd.grad(theirs, x, grad)
    assert torch.equal(grad_ours, grad_theirs)


def test_a_slice_of_a_larger_tensor_is_pooled_as_itself() -> None:
    x = torch.arange(2 * 4 * 6 * 6.0).reshape(2, 4, 6, 6)[1:, ::2, 1:, :5]
    assert torch.equal(max_pool(x, (3, 3)), F.max_pool2d(x, 3, 1))


def test_padding_is_minus_infinity_not_zero() -> None:
    assert torch.equal(max_pool(-torch.ones(1, 1, 3, 3), (3, 3), (1, 1), (1, 1)), -torch.ones(1, 1, 3, 3))


def test_not_a_number_is_passed_on() -> None:
    x = torch.zeros(1, 1, 3, 4)
    x[0, 0, 0, 0] = torch.nan
    assert max_pool(x, (3, 3)).isnan().flatten().tolist() == [True, False]


def test_too_small_an_input_is_refused_as_torch_does() -> None:
    with pytest.raises(RuntimeError, match="too small"):
        max_pool(torch.zeros(1, 1, 2, 2), (3, 3))
