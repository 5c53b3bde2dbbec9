"""Projected gradient descent (Madry et al. 2018): signed steps uphill, pulled back into the ball each time.

The gradient may come from a surrogate while another model is judged: the black-box attack of the Flexible
Layer paper. TRADES' procedure, which that paper follows, is `start="loose"` with `scoring="last"`.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from flexnet.attacks.balls import Ball
from flexnet.attacks.keys import Key
from flexnet.attacks.losses import loss_by_name
from flexnet.attacks.passes import Passes, Seen, attacking, check_attacked
from flexnet.attacks.results import Attacked
from flexnet.attacks.verdicts import Verdict, judge, require_deterministic
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
        start: where to start, (N, C, H, W), instead of what the options say.
        curve: whether to return what was climbed at each step.

    Raises:
        ConfigError: if an argument is something else, or the worst iterate of a stochastic model is asked for
            with a verdict of a single draw.
        NumericalError: if a logit, the loss or the gradient is NaN or infinite.
    """
    key = Key() if key is None else key
    highest = check_attacked(model, images, labels, ball, key, source)
    if options.scoring == "worst" and options.verdicts == 1:
        require_deterministic(model, images, "pgd that judges the worst iterate", ADVICE)
    with attacking(images, model, *([] if source is None else [source])):
        climb = _Climb(model, images.detach(), labels, ball, options, key, source, highest)
        climb.run(_start(climb, start), curve)
        return climb.result(curve)


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


def _start(climb: "_Climb", given: Tensor | None) -> Tensor:
    if given is not None:
        if given.shape != climb.images.shape or given.dtype != climb.images.dtype:
            raise ConfigError(
                f"start of an attack: expected {climb.images.dtype} of shape {tuple(climb.images.shape)}; "
                f"got {given.dtype} of shape {tuple(given.shape)}; start from images like those attacked"
            )
        return given.detach()
    return started(climb.images, climb.ball, climb.options.start, climb.key)


def started(images: Tensor, ball: Ball, start: str, key: Key) -> Tensor:
    """The first iterate: clean, or a random point of the ball, with or without the clamp."""
    if start == "clean":
        return images
    point = ball.inner(images, key.uniform(images, "start"), key.normal(images, "direction"))
    return ball.clamp(point) if start == "random" else point


@dataclass
class _Climb:
    """One attack in progress.

    Attributes:
        active: positions of the images that are still attacked.
        best: for each image what it will be judged by.
        worst: margin of `best`.
        fooled: whether the judged model was seen to be wrong.
    """

    model: nn.Module
    images: Tensor
    labels: Tensor
    ball: Ball
    options: PgdOptions
    key: Key
    source: nn.Module | None
    highest: int
    losses: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        options, black = self.options, self.source is not None
        follow = self.model if self.source is None else self.source
        self.passes = Passes(follow, self.key, "pgd", self.highest, options.draws)
        judged = Passes(self.model, self.key, "watch", self.highest, options.draws)
        self.watch = judged if black else self.passes
        self.loss = loss_by_name(options.loss)
        self.keeps = options.scoring == "worst"
        # A single lucky pass of a stochastic model is no verdict: then all stay to the end.
        self.leaves = self.keeps and options.draws == options.verdicts == 1
        self.active = torch.arange(len(self.images), device=self.images.device)
        self.best = self.images.clone()
        self.worst = torch.full_like(self.labels, -math.inf, dtype=self.images.dtype)
        self.fooled = torch.zeros_like(self.labels, dtype=torch.bool)
        self.forwards, self.backwards = torch.zeros_like(self.labels), torch.zeros_like(self.labels)

    def run(self, moved: Tensor, curve: bool) -> None:
        if self.keeps:
            moved = self._settle(self.images, moved, self._watch(self.images))
        size = self.options.size(self.ball.epsilon)
        for _ in range(self.options.steps):
            if not len(moved):
                break
            seen = self._counted(self.passes, moved, gradient=True)
            self._record(seen, curve)
            stepped = self.ball.step(moved, seen.gradient, size)
            if self.keeps:
                judged = seen if self.source is None else self._watch(moved)
                stepped = self._settle(moved, stepped, judged)
            moved = self.ball.project(stepped, self.images[self.active])
        if curve and len(moved):
            self._record(self._counted(self.passes, moved, gradient=True), curve)
        if self.keeps and len(moved):
            self._settle(moved, moved, self._watch(moved))
        elif not self.keeps:
            self.best = moved

    def _watch(self, moved: Tensor) -> Seen:
        return self._counted(self.watch, moved, gradient=False)

    def _counted(self, passes: Passes, moved: Tensor, gradient: bool) -> Seen:
        labels = self.labels[self.active]
        self.forwards[self.active] += passes.draws
        if not gradient:
            return passes.forward(moved, labels)
        self.backwards[self.active] += passes.draws
        return passes.gradient(moved, labels, self.loss)

    def _record(self, seen: Seen, curve: bool) -> None:
        if curve:
            row = torch.full_like(self.worst, math.nan)
            row[self.active] = seen.loss
            self.losses.append(row)

    def _settle(self, judged: Tensor, following: Tensor, seen: Seen) -> Tensor:
        """Keep what is worse than before, let fooled images go; return what follows for the others."""
        worse = seen.margin > self.worst[self.active]
        if self.leaves:
            worse |= seen.fooled
        kept = self.active[worse]
        self.best[kept], self.worst[kept] = judged[worse], seen.margin[worse]
        if not self.leaves:
            return following
        self.fooled[self.active] |= seen.fooled
        if not bool(seen.fooled.any()):
            return following
        stay = ~seen.fooled
        self.active = self.active[stay]
        return following[stay]

    def result(self, curve: bool) -> Attacked:
        if self.leaves:
            verdict = Verdict((~self.fooled).to(self.labels), 1)
        else:
            verdict = judge(self.model, self.best, self.labels, draws=self.options.verdicts, key=self.key)
            self.forwards += self.options.verdicts
        losses = self._curve() if curve else None
        return Attacked(self.best, verdict, self.forwards, self.backwards, losses)

    def _curve(self) -> Tensor:
        rows = [*self.losses]
        while len(rows) <= self.options.steps:
            rows.append(torch.full_like(self.worst, math.nan))
        return torch.stack(rows)
