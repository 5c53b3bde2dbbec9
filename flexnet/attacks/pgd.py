"""Projected gradient descent (Madry et al. 2018): signed steps uphill, pulled back into the ball each time.

The gradient may come from a surrogate while another model is judged: the black-box attack of the Flexible
Layer paper. TRADES' procedure, which that paper follows, is `start="loose"` with `scoring="last"`.
"""

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from flexnet.attacks.balls import Ball
from flexnet.attacks.keys import Key
from flexnet.attacks.losses import loss_by_name
from flexnet.attacks.passes import Passes, Seen, attacking, check_attacked
from flexnet.attacks.pool import Pool, narrowed
from flexnet.attacks.results import Attacked
from flexnet.attacks.verdicts import judge, require_deterministic
from flexnet.errors import ConfigError
from flexnet.options.iterated import PgdOptions

STANDARD = PgdOptions()
ADVICE = "let the verdict have several draws (verdicts=20), and the gradient too (draws=20)"


def pgd(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    ball: Ball,
    options: PgdOptions = STANDARD,
    *,
    key: Key | None = None,
    source: nn.Module | None = None,
    start: Tensor | None = None,
    curve: bool = False,
) -> Attacked:
    """Attack a batch of images with projected gradient descent.

    The outcome of an image depends on its own place in the key alone, not on the others of its batch.

    Args:
        model: the judged model in evaluation mode, from images in [0, 1] to logits (N, K).
        images: in [0, 1], (N, C, H, W), float32 or float64, on the device of the model.
        labels: true classes, (N,), int64.
        ball: how far the attack may go.
        options: steps, loss, start, scoring and draws.
        key: names the random start and the draws of a stochastic model.
        source: the model whose gradient is followed, if it is not the judged one.
        start: where to start, (N, C, H, W), instead of what the options say. Where the worst iterate counts,
            a start outside of the ball or the permitted range is pulled in first: it is no attack.
        curve: whether to return what was climbed at each step.

    Raises:
        ConfigError: if an argument is something else, or the worst iterate of a stochastic model is asked for
            with a verdict of a single draw.
        NumericalError: if a logit, the loss or the gradient is NaN or infinite.
    """
    key = Key() if key is None else key
    check_attacked(model, images, labels, ball, key, source)
    if options.scoring == "worst" and options.verdicts == 1:
        require_deterministic(model, images, "pgd that judges the worst iterate", ADVICE)
    with attacking(images, model, *([] if source is None else [source])):
        # A single lucky pass of a stochastic model is no verdict: then all stay to the end.
        leaves = options.scoring == "worst" and options.draws == options.verdicts == 1
        pool = Pool(images.detach(), labels, leaves=leaves)
        climb = _Climb(model, pool, ball, options, key, source)
        first = _start(pool.images, ball, options.start, key, start)
        if options.scoring == "worst" and (start is not None or options.start == "loose"):
            first = ball.project(first, pool.images)
        climb.run(first, curve)
        found = pool.result(model, options.verdicts, key)
        return replace(found, losses=climb.curve()) if curve else found


def clamp_only(
    model: nn.Module, images: Tensor, labels: Tensor, ball: Ball, *, key: Key | None = None
) -> Attacked:
    """What the clamp of a space does to clean images without any attack: no step, no start.

    Under the released PGD, whose clamp was meant for pixels and met normalised images, this alone moves most
    values, so it is the control without which its numbers cannot be read.

    Args:
        model: as for `pgd`.
        images: as for `pgd`.
        labels: as for `pgd`.
        ball: whose space clamps; its epsilon has no effect.
        key: names the draws of a stochastic model.

    Raises:
        ConfigError: as for `pgd`.
        NumericalError: if a logit is NaN or infinite.
    """
    key = Key() if key is None else key
    check_attacked(model, images, labels, ball, key)
    moved = ball.clamp(images.detach())
    none = torch.zeros_like(labels)
    return Attacked(moved, judge(model, moved, labels, key=key), none + 1, none)


def _start(images: Tensor, ball: Ball, start: str, key: Key, given: Tensor | None) -> Tensor:
    """The first iterate: the given one, the clean images, or random points with or without the clamp."""
    if given is not None:
        if given.shape != images.shape or given.dtype != images.dtype:
            raise ConfigError(
                f"start of an attack: expected {images.dtype} of shape {tuple(images.shape)}; "
                f"got {given.dtype} of shape {tuple(given.shape)}; start from images like those attacked"
            )
        return given.detach()
    if start == "clean":
        return images
    point = ball.inner(images, key.uniform(images, "start"), key.normal(images, "direction"))
    return ball.clamp(point) if start == "random" else point


class _Climb:
    """One attack in progress: passes of the followed and of the watched model, and the pool of images."""

    def __init__(
        self,
        model: nn.Module,
        pool: Pool,
        ball: Ball,
        options: PgdOptions,
        key: Key,
        source: nn.Module | None,
    ) -> None:
        highest = int(pool.labels.max())
        self.model, self.pool, self.ball, self.options, self.key = model, pool, ball, options, key
        draws, white, fixed = options.draws, source is None, pool.leaves and source is None
        self.passes = Passes(model if source is None else source, key, "pgd", highest, draws, fixed=fixed)
        self.white = white
        self.watched = self.passes if white else Passes(model, key, "watch", highest, draws)
        self.loss = loss_by_name(options.loss)
        self.keeps = options.scoring == "worst"
        self.losses: list[Tensor] = []

    def run(self, moved: Tensor, curve: bool) -> None:
        """All steps from a first iterate."""
        pool, size = self.pool, self.options.size(self.ball.epsilon)
        if self.keeps:
            (moved,) = narrowed(pool.settle(pool.images, self._watch(pool.images)), moved)
        for _ in range(self.options.steps):
            if not len(pool):
                return
            seen = self._climbed(moved, curve)
            stepped = self.ball.step(moved, seen.gradient, size)
            if self.keeps:
                stay = pool.settle(moved, seen if self.white else self._watch(moved))
                (stepped,) = narrowed(stay, stepped)
            moved = self.ball.project(stepped, pool.clean)
        self._end(moved, curve)

    def _end(self, moved: Tensor, curve: bool) -> None:
        if curve and len(moved):
            self._climbed(moved, curve)
        if self.keeps and len(moved):
            self.pool.settle(moved, self._watch(moved))
        elif not self.keeps:
            self.pool.best = moved

    def _watch(self, moved: Tensor) -> Seen:
        self.pool.count(self.watched.draws)
        return self.watched.forward(moved, self.pool.truth)

    def _climbed(self, moved: Tensor, curve: bool) -> Seen:
        self.pool.count(self.passes.draws, self.passes.draws)
        seen = self.passes.gradient(moved, self.pool.truth, self.loss)
        if curve:
            row = torch.full_like(self.pool.worst, math.nan)
            row[self.pool.active] = seen.loss
            self.losses.append(row)
        return seen

    def curve(self) -> Tensor:
        """What was climbed, (steps + 1, N), NaN where an image had left."""
        missing = self.options.steps + 1 - len(self.losses)
        return torch.stack(self.losses + [torch.full_like(self.pool.worst, math.nan)] * missing)
