"""Gradient checkpointing runs a forward pass twice; both must meet the same mask, or it is refused."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

from flexnet.errors import ConfigError
from flexnet.layers import FlexibleConv2d
from flexnet.layers.randomness import set_generator

Run = Callable[[nn.Module, Tensor], Tensor]
reentrant = pytest.mark.parametrize("reentrant", [True, False])


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers = [FlexibleConv2d(2, 4, 3, padding=1, scheme="random"), nn.Tanh()]
    return nn.Sequential(*layers, FlexibleConv2d(4, 4, 3, padding=1, scheme="random"), nn.Tanh())


def images() -> Tensor:
    return torch.randn(3, 2, 6, 6, generator=torch.Generator().manual_seed(1)).requires_grad_()


def gradients(run: Run, seed: int | None = None) -> list[Tensor]:
    """Gradients of input and weights; with a seed, both layers draw from one generator of that seed."""
    model, input = network(), images()
    if seed is not None:
        set_generator(model, torch.Generator().manual_seed(seed))
    torch.manual_seed(3)
    output = run(model, input)
    output.backward(torch.linspace(-1, 1, output.numel()).view_as(output))
    found = [tensor.grad for tensor in (input, *model.parameters())]
    assert all(grad is not None for grad in found)
    return [grad for grad in found if grad is not None]


def plain(model: nn.Module, input: Tensor) -> Tensor:
    result: Tensor = model(input)
    return result


def whole(reentrant: bool, **options: bool) -> Run:
    return lambda model, input: checkpoint(model, input, use_reentrant=reentrant, **options)


def by_parts(reentrant: bool) -> Run:
    return lambda model, input: checkpoint_sequential(model, 2, input, use_reentrant=reentrant)


def nested(reentrant: bool) -> Run:
    def run(model: nn.Module, input: Tensor) -> Tensor:
        def inner(x: Tensor) -> Tensor:
            return checkpoint(model, x, use_reentrant=reentrant)

        return checkpoint(inner, input, use_reentrant=reentrant)

    return run


@reentrant
@pytest.mark.parametrize("way", [whole, by_parts, nested])
def test_global_masks_give_the_same_gradient(way: Callable[[bool], Run], reentrant: bool) -> None:
    expected = gradients(plain)
    assert all(torch.equal(a, b) for a, b in zip(gradients(way(reentrant)), expected, strict=True))


@reentrant
def test_global_masks_that_are_not_restored_are_refused(reentrant: bool) -> None:
    with pytest.raises(ConfigError, match="preserve_rng_state=True"):
        gradients(whole(reentrant, preserve_rng_state=False))


@reentrant
@pytest.mark.parametrize("way", [whole, by_parts, nested])
def test_a_generator_of_its_own_is_refused(way: Callable[[bool], Run], reentrant: bool) -> None:
    """Two layers share the generator here, as `set_generator` has it."""
    with pytest.raises(ConfigError, match=r"set_generator\(model, None\)"):
        gradients(way(reentrant), seed=7)


@reentrant
def test_one_checkpointed_layer_of_two_that_share_a_generator_is_refused(reentrant: bool) -> None:
    def run(model: nn.Module, input: Tensor) -> Tensor:
        first, *rest = model.children()
        return nn.Sequential(*rest)(checkpoint(first, input, use_reentrant=reentrant))

    with pytest.raises(ConfigError, match="leave this layer out"):
        gradients(run, seed=7)


@reentrant
def test_a_layer_left_out_of_the_checkpoint_keeps_its_generator(reentrant: bool) -> None:
    def run(model: nn.Module, input: Tensor) -> Tensor:
        *first, second, last = model.children()
        return checkpoint(last, second(nn.Sequential(*first)(input)), use_reentrant=reentrant)

    expected = gradients(plain, seed=7)
    assert all(torch.equal(a, b) for a, b in zip(gradients(run, seed=7), expected, strict=True))


def test_a_generator_is_still_reproducible_without_checkpointing() -> None:
    first, second, other = gradients(plain, 7), gradients(plain, 7), gradients(plain, 8)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


@reentrant
def test_many_masks_between_forward_and_backward_pass(reentrant: bool) -> None:
    """A forward pass may be repeated long after it was run, and others run in between."""

    def run(model: nn.Module, input: Tensor) -> Tensor:
        output = checkpoint(model, input, use_reentrant=reentrant)
        with torch.no_grad():
            for _ in range(20):
                model(input)
        return output

    expected = gradients(plain)
    assert all(torch.equal(a, b) for a, b in zip(gradients(run), expected, strict=True))
