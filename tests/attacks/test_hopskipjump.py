"""The decision-based attack: finds what is there to be found, by classes alone."""

import pytest
import torch
from torch import Tensor, nn

from flexnet.attacks import Ball, Key, Space, hopskipjump
from flexnet.errors import ConfigError
from flexnet.options.iterated import HopSkipJumpOptions

OPTIONS = HopSkipJumpOptions(steps=12, first=50)
LABEL = torch.zeros(2, dtype=torch.long)


class Plane(nn.Module):
    """Class 1 beyond a plane: <w, x - 1/2> > 0.3; its logits are answers and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.tensor([1.0, -2.0, 1.0, 0.5, -1.0, 1.0])
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        beyond = ((x.flatten(1) - 0.5) @ self.weight > 0.3).to(x)
        return torch.stack((1 - beyond, beyond), dim=1)


IMAGES = torch.full((2, 1, 2, 3), 0.5)
NEAREST = {"linf": 0.3 / 6.5, "l2": 0.3 / 8.25**0.5}


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_nearest_point_of_a_plane(norm: str) -> None:
    space = Space.pixel(1)
    near = hopskipjump(Plane(), IMAGES, LABEL, Ball(1.15 * NEAREST[norm], space, norm), OPTIONS)
    assert near.fooled.tolist() == [True, True]
    assert (Ball(1, space, norm).distance(near.images, IMAGES) <= 1.15 * NEAREST[norm] + 1e-6).all()
    none = hopskipjump(Plane(), IMAGES, LABEL, Ball(0.95 * NEAREST[norm], space, norm), OPTIONS)
    assert none.fooled.tolist() == [False, False]
    assert torch.equal(none.images, IMAGES)
    assert (none.forwards > 100).all()


def test_draws_are_named_per_image() -> None:
    ball = Ball(0.95 * NEAREST["l2"], Space.pixel(1), "l2")
    options = HopSkipJumpOptions(steps=2, first=20)
    both = hopskipjump(Plane(), IMAGES, LABEL, ball, options, key=Key(1))
    second = hopskipjump(Plane(), IMAGES[1:], LABEL[1:], ball, options, key=Key(1, (1,)))
    assert both.forwards[1] == second.forwards[0]


def test_a_wrong_image_costs_one_query_and_a_constant_model_withstands() -> None:
    ball = Ball(0.5, Space.pixel(1))
    found = hopskipjump(Plane(), IMAGES, LABEL + 1, ball, OPTIONS)
    assert found.forwards.tolist() == [1, 1]
    always = nn.Sequential(nn.Flatten(), nn.Linear(6, 2)).eval()
    with torch.no_grad():
        always[1].weight.zero_()
        always[1].bias.copy_(torch.tensor([1.0, 0.0]))
    assert not hopskipjump(always, IMAGES, LABEL, ball, OPTIONS).fooled.any()


def test_refusals() -> None:
    noisy = nn.Sequential(nn.Flatten(), Noise(), nn.Linear(6, 2)).eval()
    with pytest.raises(ConfigError, match="hopskipjump: expected a deterministic model"):
        hopskipjump(noisy, IMAGES, LABEL, Ball(0.1, Space.pixel(1)))
    with pytest.raises(ConfigError, match="first: expected at most 10"):
        HopSkipJumpOptions(first=20, most=10)
    with pytest.raises(ConfigError, match="steps: expected a whole number of at least 1; got 0"):
        HopSkipJumpOptions(steps=0)


class Noise(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x)
