"""Attacks over whole sets of images, in batches, again and again, and one after another."""

from typing import Protocol

import torch
from torch import Tensor, nn

from flexnet.attacks.balls import Ball
from flexnet.attacks.checks import check_count
from flexnet.attacks.keys import Key, position_batches
from flexnet.attacks.results import Attacked, joined
from flexnet.attacks.verdicts import Verdict, judge


class Attack(Protocol):
    """Any attack of this package, its options bound by `functools.partial`."""

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, ball: Ball, *, key: Key) -> Attacked:
        """Attack one batch."""
        ...


def batched(attack: Attack, batch_size: int) -> Attack:
    """The attack in batches of at most `batch_size` images; each image ends as it would in any other batch.

    Raises:
        ConfigError: if `batch_size` is below 1.
    """
    check_count("batch size of an attack", batch_size)

    def run(model: nn.Module, images: Tensor, labels: Tensor, ball: Ball, *, key: Key) -> Attacked:
        if len(images) <= batch_size:
            return attack(model, images, labels, ball, key=key)
        parts = position_batches(len(images), batch_size)
        results = [
            attack(model, images[part], labels[part], ball, key=key.part(part, len(images))) for part in parts
        ]
        return joined(results)

    return run


def unattacked(verdicts: int) -> Attack:
    """No attack: the verdict on the images as they are, of so many draws."""

    def run(model: nn.Module, images: Tensor, labels: Tensor, ball: Ball, *, key: Key) -> Attacked:
        verdict = judge(model, images, labels, draws=verdicts, key=key)
        return Attacked(images, verdict, torch.full_like(labels, verdicts), torch.zeros_like(labels))

    return run


def repeated(
    attack: Attack, repeats: int, model: nn.Module, images: Tensor, labels: Tensor, ball: Ball, key: Key
) -> list[Attacked]:
    """Each of several repeats by itself: what a protocol averages over.

    Raises:
        ConfigError: if `repeats` is below 1, or as the attack.
    """
    number = check_count("repeats of an attack", repeats)
    return [attack(model, images, labels, ball, key=key.again(repeat)) for repeat in range(number)]


def restarted(attack: Attack, restarts: int) -> Attack:
    """The worst of several runs with other draws, each on the images that withstood those before.

    Verdicts on a stochastic model are of the same draws in all of them, see `Key`; where a model draws for
    each image of a batch apart, the images that are left draw others.

    Raises:
        ConfigError: if `restarts` is below 1.
    """
    number = check_count("restarts of an attack", restarts)

    def run(model: nn.Module, images: Tensor, labels: Tensor, ball: Ball, *, key: Key) -> Attacked:
        found = attack(model, images, labels, ball, key=key)
        for repeat in range(1, number):
            found = standing(attack, found, model, images, labels, ball, key.retry(repeat))
        return found

    return run


def standing(
    attack: Attack, found: Attacked, model: nn.Module, images: Tensor, labels: Tensor, ball: Ball, key: Key
) -> Attacked:
    """Attack the images that withstood so far; `found` with what is new or, judged by draws, worse."""
    left = torch.nonzero(~found.fooled).flatten()
    if not len(left):
        return found
    new = attack(model, images[left], labels[left], ball, key=key.part(left.tolist(), len(images)))
    moved, right = found.images.clone(), found.verdict.right.clone()
    worse = new.fooled | (new.verdict.right < right[left])
    hit = left[worse]
    moved[hit], right[hit] = new.images[worse], new.verdict.right[worse]
    forwards, backwards = found.forwards.clone(), found.backwards.clone()
    forwards[left] += new.forwards
    backwards[left] += new.backwards
    return Attacked(moved, Verdict(right, found.verdict.draws), forwards, backwards)
