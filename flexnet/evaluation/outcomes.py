"""Whether a model was right about an image: yes, no, or it gave no number that could be judged.

A logit that is NaN still has an argmax (class 0, or its own), and an image that was moved by a NaN gradient
still has a class. Neither is an answer. Such images are marked here and stop the job, once they are counted.
"""

import torch
from torch import Tensor

from flexnet.attacks.checks import finite_images

RIGHT, WRONG, BROKEN = 1, 0, -1


def judge_logits(logits: Tensor, labels: Tensor) -> Tensor:
    """Outcome of each image: RIGHT, WRONG or, where a logit is NaN or infinite, BROKEN.

    Args:
        logits: (repeats * N, K), all images of the first repeat first.
        labels: true classes, (N,).

    Returns:
        int8, (repeats, N).
    """
    shape = (-1, len(labels))
    right = (logits.argmax(dim=1).view(shape) == labels).to(torch.int8)
    return right.masked_fill(~finite_images(logits).view(shape), BROKEN)


def mark_broken(outcomes: Tensor, finite: Tensor) -> Tensor:
    """The outcomes (..., N), BROKEN where an image is not finite (N,)."""
    return outcomes.masked_fill(~finite, BROKEN)
