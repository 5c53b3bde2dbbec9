"""The decision-based attack: finds what is there to be found, by classes alone."""

import pytest
import torch
from torch import Tensor, nn

from flexnet.attacks import Ball, Key, Space, hopskipjump
from flexnet.attacks.balls import unit_l2
from flexnet.attacks.hopskipjump import _cube, _Walk
from flexnet.attacks.passes import Passes
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


def walk(norm: str) -> _Walk:
    passes, generator = Passes(Plane(), Key(), "test", 1, fixed=True), torch.Generator().manual_seed(0)
    return _Walk(passes, IMAGES[:1], LABEL[0], Ball(0.5, Space.pixel(1), norm), generator, 1000)


def test_the_boundary_is_known_as_closely_as_the_paper_has_it() -> None:
    """Algorithm 2 of Chen et al.: d^(-3/2) in l2, d^(-2) in linf; images here have six values."""
    assert walk("l2")._theta() == pytest.approx(6**-1.5)
    assert walk("linf")._theta() == pytest.approx(6**-2)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_normal_is_made_of_answers_less_their_mean(norm: str) -> None:
    """Equation (8), at a point where most answers are the same, so that they have a mean to take away."""
    now = IMAGES[:1] + (0.15 / 8.25) * Plane().weight.view(1, 1, 2, 3)  # half the way to the plane
    found = walk(norm)._normal(now, 40, 1)
    shape, generator = (40, 1, 2, 3), torch.Generator().manual_seed(0)
    drawn = torch.randn(shape, generator=generator) if norm == "l2" else _cube(shape, generator=generator)
    steps = unit_l2(drawn)
    answers = torch.where(Plane()(now + 0.1 * steps).argmax(1) == 1, 1.0, -1.0)
    assert 0.4 < abs(float(answers.mean())) < 1
    expected = torch.einsum("b,bchw->chw", answers - answers.mean(), steps)[None] / 39
    torch.testing.assert_close(unit_l2(found), unit_l2(expected))


def test_draws_are_named_per_image() -> None:
    ball = Ball(0.95 * NEAREST["l2"], Space.pixel(1), "l2")
    options = HopSkipJumpOptions(steps=2, first=20)
    both = hopskipjump(Plane(), IMAGES, LABEL, ball, options, key=Key(1))
    second = hopskipjump(Plane(), IMAGES[1:], LABEL[1:], ball, options, key=Key(1, (1,)))
    assert both.forwards[1] == second.forwards[0]


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_passes_are_no_larger_than_allowed_and_find_the_same(norm: str) -> None:
    model, ball, sizes = Plane(), Ball(1.15 * NEAREST[norm], Space.pixel(1), norm), []
    whole = hopskipjump(model, IMAGES, LABEL, ball, OPTIONS)
    model.register_forward_pre_hook(lambda module, given: sizes.append(len(given[0])))
    parts = hopskipjump(model, IMAGES[:1], LABEL[:1], ball, OPTIONS, batch_size=7)
    assert max(sizes) == 7
    assert torch.equal(parts.images, whole.images[:1])
    assert parts.forwards[0] == whole.forwards[0]
    with pytest.raises(ConfigError, match="batch size of an attack: expected >= 1; got 0"):
        hopskipjump(model, IMAGES, LABEL, ball, OPTIONS, batch_size=0)


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
