"""What an attack climbs: losses of logits (N, K) and labels (N,), one value per image.

Attacks take the sum over the batch, so the gradient at one image never depends on its neighbours. The
released code takes the mean; the positive factor between them leaves the sign of a gradient alone.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from flexnet.by_name import ByName
from flexnet.errors import ConfigError

Loss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of the softmax, (N,), in [0, inf)."""
    return F.cross_entropy(logits, labels, reduction="none")


def negative_logit(logits: Tensor, labels: Tensor) -> Tensor:
    """Minus the logit of the true class, (N,).

    The authors' released code applies a negative log-likelihood loss to raw logits, which is this.
    It lowers the true class without regard to the class that would win instead.
    """
    return -logits.gather(1, labels[:, None]).squeeze(1)


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Largest logit of another class minus the logit of the true class, (N,): positive when fooled.

    Unlike cross entropy its gradient does not vanish for very confident models (Carlini and Wagner
    2017; without the rescaling of the DLR loss, a positive factor per image).
    """
    true = logits.gather(1, labels[:, None]).squeeze(1)
    other = logits.scatter(1, labels[:, None], -torch.inf).amax(dim=1)
    return other - true


LOSSES: ByName[Loss] = {
    "cross_entropy": cross_entropy,
    "negative_logit": negative_logit,
    "margin": margin,
}


def loss_by_name(name: str) -> Loss:
    """The loss called `name`.

    Raises:
        ConfigError: if there is none of that name.
    """
    if not isinstance(name, str) or name not in LOSSES:
        raise ConfigError(
            f"loss of an attack: expected one of {sorted(LOSSES)}; got {name!r}; name one of them"
        )
    return LOSSES[name]
