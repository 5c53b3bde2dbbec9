"""Losses of the parameter-free attacks: ratios of differences of logits (Croce and Hein 2020).

Cross entropy fades for confident models, and differences of logits grow with the scale of the logits. A ratio
of two differences does neither, so its gradient survives logits that saturate the softmax.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from flexnet.attacks.losses import Loss, loss_by_name, margin
from flexnet.by_name import ByName

TINY = 1e-12
LEAST = {"dlr": 3, "targeted_dlr": 4}  # classes that the denominators need


def dlr(logits: Tensor, labels: Tensor) -> Tensor:
    """Difference of logits ratio, (N,): the margin over the distance of the first and the third logit."""
    top = logits.topk(3, dim=1).values
    return margin(logits, labels) / (top[:, 0] - top[:, 2] + TINY)


def targeted_dlr(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """The ratio towards one other class, (N,): z_target - z_true, over the first less third and fourth.

    Args:
        logits: (N, K), with at least 4 classes.
        labels: true classes, (N,).
        targets: classes to reach, (N,).
    """
    top = logits.topk(4, dim=1).values
    gap = logits.gather(1, targets[:, None]) - logits.gather(1, labels[:, None])
    return gap.squeeze(1) / (top[:, 0] - 0.5 * (top[:, 2] + top[:, 3]) + TINY)


RATIOS: ByName[Callable[..., Tensor]] = {"dlr": dlr, "targeted_dlr": targeted_dlr}


def apgd_loss(name: str, targets: Tensor) -> Loss:
    """The loss called `name`, towards the given classes if it is a targeted one."""
    if name == "targeted_dlr":
        return partial(targeted_dlr, targets=targets)
    return RATIOS[name] if name in RATIOS else loss_by_name(name)


def likely_targets(logits: Tensor, labels: Tensor, number: int) -> Tensor:
    """The most likely other classes of each image, (N, at most `number`), the likeliest first."""
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return others.argsort(dim=1, descending=True)[:, : min(number, logits.shape[1] - 1)]
