"""HopSkipJump (Chen, Jordan and Wainwright 2020): an attack that sees the chosen class alone.

From some image of another class it walks along the decision boundary towards the clean image: a binary search
to the boundary, an estimate of its normal from random queries, a step outwards, and again. It needs neither
gradients nor logits, so nothing that masks them stops it. It is slow and meant for few images.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from flexnet.attacks.balls import Ball, unit_l2
from flexnet.attacks.checks import check_count
from flexnet.attacks.keys import Key
from flexnet.attacks.passes import Passes, attacking, check_attacked
from flexnet.attacks.results import Attacked
from flexnet.attacks.verdicts import Verdict, require_deterministic
from flexnet.options.iterated import HopSkipJumpOptions

STANDARD = HopSkipJumpOptions()
ADVICE = "its search trusts single answers; attack stochastic models with apgd (draws=20, verdicts=20)"


def hopskipjump(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    ball: Ball,
    options: HopSkipJumpOptions = STANDARD,
    *,
    key: Key | None = None,
    batch_size: int = 1000,
) -> Attacked:
    """Attack images one by one by their class alone, until each is fooled within the ball.

    Args:
        model: deterministic, in evaluation mode, from images in [0, 1] to logits (N, K).
        images: in [0, 1], (N, C, H, W), float32 or float64.
        labels: true classes, (N,), int64.
        ball: how far the attack may go.
        options: rounds and queries.
        key: names the random numbers of each image.
        batch_size: most queries per pass.

    Raises:
        ConfigError: if an argument is something else, or the model is stochastic.
        NumericalError: if a logit is NaN or infinite.
    """
    key = Key() if key is None else key
    check_count("batch size of an attack", batch_size)
    highest = check_attacked(model, images, labels, ball, key)
    require_deterministic(model, images, "hopskipjump", ADVICE)
    found, queries = [], []
    with attacking(images, model):
        for place, generator in enumerate(key.generators(len(images), "hopskipjump")):
            passes = Passes(model, key, "hopskipjump", highest, fixed=True)
            image = images[place : place + 1].detach()
            walk = _Walk(passes, image, labels[place], ball, generator, batch_size)
            found.append(walk.run(options))
            queries.append(walk.queries)
        moved = torch.cat(found)
        distant = ball.distance(moved, images) > ball.epsilon * (1 + 1e-5) + 1e-7
        told = Passes(model, key, "told", highest, fixed=True)
        right = distant | ~_wrong(told, moved, labels, batch_size)
    moved = torch.where(right.view(-1, 1, 1, 1), images, moved)
    passed = torch.tensor(queries, device=labels.device)
    return Attacked(moved, Verdict(right.to(labels), 1), passed, torch.zeros_like(passed))


@dataclass
class _Walk:
    """The search for one image, (1, C, H, W)."""

    passes: Passes
    clean: Tensor
    label: Tensor
    ball: Ball
    generator: torch.Generator
    batch_size: int
    queries: int = 0

    def run(self, options: HopSkipJumpOptions) -> Tensor:
        """The nearest image of another class that was found; the clean one if none was."""
        if bool(self.wrong(self.clean)[0]):
            return self.clean
        far = self._begin(options.tries)
        if far is None:
            return self.clean
        best = now = self._to_boundary(far)
        for step in range(1, options.steps + 1):
            if self._distance(best) <= self.ball.epsilon:
                break
            number = min(int(options.first * math.sqrt(step)), options.most)
            now = self._to_boundary(self._outwards(now, self._normal(now, number, step), step))
            best = now if self._distance(now) < self._distance(best) else best
        return best

    def wrong(self, points: Tensor) -> Tensor:
        """Whether the model is wrong about points (b, C, H, W): all that this attack ever asks."""
        self.queries += len(points)
        return _wrong(self.passes, points, self.label.expand(len(points)), self.batch_size)

    def _distance(self, point: Tensor) -> float:
        return float(self.ball.distance(point, self.clean))

    def _begin(self, tries: int) -> Tensor | None:
        """A random image of another class, one of uniform values."""
        space = self.ball.space
        for _ in range(tries):
            noise = torch.rand(self.clean.shape, generator=self.generator).to(self.clean)
            point = space.low + (space.high - space.low) * noise
            if bool(self.wrong(point)[0]):
                return point
        return None

    def _between(self, point: Tensor, share: float, reach: float) -> Tensor:
        """The way to a point: straight in l2, in linf pulled into a cube of a share of its size."""
        if self.ball.norm == "l2":
            return self.clean + share * (point - self.clean)
        limit = share * reach * self.ball.space.scale
        return self.clean + torch.clamp(point - self.clean, -limit, limit)

    def _to_boundary(self, point: Tensor) -> Tensor:
        """The end that is wrong, after halving the way until the boundary is known to theta."""
        low, high, reach = 0.0, 1.0, self._distance(point)
        while high - low > self._theta():
            middle = (low + high) / 2
            if bool(self.wrong(self._between(point, middle, reach))[0]):
                high = middle
            else:
                low = middle
        return point if high == 1.0 else self._between(point, high, reach)

    def _theta(self) -> float:
        size = self.clean.numel()
        return size**-1.5 if self.ball.norm == "l2" else float(size) ** -2

    def _normal(self, now: Tensor, number: int, step: int) -> Tensor:
        """Direction in which the model is wrong, from the answers to `number` random steps (eq. (8))."""
        size, space = self.clean.numel(), self.ball.space
        width = math.sqrt(size) if self.ball.norm == "l2" else size
        delta = 0.1 if step == 1 else width * self._theta() * self._distance(now)
        delta = max(delta, 1e-5)  # below this float32 cannot tell two points
        shape = (number, *self.clean.shape[1:])
        draw = torch.randn if self.ball.norm == "l2" else _cube
        direction = unit_l2(draw(shape, generator=self.generator).to(now))
        tried = self.ball.clamp(now + delta * space.scale * direction)
        direction = (tried - now) / (delta * space.scale)
        answers = torch.where(self.wrong(tried), 1.0, -1.0).to(now)
        mean = answers.mean()
        weights = answers if float(mean.abs()) == 1 else answers - mean
        return (weights.view(-1, 1, 1, 1) * direction).mean(0, keepdim=True)

    def _outwards(self, now: Tensor, normal: Tensor, step: int) -> Tensor:
        """A step along the normal, halved until the model is wrong there; none after 20 halvings."""
        size = self._distance(now) / math.sqrt(step)
        for _ in range(20):
            moved = self.ball.clamp(self.ball.step(now, normal / self.ball.space.scale, size))
            if bool(self.wrong(moved)[0]):
                return moved
            size /= 2
        return now


def _wrong(passes: Passes, points: Tensor, labels: Tensor, batch_size: int) -> Tensor:
    """Whether the model is wrong about points (b, C, H, W), bool, (b,), so many at a time."""
    parts = zip(torch.split(points, batch_size), torch.split(labels, batch_size), strict=True)
    return torch.cat([passes.forward(part, truth).fooled for part, truth in parts])


def _cube(shape: tuple[int, ...], *, generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator) * 2 - 1
