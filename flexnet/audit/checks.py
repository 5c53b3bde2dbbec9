"""The checks of the audit: each takes the bench and gives a finding. What they ask for: `rules.RULES`."""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from flexnet.attacks.balls import Ball
from flexnet.attacks.fgsm import input_gradient
from flexnet.attacks.hopskipjump import hopskipjump
from flexnet.attacks.keys import position_batches
from flexnet.attacks.passes import named_draws
from flexnet.attacks.repeats import batched
from flexnet.attacks.square import square_attack
from flexnet.attacks.suite import fitting, suite
from flexnet.audit.bench import DRAWS, Bench
from flexnet.audit.findings import Finding
from flexnet.audit.gates import copied, frozen, softened
from flexnet.options.iterated import PgdOptions, SquareOptions

SHARPNESSES = (1.0, 5.0, 10.0)
STOCHASTIC = "the model is stochastic, and this attack trusts single answers"


def zero_gradients(bench: Bench) -> Finding:
    """Share of rightly answered images whose gradient is exactly zero, and of zeros among all values."""
    zero, zeros = [], []
    seed = bench.key.purpose("zero gradients")
    for part in position_batches(len(bench.images), bench.batch_size):
        with named_draws(bench.model, seed, bench.images.device):
            gradient = input_gradient(bench.model, bench.images[part], bench.labels[part])
        zero.append((gradient == 0).flatten(1).all(1))
        zeros.append((gradient == 0).double().mean((1, 2, 3)))
    blind = torch.cat(zero) & bench.clean
    value = float(blind.sum()) / max(1, int(bench.clean.sum()))
    return Finding("zero_gradients", value, {"share of values": [float(torch.cat(zeros).mean())]})


def single_step(bench: Bench) -> Finding:
    """One step of the size of the ball from the clean image, against the reference."""
    options = PgdOptions(steps=1, step=max(bench.ball.epsilon, 1e-12), start="clean", scoring="last")
    found = bench.attack(replace(options, verdicts=bench.verdicts))
    return _beyond(bench, "single_step", found.fooled & bench.clean)


def noise(bench: Bench) -> Finding:
    """Random points of the ball, ten inside and ten at its rim."""
    fooled = torch.zeros_like(bench.labels, dtype=torch.bool)
    for repeat in range(20):
        key = bench.key.retry(repeat)
        draws = (key.uniform(bench.images, "noise"), key.normal(bench.images, "noise direction"))
        place = bench.ball.inner if repeat < 10 else bench.ball.surface
        moved = bench.ball.project(place(bench.images, *draws), bench.images)
        fooled |= bench.judged(moved, key)
    return _beyond(bench, "noise", fooled & bench.clean)


def transfer(bench: Bench) -> Finding:
    """The gradients of other networks, together."""
    others = [other for other in (bench.twin, bench.surrogate) if other is not None]
    if not others:
        return Finding("transfer", None, note="no other network was given")
    fooled = torch.stack([bench.attack(bench.options, source=other).fooled for other in others]).any(0)
    return _beyond(bench, "transfer", fooled)


def black_box(bench: Bench) -> Finding:
    """The square attack."""
    if bench.stochastic:
        return Finding("black_box", None, note=STOCHASTIC)
    attack = batched(partial(square_attack, options=SquareOptions(queries=bench.queries)), bench.batch_size)
    fooled = attack(bench.model, bench.images, bench.labels, bench.ball, key=bench.key).fooled
    return _beyond(bench, "black_box", fooled)


def decision(bench: Bench) -> Finding:
    """HopSkipJump on the first few images; of those asked, the share that only it fools, less one image.

    Among so few, one image more is luck and not counted; the evidence has the number as it is.
    """
    if bench.stochastic:
        return Finding("decision", None, note=STOCHASTIC)
    asked = torch.nonzero(bench.clean).flatten()[: bench.few]
    if len(asked) < 2:
        return Finding(
            "decision", None, note="fewer than two images are right, and the attack may be lucky with one"
        )
    left = asked[~bench.white[asked]]
    if not len(left):
        return Finding("decision", 0.0, {"images": [0.0], "fooled": [0.0]})
    key = bench.key.part(left.tolist(), len(bench.images))
    given = bench.model, bench.images[left], bench.labels[left], bench.ball
    found = hopskipjump(*given, key=key, batch_size=bench.batch_size)
    fooled = torch.zeros_like(bench.white)
    fooled[left] = found.fooled
    bench.remember(fooled)
    number = int(found.fooled.sum())
    evidence = {"images": [float(len(left))], "fooled": [float(number)]}
    return Finding("decision", max(0, number - 1) / len(asked), evidence)


def softened_gate(bench: Bench) -> Finding:
    """The gradient of softer gates, the worst of several slopes."""
    values = []
    for sharpness in SHARPNESSES:
        source = softened(bench.model, sharpness)
        if source is None:
            return Finding("softened_gate", None, note="no layer has a gate that depends on its input")
        values.append(bench.beyond(bench.attack(bench.options, source=source).fooled))
    return Finding("softened_gate", max(values), {"s": SHARPNESSES, "share": values})


def frozen_gate(bench: Bench) -> Finding:
    """The gradient with constant gates, or of one mask that stays."""
    source = frozen(bench.model)
    if source is None:
        return Finding("frozen_gate", None, note="no layer has a gate or a random mask")
    return _beyond(bench, "frozen_gate", bench.attack(bench.options, source=source).fooled)


def float64(bench: Bench) -> Finding:
    """The reference attack in float64, with the same draws."""
    if bench.images.dtype == torch.float64:
        return Finding("float64", None, note="the images are float64 already")
    space = bench.ball.space
    wide = type(space)(space.scale.double(), space.low.double(), space.high.double())
    twin = replace(
        bench,
        model=copied(bench.model).double(),
        images=bench.images.double(),
        ball=replace(bench.ball, space=wide),
        twin=None,
        surrogate=None,
    )
    return _beyond(bench, "float64", twin.white)


def expectation(bench: Bench) -> Finding:
    """The gradient averaged over draws of a stochastic model."""
    if not bench.stochastic:
        return Finding("expectation", None, note="the model is deterministic")
    return _beyond(bench, "expectation", bench.attack(bench.averaged()).fooled)


def strongest(bench: Bench) -> Finding:
    """The standard suite."""
    options = fitting(bench.classes, DRAWS if bench.stochastic else 1)
    whole = (bench.model, bench.images, bench.labels, bench.ball, options)
    found = suite(*whole, key=bench.key, batch_size=bench.batch_size)
    value = bench.beyond(found.found.fooled)
    return Finding("suite", value, {name: [share] for name, share in found.robust_accuracy.items()})


def epsilon(bench: Bench) -> Finding:
    """Accuracy over balls that grow to the whole range."""
    sizes = [bench.ball.epsilon * factor for factor in (1, 2, 4)]
    space, whole = bench.ball.space, bench.ball.widest(bench.images)
    sizes = [size for size in sizes if size < whole] + [whole]
    balls = [Ball(size, space, bench.ball.norm) for size in sizes]
    left = [bench.accuracy(bench.attack(bench.options, ball=ball).fooled) for ball in balls]
    above = max(0.0, left[-1] - 1 / bench.classes)
    return Finding("epsilon", above, {"epsilon": sizes, "accuracy": left})


def steps(bench: Bench) -> Finding:
    """Accuracy over numbers of steps, to twice that of the reference."""
    numbers = [max(1, bench.steps * part // 4) for part in (1, 2, 4, 8)]
    left = [bench.accuracy(_fooled(bench, replace(bench.options, steps=number))) for number in numbers]
    return Finding("steps", max(0.0, left[-2] - left[-1]), {"steps": numbers, "accuracy": left})


def restarts(bench: Bench) -> Finding:
    """Accuracy over restarts: 1, 2, 4."""
    fooled, left = bench.cross_entropy.clone(), [bench.accuracy(bench.cross_entropy)]
    for repeat in range(1, 4):
        fooled |= bench.attack(bench.options, key=bench.key.retry(repeat)).fooled
        left.append(bench.accuracy(fooled))
    return Finding("restarts", left[1] - left[3], {"restarts": [1, 2, 3, 4], "accuracy": left})


def monotone(bench: Bench) -> Finding:
    """The mean loss over the steps of the reference attack, nobody leaving."""
    found = bench.attack(replace(bench.options, scoring="last"), curve=True)
    assert found.losses is not None
    mean = found.losses.double().mean(1)
    change = mean.diff()
    rise, fall = float(change.clamp_min(0).sum()), float((-change).clamp_min(0).sum())
    value = min(1.0, fall / rise) if rise > 0 else 1.0
    return Finding("monotone", value, {"loss": mean.tolist()})


def _fooled(bench: Bench, options: PgdOptions) -> Tensor:
    return bench.cross_entropy if options == bench.options else bench.attack(options).fooled


def _beyond(bench: Bench, check: str, fooled: Tensor) -> Finding:
    value = bench.beyond(fooled)
    accuracies = [bench.accuracy(bench.white), bench.accuracy(fooled | ~bench.clean)]
    return Finding(check, value, {"accuracy under the reference and this": accuracies})
