"""Adversarial training (Madry et al. 2018): each batch is attacked as the network stands before its step."""

from collections.abc import Iterable, Iterator

from torch import Tensor, nn

from flexnet.attacks.balls import Ball
from flexnet.attacks.keys import Key
from flexnet.attacks.pgd import pgd
from flexnet.layers.tracing import evaluation_mode
from flexnet.options.iterated import PgdOptions

PGD7 = PgdOptions(steps=7, scoring="last")


def adversarial_batches(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    ball: Ball,
    options: PgdOptions = PGD7,
    *,
    key: Key | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches moved by PGD on the model as it is when the batch is asked for.

    The attack sees the model in evaluation mode and leaves its modes, statistics and gradients alone.

    Args:
        model: the network in training.
        batches: images in [0, 1] (n, C, H, W) with labels (n,), such as `epoch_batches` yields.
        ball: how far the attack may go.
        options: of the attack; the default is PGD-7 from a random start.
        key: names the random starts: seed of the training and, as repeat, the epoch.

    Raises:
        ConfigError: if the model or a batch cannot be attacked.
        NumericalError: if a logit, a loss or a gradient is NaN or infinite.
    """
    key, first = Key() if key is None else key, 0
    for images, labels in batches:
        places = Key(key.seed, tuple(range(first, first + len(images))), key.repeat)
        with evaluation_mode(model):
            moved = pgd(model, images, labels, ball, options, key=places).images
        first += len(images)
        yield moved, labels
