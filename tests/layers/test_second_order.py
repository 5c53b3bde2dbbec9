"""Gradients that can be differentiated again are those of plain execution, and hooks see them once."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexnet.layers import FlexibleConv2d, PushPullConv2d, push_pull_conv2d
from flexnet.layers.both import FlexiblePushPullConv2d

Layers = dict[str, Callable[[], nn.Module]]
DOUBLE = torch.float64
LAYERS: Layers = {
    "gate": lambda: FlexibleConv2d(2, 3, 3, input_size=6, dtype=DOUBLE),
    "pool": lambda: FlexibleConv2d(2, 3, 3, scheme="max", dtype=DOUBLE),
    "push-pull, not enlarged": lambda: PushPullConv2d(2, 3, 3, padding=1, alpha=0.5, h=1, dtype=DOUBLE),
    "push-pull": lambda: PushPullConv2d(2, 3, 3, padding=1, alpha=0.5, bias=True, dtype=DOUBLE),
    "push-pull, learned": lambda: PushPullConv2d(2, 3, 3, padding=1, alpha="learned", dtype=DOUBLE),
    "both": lambda: FlexiblePushPullConv2d(2, 3, 3, input_size=6, alpha=0.5, dtype=DOUBLE),
}
layers = pytest.mark.parametrize("name", LAYERS)


def built(name: str) -> nn.Module:
    torch.manual_seed(0)
    return LAYERS[name]()


def images() -> Tensor:
    return torch.randn(2, 2, 6, 6, generator=torch.Generator().manual_seed(1), dtype=DOUBLE)


def operands(layer: nn.Module) -> list[Tensor]:
    """An input, and the parameters that the layer computes with."""
    unused = isinstance(layer, FlexibleConv2d) and layer.scheme == "max"
    return [images().requires_grad_(), *([] if unused else layer.parameters())]


def weighted(output: Tensor) -> Tensor:
    """One number, on which each unit has another bearing."""
    return (output * torch.linspace(-1, 1, output.numel(), dtype=DOUBLE).view_as(output)).sum()


def gradients(name: str, again: bool, tripled: bool) -> list[Tensor]:
    """Gradients of all operands, each of which a hook may triple."""
    layer = built(name)
    wanted = operands(layer)
    for operand in wanted if tripled else []:
        operand.register_hook(lambda grad: 3 * grad)  # type: ignore[no-untyped-call]
    return list(torch.autograd.grad(weighted(layer(wanted[0])), wanted, create_graph=again))


@layers
def test_gradients_are_the_same_whether_or_not_they_are_differentiated_again(name: str) -> None:
    torch.testing.assert_close(gradients(name, True, False), gradients(name, False, False))


@layers
def test_a_hook_sees_each_gradient_once(name: str) -> None:
    expected = [3 * grad for grad in gradients(name, False, False)]
    for again in (False, True):
        torch.testing.assert_close(gradients(name, again, True), expected)


@layers
def test_gradients_of_gradients_are_those_of_differences(name: str) -> None:
    layer = built(name)
    names = [each for each, _ in layer.named_parameters()]

    def call(input: Tensor, *values: Tensor) -> Tensor:
        given = dict(zip(names, values, strict=False))
        found: Tensor = torch.func.functional_call(layer, given, (input,))
        return found

    # A wide step would cross a maximum or a rectifier's edge; a small one is enough in float64.
    assert torch.autograd.gradgradcheck(call, operands(layer), eps=1e-7, atol=1e-3)


def pushed_and_pulled(input: Tensor, weight: Tensor) -> Tensor:
    return push_pull_conv2d(input, weight, padding=1, alpha=0.5, h=1)


def leaky(input: Tensor, weight: Tensor) -> Tensor:
    return F.leaky_relu(F.conv2d(input, weight, padding=1), 0.5)


def test_a_gradient_penalty_is_that_of_a_leaky_rectifier() -> None:
    """Without enlargement push and pull are one response, saved once for each."""
    weight = torch.randn(3, 2, 3, 3, generator=torch.Generator().manual_seed(2), dtype=DOUBLE)
    results = []
    for function in (pushed_and_pulled, leaky):
        wanted = [images().requires_grad_(), weight.clone().requires_grad_()]
        found = torch.autograd.grad(function(*wanted).sin().sum(), wanted, create_graph=True)
        penalty = sum(grad.square().sum() for grad in found)
        results.append([*found, *torch.autograd.grad(penalty, wanted)])  # type: ignore[arg-type]
    torch.testing.assert_close(*results)
