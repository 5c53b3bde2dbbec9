"""Layers say whether they draw; one that draws in secret is found."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from flexnet.errors import ConfigError
from flexnet.layers import FlexibleConv2d
from flexnet.layers.randomness import check_declared

X = torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(0))


class Drawing(nn.Module):
    """Adds noise, from wherever it is told."""

    def __init__(self, draw: Callable[["Drawing", Tensor], Tensor], stochastic: bool = False) -> None:
        super().__init__()
        self.draw, self.stochastic = draw, stochastic
        self.generator: torch.Generator | None = None
        self.own = torch.Generator().manual_seed(3)

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.draw(self, x)).flatten(1)


def of_torch(layer: Drawing, x: Tensor) -> Tensor:
    return torch.rand(x.shape)


def of_its_own(layer: Drawing, x: Tensor) -> Tensor:
    return torch.rand(x.shape, generator=layer.own)


def as_told(layer: Drawing, x: Tensor) -> Tensor:
    return torch.rand(x.shape, generator=layer.generator)


@pytest.mark.parametrize(
    "model",
    [
        Drawing(of_torch),
        Drawing(of_its_own),
        Drawing(of_torch, True),
        Drawing(of_its_own, True),
        Drawing(as_told),
    ],
)
def test_what_draws_in_secret_or_from_elsewhere_is_refused(model: nn.Module) -> None:
    with pytest.raises(
        ConfigError, match="m: expected the same logits .* let a layer that draws say stochastic"
    ):
        check_declared(model, X, "m")


@pytest.mark.parametrize(
    "model",
    [
        Drawing(as_told, True),
        nn.Sequential(FlexibleConv2d(3, 4, 3, scheme="random"), nn.Dropout(), nn.Flatten()),
        nn.Sequential(
            FlexibleConv2d(3, 4, 3, scheme="redrawn", input_size=6), nn.BatchNorm2d(4), nn.Flatten()
        ),
    ],
)
def test_what_says_so_passes_and_stays_as_it_is(model: nn.Module) -> None:
    state, modes = torch.get_rng_state(), [module.training for module in model.modules()]
    check_declared(model, X, "m")
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in model.modules()] == modes
    assert all(getattr(module, "generator", None) is None for module in model.modules())


def test_answers_that_are_no_numbers_are_left_to_who_judges_them() -> None:
    check_declared(Drawing(lambda layer, x: torch.full_like(x, torch.nan)), X, "m")
