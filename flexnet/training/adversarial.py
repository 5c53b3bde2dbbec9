"""Adversarial training (Madry et al. 2018): each batch is attacked as the network stands before its step."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from torch import Tensor, nn

from flexnet.attacks.balls import Ball
from flexnet.attacks.keys import Key
from flexnet.attacks.pgd import pgd
from flexnet.attacks.spaces import Space
from flexnet.by_name import ByName
from flexnet.layers.tracing import evaluation_mode
from flexnet.options.adversarial import ADVERSARIES
from flexnet.options.iterated import PgdOptions
from flexnet.options.rules import made

Batches: TypeAlias = Iterable[tuple[Tensor, Tensor]]

PGD7 = PgdOptions(steps=7, scoring="last")


def adversarial_batches(
    model: nn.Module,
    batches: Batches,
    ball: Ball,
    options: PgdOptions = PGD7,
    *,
    key: Key | None = None,
    first: int = 0,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches moved by PGD on the model as it is when the batch is asked for.

    The attack sees the model in evaluation mode and leaves its modes, statistics and gradients alone.

    Args:
        model: the network in training.
        batches: images in [0, 1] (n, C, H, W) with labels (n,), such as `epoch_batches` yields.
        ball: how far the attack may go.
        options: of the attack; the default is PGD-7 from a random start.
        key: names the random starts: seed of the training and, as repeat, the epoch.
        first: place of the first image in the epoch, if batches before it were left out.

    Raises:
        ConfigError: if the model or a batch cannot be attacked.
        NumericalError: if a logit, a loss or a gradient is NaN or infinite.
    """
    key = Key() if key is None else key
    for images, labels in batches:
        places = Key(key.seed, tuple(range(first, first + len(images))), key.repeat)
        with evaluation_mode(model):
            moved = pgd(model, images, labels, ball, options, key=places).images
        first += len(images)
        yield moved, labels


def _pgd(
    model: nn.Module, batches: Batches, told: Mapping[str, Any], seed: int, epoch: int, first: int
) -> Iterator[tuple[Tensor, Tensor]]:
    options, key = made(ADVERSARIES, told), Key(seed, repeat=epoch)
    for images, labels in batches:
        ball = Ball(options.epsilon, Space.pixel(images.shape[1]).to(images.device), options.norm)
        batch = [(images, labels)]
        yield from adversarial_batches(model, batch, ball, options.attack(), key=key, first=first)
        first += len(images)


Adversary: TypeAlias = Callable[
    [nn.Module, Batches, Mapping[str, Any], int, int, int], Iterator[tuple[Tensor, Tensor]]
]
# By the kind that a recipe names: what trains without one depends on no attack.
KINDS: ByName[Adversary] = {"pgd": _pgd}


def hardened(
    model: nn.Module, batches: Batches, told: Mapping[str, Any], *, seed: int, epoch: int, first: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches moved as the key `adversarial` of a recipe tells.

    Args:
        model: as for `adversarial_batches`.
        batches: as for `adversarial_batches`.
        told: a kind of `flexnet.options.adversarial` with its options.
        seed: of the training's attacks.
        epoch: counted from 1; each has other random starts.
        first: as for `adversarial_batches`.

    Raises:
        ConfigError: as `adversarial_batches`.
        NumericalError: as `adversarial_batches`.
    """
    return KINDS[told["kind"]](model, batches, told, seed, epoch, first)
