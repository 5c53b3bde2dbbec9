"""The parts of the square attack, by hand."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flexnet.attacks import square
from flexnet.attacks.balls import Ball
from flexnet.attacks.spaces import Space
from flexnet.attacks.square import share_of, square_attack
from flexnet.options.iterated import SquareOptions


def test_schedule_of_the_squares() -> None:
    shares = [share_of(query, SquareOptions()) for query in (0, 10, 11, 51, 201, 4999)]
    assert shares == [0.8, 0.8, 0.4, 0.2, 0.1, 0.8 / 2**7]


@pytest.mark.parametrize("size", [1, 3, 4, 5])
def test_bumps_have_length_one_and_two_signs(size: int) -> None:
    bump = square._bump(size, torch.tensor([0.2, 0.8]))
    assert bump.shape == (2, 1, size, size)
    assert bump.flatten(1).norm(dim=1).tolist() == pytest.approx([1, 1])
    assert torch.equal(bump[0], bump[1].transpose(1, 2))
    assert size == 1 or (bump[0].min() < 0 < bump[0].max())


class Told(nn.Module):
    """Margins by what the first pixel says: how many tenths it holds is the number of the query."""

    def __init__(self, *margins: float) -> None:
        super().__init__()
        self.margins = torch.tensor(margins, dtype=torch.float32)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        wrong = self.margins[(10 * x.flatten(1)[:, 0]).round().long()]
        return torch.stack((torch.zeros_like(wrong), wrong), dim=1)


def test_squares_go_on_from_the_best_query_and_not_from_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fourth query is better than the third, which was no gain, and worse than the second."""
    came_from: list[float] = []

    def following(self: Any, now: Tensor, *others: Any) -> Tensor:
        came_from.append(round(now.flatten()[0].item(), 1))
        return torch.full_like(now, 0.1 * (len(came_from) + 1))

    monkeypatch.setattr(square._Stripes, "first", lambda self, clean, *others: torch.full_like(clean, 0.1))
    monkeypatch.setattr(square._Stripes, "next", following)
    model, ball = Told(-9, -6, -3, -5, -4, -2, -1), Ball(1, Space.pixel(1))
    square_attack(model, torch.zeros(1, 1, 2, 2), torch.tensor([0]), ball, SquareOptions(queries=7))
    assert came_from == [0.1, 0.2, 0.2, 0.2, 0.5]


def test_a_square_goes_from_one_end_of_the_ball_to_the_other() -> None:
    """Two epsilon for each channel by its own sign, in units of the space; around it nothing moves."""

    class Given:
        def next(self) -> Tensor:
            return torch.tensor([[0.0, 0.99, 0.9, 0.1]])  # row 0, last columns, up and down

    scale = torch.tensor([0.5, 0.25]).view(1, 2, 1, 1)
    ball = Ball(0.2, Space(scale, torch.zeros_like(scale), torch.ones_like(scale)))
    clean = torch.full((1, 2, 4, 4), 0.5)
    end = torch.tensor([-0.1, 0.05]).view(1, 2, 1, 1)
    numbers: Any = Given()
    found = square._Stripes().next(clean + end, clean, ball, numbers, 0.25) - clean
    expected = end.repeat(1, 1, 4, 4)
    expected[:, :, :2, 2:] *= -1
    torch.testing.assert_close(found, expected)
