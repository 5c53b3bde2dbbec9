"""Targeted fast adaptive boundary attack (Croce and Hein 2020, "Minimally distorted adversarial examples").

It looks for the nearest image of another class rather than for the highest loss in a ball: each step goes to
the linearised boundary and leans back towards the clean image. It needs no size of a step, and the scale of
the logits does not matter to it.
"""

import torch
from torch import Tensor, nn

from flexnet.attacks.balls import Ball
from flexnet.attacks.hyperplanes import TINY, to_hyperplane
from flexnet.attacks.keys import Key
from flexnet.attacks.passes import Passes, Seen, attacking, check_attacked
from flexnet.attacks.pool import Pool, narrowed
from flexnet.attacks.ratios import likely_targets
from flexnet.attacks.results import Attacked
from flexnet.attacks.verdicts import require_deterministic
from flexnet.options.iterated import FabOptions

STANDARD = FabOptions()
ADVICE = "attack stochastic models with apgd or pgd (draws=20, verdicts=20)"


def fab(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    ball: Ball,
    options: FabOptions = STANDARD,
    *,
    key: Key | None = None,
) -> Attacked:
    """Attack a batch of images with the boundary attack, towards one class after another.

    An image leaves as soon as another class is found within the ball.

    Args:
        model: deterministic, in evaluation mode, from images in [0, 1] to logits (N, K).
        images: in [0, 1], (N, C, H, W), float32 or float64.
        labels: true classes, (N,), int64.
        ball: how far the attack may go.
        options: steps, classes, restarts and the three constants of the paper.
        key: names the random starts.

    Raises:
        ConfigError: if an argument is something else, or the model is stochastic.
        NumericalError: if a logit or a gradient is NaN or infinite.
    """
    key = Key() if key is None else key
    highest = check_attacked(model, images, labels, ball, key)
    require_deterministic(model, images, "fab", ADVICE)
    with attacking(images, model):
        pool = Pool(images.detach(), labels)
        passes = Passes(model, key, "fab", highest, fixed=True)
        seen = passes.forward(pool.images, labels)
        pool.count(1)
        pool.settle(pool.images, seen)
        targets = likely_targets(seen.logits, labels, options.targets)
        for restart in range(options.restarts):
            for target in targets.T:
                if len(pool):
                    _run(pool, passes, ball, options, _start(pool, ball, key, restart), target)
        return pool.result(model, 1, key)


def _start(pool: Pool, ball: Ball, key: Key, restart: int) -> Tensor:
    """The image itself, and in later runs a random point within half the ball."""
    clean = pool.clean
    if not restart:
        return clean
    named = key.part(pool.active.tolist(), len(pool.images))
    point = ball.inner(clean, named.uniform(clean, "fab", restart), named.normal(clean, "fab", restart))
    return ball.clamp(clean + 0.5 * (point - clean))


def _run(pool: Pool, passes: Passes, ball: Ball, options: FabOptions, now: Tensor, target: Tensor) -> None:
    for _ in range(options.steps):
        truth, aim = pool.truth, target[pool.active]
        _, gap, gradient = passes.gradients(now, lambda logits, y=truth, t=aim: _gap(logits, y, t))  # type: ignore[misc]
        pool.count(1, 1)
        ahead = _ahead(now, pool.clean, gap, gradient, ball, options)
        seen = passes.forward(ahead, truth)
        pool.count(1)
        within = ball.distance(ahead, pool.clean) <= ball.epsilon
        clean = pool.clean
        stay = pool.settle(ahead, _only(seen, within))
        ahead, clean, fooled = narrowed(stay, ahead, clean, seen.fooled)
        if not len(pool):
            return
        # Beyond the boundary but outside the ball: start again nearer to the image.
        now = torch.where(fooled.view(-1, 1, 1, 1), clean + options.backward * (ahead - clean), ahead)


def _gap(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """How far the other class is ahead, (n,)."""
    return (logits.gather(1, targets[:, None]) - logits.gather(1, labels[:, None])).squeeze(1)


def _only(seen: Seen, within: Tensor) -> Seen:
    """What was seen, of images within the ball; the others are not yet fooled."""
    return Seen(
        seen.logits,
        seen.margin.where(within, -torch.inf),
        seen.fooled & within,
        seen.loss,
        seen.gradient,
    )


def _ahead(
    now: Tensor, clean: Tensor, gap: Tensor, gradient: Tensor, ball: Ball, options: FabOptions
) -> Tensor:
    """One step of Algorithm 1, in units of the space.

    Both the iterate and the clean image are projected to the boundary as it looks from the iterate; the step
    is a mean of the two, leaning to the clean image by the ratio of the distances.
    """
    space, shape = ball.space, now.shape
    weight = (gradient * space.scale).flatten(1)
    reach = ((now - clean) / space.scale).flatten(1)
    from_now = to_hyperplane(weight, -gap, *_box(now, ball), ball.norm)
    from_clean = to_hyperplane(weight, -gap + (weight * reach).sum(1), *_box(clean, ball), ball.norm)
    near, far = _size(from_now, ball), _size(from_clean, ball)
    lean = (near / (near + far).clamp_min(TINY)).clamp_max(options.bias)[:, None]
    along = reach + options.overshoot * from_now
    moved = (1 - lean) * along + lean * options.overshoot * from_clean
    return ball.clamp(clean + moved.view(shape) * space.scale)


def _box(images: Tensor, ball: Ball) -> tuple[Tensor, Tensor]:
    """How far each value may go down and up in units of the space, (n, d) each."""
    space = ball.space
    down, up = (space.low - images) / space.scale, (space.high - images) / space.scale
    return down.clamp_max(0).flatten(1), up.clamp_min(0).flatten(1)


def _size(delta: Tensor, ball: Ball) -> Tensor:
    return delta.abs().amax(1) if ball.norm == "linf" else delta.norm(dim=1)
