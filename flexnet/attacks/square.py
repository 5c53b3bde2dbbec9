"""Square attack (Andriushchenko et al. 2020): random squares, kept where they lower the margin. No gradients.

It sees logits alone, so masked gradients do not stop it: an image that it fools and a gradient attack does
not is evidence of masking.
"""

import math
from typing import Protocol

import torch
from torch import Tensor, nn

from flexnet.attacks.balls import Ball, unit_l2
from flexnet.attacks.keys import Key
from flexnet.attacks.passes import Passes, attacking, check_attacked
from flexnet.attacks.pool import Pool, narrowed
from flexnet.attacks.results import Attacked
from flexnet.attacks.verdicts import require_deterministic
from flexnet.options.iterated import SquareOptions

STANDARD = SquareOptions()
ADVICE = "its search keeps single answers; attack stochastic models with apgd (draws=20, verdicts=20)"
HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # queries after which the share of pixels halves
AHEAD = 128  # queries whose random numbers are drawn at once


def square_attack(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    ball: Ball,
    options: SquareOptions = STANDARD,
    *,
    key: Key | None = None,
) -> Attacked:
    """Attack a batch of images by random search, with the logits of the model alone.

    Args:
        model: deterministic, in evaluation mode, from images in [0, 1] to logits (N, K).
        images: in [0, 1], (N, C, H, W), float32 or float64.
        labels: true classes, (N,), int64.
        ball: how far the attack may go.
        options: queries and the size of the first square.
        key: names the random numbers of each image.

    Raises:
        ConfigError: if an argument is something else, or the model is stochastic.
        NumericalError: if a logit is NaN or infinite.
    """
    key = Key() if key is None else key
    highest = check_attacked(model, images, labels, ball, key)
    require_deterministic(model, images, "square_attack", ADVICE)
    with attacking(images, model):
        pool = Pool(images.detach(), labels)
        _search(pool, Passes(model, key, "square", highest, fixed=True), ball, options, key)
        return pool.result(model, 1, key)


def share_of(query: int, options: SquareOptions) -> float:
    """Share of the pixels that the square of a query covers, by the paper's schedule."""
    return float(options.share / 2 ** sum(query > halving for halving in HALVINGS))


def _search(pool: Pool, passes: Passes, ball: Ball, options: SquareOptions, key: Key) -> None:
    moves: Moves = _Stripes() if ball.norm == "linf" else _Tiles()
    stay = _query(pool, passes, pool.images)
    numbers = _Numbers(pool, key)
    numbers.keep(stay)
    if not len(pool):
        return
    now = moves.first(pool.clean, ball, numbers)
    best = torch.full_like(pool.worst, -math.inf)[pool.active]
    for query in range(1, options.queries):
        tried = (
            now if query == 1 else moves.next(now, pool.clean, ball, numbers, share_of(query - 1, options))
        )
        seen = passes.forward(tried, pool.truth)
        pool.count(1)
        better = seen.margin > best
        now = torch.where(better.view(-1, 1, 1, 1), tried, now)
        best = torch.where(better, seen.margin, best)
        stay = pool.settle(tried, seen)
        now, best = narrowed(stay, now, best)
        numbers.keep(stay)
        if not len(pool):
            return


def _query(pool: Pool, passes: Passes, tried: Tensor) -> Tensor | None:
    seen = passes.forward(tried, pool.truth)
    pool.count(1)
    return pool.settle(tried, seen)


class _Numbers:
    """Random numbers of U(0, 1) for each active image, the same in every batch."""

    def __init__(self, pool: Pool, key: Key) -> None:
        self.generators = key.generators(len(pool.images), "square")
        self.like = pool.images
        _, channels, height, width = pool.images.shape
        self.width = 8 + channels * max(width, _tiles(height, width) ** 2)
        self.drawn, self.place = self.like.new_zeros(len(self.generators), 0, self.width), 0

    def keep(self, stay: Tensor | None) -> None:
        """Drop the images that do not stay."""
        if stay is not None:
            kept = stay.tolist()
            self.generators = [each for each, keeps in zip(self.generators, kept, strict=True) if keeps]
            self.drawn = self.drawn[stay]

    def next(self) -> Tensor:
        """Numbers for one query, (n, width)."""
        if self.place == self.drawn.shape[1]:
            fresh = [torch.rand(AHEAD, self.width, generator=each) for each in self.generators]
            self.drawn, self.place = torch.stack(fresh).to(self.like), 0
        self.place += 1
        return self.drawn[:, self.place - 1]


def _tiles(height: int, width: int) -> int:
    """Bumps along a side to begin with: five, or as many as there are pixels."""
    return min(5, height, width)


class Moves(Protocol):
    """How a norm starts and tries."""

    def first(self, clean: Tensor, ball: Ball, numbers: _Numbers) -> Tensor:
        """The first point."""
        ...

    def next(self, now: Tensor, clean: Tensor, ball: Ball, numbers: _Numbers, share: float) -> Tensor:
        """What is tried next."""
        ...


def _signs(numbers: Tensor) -> Tensor:
    return torch.where(numbers < 0.5, -1.0, 1.0).to(numbers)


def _corners(numbers: Tensor, size: int, side: int) -> Tensor:
    """Where squares of this size begin, whole numbers (n,)."""
    return (numbers * (side - size + 1)).long().clamp_max(side - size)


def _inside(corner: Tensor, size: int, side: int) -> Tensor:
    """Which rows or columns a square covers, bool, (n, side)."""
    places = torch.arange(side, device=corner.device)
    return (places >= corner[:, None]) & (places < corner[:, None] + size)


class _Stripes:
    """Linf: vertical stripes of +-epsilon to begin with, then squares of +-2 epsilon for each channel."""

    def first(self, clean: Tensor, ball: Ball, numbers: _Numbers) -> Tensor:
        n, channels, _, width = clean.shape
        signs = _signs(numbers.next()[:, : channels * width]).view(n, channels, 1, width)
        return ball.project(clean + ball.epsilon * ball.space.scale * signs, clean)

    def next(self, now: Tensor, clean: Tensor, ball: Ball, numbers: _Numbers, share: float) -> Tensor:
        n, channels, height, width = now.shape
        size = min(height, width, max(1, round(math.sqrt(share * height * width))))
        drawn = numbers.next()
        rows = _inside(_corners(drawn[:, 0], size, height), size, height)
        columns = _inside(_corners(drawn[:, 1], size, width), size, width)
        square = (rows[:, :, None] & columns[:, None, :])[:, None]
        signs = _signs(drawn[:, 2 : 2 + channels]).view(n, channels, 1, 1)
        return ball.project(now + square * signs * (2 * ball.epsilon * ball.space.scale), clean)


class _Tiles:
    """L2: five by five bumps to begin with; then the length in two windows goes into a bump of the first."""

    def first(self, clean: Tensor, ball: Ball, numbers: _Numbers) -> Tensor:
        n, channels, height, width = clean.shape
        number = _tiles(height, width)
        tall, wide = height // number, width // number
        size = min(tall, wide)
        drawn, delta = numbers.next(), torch.zeros_like(clean)
        bump = _bump(size, drawn[:, 0]).to(delta)
        for tile in range(number**2):
            top, left = tile // number * tall, tile % number * wide
            place = 2 + tile * channels
            signs = _signs(drawn[:, place : place + channels]).view(n, channels, 1, 1)
            delta[:, :, top : top + size, left : left + size] = bump * signs
        return self._scaled(delta, clean, ball)

    def next(self, now: Tensor, clean: Tensor, ball: Ball, numbers: _Numbers, share: float) -> Tensor:
        n, channels, height, width = now.shape
        side = min(height, width)
        size = min(side, max(3, round(math.sqrt(share * height * width))) | 1)
        drawn, delta = numbers.next(), (now - clean) / ball.space.scale
        first, second = (_window(drawn[:, at : at + 2], size, height, width) for at in (0, 2))
        both = first | second
        free = (ball.epsilon**2 - delta.square().sum((1, 2, 3), keepdim=True)).clamp_min(0) / channels
        length = ((delta * both).square().sum((2, 3), keepdim=True) + free).sqrt()
        old = delta * first
        old = old / old.square().sum((2, 3), keepdim=True).sqrt().clamp_min(1e-12)
        signs = _signs(drawn[:, 5 : 5 + channels]).view(n, channels, 1, 1)
        new = old + _placed(_bump(size, drawn[:, 4]).to(delta), first) * signs
        new = new / new.square().sum((2, 3), keepdim=True).sqrt().clamp_min(1e-12) * length
        return self._scaled(torch.where(both, torch.where(first, new, 0.0), delta), clean, ball)

    def _scaled(self, delta: Tensor, clean: Tensor, ball: Ball) -> Tensor:
        return ball.project(clean + ball.epsilon * ball.space.scale * unit_l2(delta), clean)


def _window(drawn: Tensor, size: int, height: int, width: int) -> Tensor:
    """A square window at random for each image, bool, (n, 1, H, W)."""
    rows = _inside(_corners(drawn[:, 0], size, height), size, height)
    columns = _inside(_corners(drawn[:, 1], size, width), size, width)
    return (rows[:, :, None] & columns[:, None, :])[:, None]


def _placed(bump: Tensor, window: Tensor) -> Tensor:
    """Bumps (n, 1, s, s) in their windows (n, 1, H, W), row by row."""
    return torch.zeros(window.shape, dtype=bump.dtype, device=bump.device).masked_scatter(window, bump)


def _bump(size: int, turned: Tensor) -> Tensor:
    """The paper's eta: an upper and a lower hill of opposite sign, of length 1; on its side half the time.

    Returns:
        (n, 1, size, size).
    """
    upper = size // 2
    bump = torch.cat((_hill(upper, size), -_hill(size - upper, size)))
    bump = bump / bump.norm().clamp_min(1e-12)
    bump = bump.to(turned.device)
    return torch.where((turned < 0.5).view(-1, 1, 1, 1), bump, bump.T)


def _hill(rows: int, columns: int) -> Tensor:
    """Squares around the middle, the k-th of side 2 k + 1 and height 1 / (k + 1)^2, one upon the other."""
    down = (torch.arange(rows) - rows // 2).abs()[:, None]
    across = (torch.arange(columns) - columns // 2).abs()[None]
    heights = 1 / torch.arange(1, max(rows, columns) // 2 + 2) ** 2
    above = heights.flip(0).cumsum(0).flip(0)  # of a square and all wider ones
    return above[torch.maximum(down, across)]
