"""Auto-PGD (Croce and Hein 2020, Algorithm 1): PGD with momentum and a step that halves where it stalls."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from flexnet.attacks.balls import Ball
from flexnet.attacks.keys import Key
from flexnet.attacks.passes import Passes, Seen, attacking, check_attacked
from flexnet.attacks.pool import Pool
from flexnet.attacks.ratios import LEAST, apgd_loss, likely_targets
from flexnet.attacks.results import Attacked
from flexnet.attacks.verdicts import require_deterministic
from flexnet.errors import ConfigError
from flexnet.options.iterated import ApgdOptions

STANDARD = ApgdOptions()
ADVICE = "average over draws: ApgdOptions(draws=20, verdicts=20)"
MOMENTUM, RISING = 0.75, 0.75  # the paper's alpha and rho
FIRST, LESS, SHORTEST = 0.22, 0.03, 0.06  # of all steps: first check, and how intervals shrink


def apgd(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    ball: Ball,
    options: ApgdOptions = STANDARD,
    *,
    key: Key | None = None,
) -> Attacked:
    """Attack a batch of images with Auto-PGD.

    Images leave once they are fooled, which changes no verdict. Of a stochastic model the loss, the gradient
    and the margin are means over draws, all images stay, and fresh draws judge the worst iterate.

    Args:
        model: in evaluation mode, from images in [0, 1] to logits (N, K).
        images: in [0, 1], (N, C, H, W), float32 or float64.
        labels: true classes, (N,), int64.
        ball: how far the attack may go.
        options: loss, steps, restarts, classes and draws.
        key: names the random starts and the draws of a stochastic model.

    Raises:
        ConfigError: if an argument is something else, the loss needs more classes, or a stochastic model is
            attacked and judged by single draws.
        NumericalError: if a logit, the loss or the gradient is NaN or infinite.
    """
    key = Key() if key is None else key
    highest = check_attacked(model, images, labels, ball, key)
    if options.draws == 1 or options.verdicts == 1:
        require_deterministic(model, images, "apgd", ADVICE)
    leaves = options.draws == options.verdicts == 1
    with attacking(images, model):
        pool = Pool(images.detach(), labels, leaves=leaves)
        passes = Passes(model, key, f"apgd {options.loss}", highest, options.draws, fixed=leaves)
        targets = _targets(pool, passes, options)
        runs = targets.shape[1] if options.loss == "targeted_dlr" else 1
        for run in range(options.restarts * runs):
            if len(pool):
                _run(pool, passes, ball, options, key, targets[:, run % runs], run)
        return pool.result(model, options.verdicts, key)


def _targets(pool: Pool, passes: Passes, options: ApgdOptions) -> Tensor:
    """Judge the clean images; return the likeliest other classes of each, (N, targets)."""
    seen = passes.forward(pool.images, pool.labels)
    classes, least = seen.logits.shape[1], LEAST.get(options.loss, 2)
    if classes < least:
        raise ConfigError(
            f"loss of apgd: expected at least {least} classes for {options.loss}; got {classes}; use margin"
        )
    pool.count(passes.draws)
    pool.settle(pool.images, seen)
    return likely_targets(seen.logits, pool.labels, options.targets)


@dataclass
class _State:
    """What each active image carries from step to step (the names of Algorithm 1 behind).

    Attributes:
        now: iterate x(k).
        before: iterate x(k-1).
        gradient: at `now`.
        top: highest loss so far, f_max.
        at_top: iterate with that loss, x_max.
        gradient_at_top: gradient there.
        size: step size eta, (n, 1, 1, 1).
        last: loss of the last step.
        rises: steps since the last check in which the loss rose.
        top_at_check: f_max at the last check.
        halved: whether the size was halved there.
    """

    now: Tensor
    before: Tensor
    gradient: Tensor
    top: Tensor
    at_top: Tensor
    gradient_at_top: Tensor
    size: Tensor
    last: Tensor
    rises: Tensor
    top_at_check: Tensor
    halved: Tensor

    def keep(self, stay: Tensor | None) -> None:
        """Drop the images that do not stay."""
        if stay is not None:
            for name, value in vars(self).items():
                setattr(self, name, value[stay])

    def see(self, seen: Seen) -> None:
        """Take up loss and gradient at the new iterate."""
        self.rises += seen.loss > self.last
        self.last, self.gradient = seen.loss, seen.gradient
        higher = seen.loss > self.top
        self.top = torch.where(higher, seen.loss, self.top)
        self.at_top[higher], self.gradient_at_top[higher] = self.now[higher], seen.gradient[higher]

    def check(self, interval: int) -> None:
        """Halve the steps of images that oscillate or stall, and take those back to their best iterate."""
        stalled = ~self.halved & (self.top_at_check >= self.top)
        self.halved = (self.rises <= RISING * interval) | stalled
        self.top_at_check, self.rises = self.top.clone(), torch.zeros_like(self.rises)
        back = self.halved.view(-1, 1, 1, 1)
        self.size = torch.where(back, self.size / 2, self.size)
        self.now = torch.where(back, self.at_top, self.now)
        self.gradient = torch.where(back, self.gradient_at_top, self.gradient)


def _run(
    pool: Pool, passes: Passes, ball: Ball, options: ApgdOptions, key: Key, targets: Tensor, run: int
) -> None:
    """One run from a random point at the rim of the ball."""
    named = key.part(pool.active.tolist(), len(pool.images))
    clean = pool.clean
    draws = (named.uniform(clean, "apgd", run), named.normal(clean, "apgd", run))
    start = ball.project(ball.surface(clean, *draws), clean)
    seen = _seen(pool, passes, options, start, targets)
    state = _begin(start, seen, 2 * ball.epsilon)
    state.keep(pool.settle(start, seen))
    intervals = _Intervals(options.steps)
    since, interval = 0, next(intervals)
    for step in range(options.steps):
        if not len(pool):
            return
        _advance(state, ball, pool.clean, 1.0 if step == 0 else MOMENTUM)
        seen = _seen(pool, passes, options, state.now, targets)
        state.see(seen)
        state.keep(pool.settle(state.now, seen))
        since += 1
        if since == interval and len(pool):
            state.check(interval)
            since, interval = 0, next(intervals)


class _Intervals:
    """Steps between two checks of the step size: 22 % of all, then 3 % fewer each time, at least 6 %."""

    def __init__(self, steps: int) -> None:
        self.next = max(int(FIRST * steps), 1)
        self.less, self.least = max(int(LESS * steps), 1), max(int(SHORTEST * steps), 1)

    def __next__(self) -> int:
        now, self.next = self.next, max(self.next - self.less, self.least)
        return now


def _seen(pool: Pool, passes: Passes, options: ApgdOptions, now: Tensor, targets: Tensor) -> Seen:
    pool.count(passes.draws, passes.draws)
    return passes.gradient(now, pool.truth, apgd_loss(options.loss, targets[pool.active]))


def _begin(start: Tensor, seen: Seen, size: float) -> _State:
    return _State(
        now=start.clone(),
        before=start.clone(),
        gradient=seen.gradient,
        top=seen.loss,
        at_top=start.clone(),
        gradient_at_top=seen.gradient.clone(),
        size=torch.full_like(start[:, :1, :1, :1], size),
        last=seen.loss,
        rises=torch.zeros_like(seen.loss),
        top_at_check=seen.loss.clone(),
        halved=torch.ones_like(seen.fooled),
    )


def _advance(state: _State, ball: Ball, clean: Tensor, share: float) -> None:
    """One step and its momentum: x(k+1) = P(x(k) + a (z - x(k)) + (1 - a)(x(k) - x(k-1)))."""
    ahead = ball.project(ball.step(state.now, state.gradient, state.size), clean)
    moved = state.now + share * (ahead - state.now) + (1 - share) * (state.now - state.before)
    state.before, state.now = state.now, ball.project(moved, clean)
