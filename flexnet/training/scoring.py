"""Rows of a training history: loss and accuracy of a network on a set of images."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from flexnet.inputs import trusted_inputs
from flexnet.training.batches import DeviceImages, to_unit
from flexnet.training.run import Run
from flexnet.training.streamed import parts

HISTORY = ("model", "seed", "epoch", "split", "n", "correct", "accuracy", "loss", "learning_rate")
EVALUATION_BATCH = 500


def history_row(run: Run, epoch: int, split: str, n: int, totals: Tensor, rate: float) -> dict[str, Any]:
    """History row of one epoch and split; `totals` holds summed loss and correct answers."""
    loss, correct = totals.tolist()
    return {
        "model": run.model,
        "seed": run.seed,
        "epoch": epoch,
        "split": split,
        "n": n,
        "correct": int(correct),
        "accuracy": correct / n,
        "loss": loss / n,
        "learning_rate": rate,
    }


def batch_totals(loss: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
    """Summed loss and number of correct answers of a batch, without reading anything back.

    A logit that is not finite makes the sum not finite, also where its loss is: an infinite logit of a
    wrong class leaves a finite loss, and of logits that are not numbers the first class wins.
    """
    correct = (logits.argmax(1) == labels).sum()
    broken = (logits.detach() * 0.0).sum()  # zero, or not a number: fewer operations than asking
    return torch.stack([loss.detach().double() * len(labels) + broken, correct.double()])


@torch.no_grad()
def score(
    forward: Callable[[Tensor], Tensor], data: DeviceImages, between: Callable[[], None] = lambda: None
) -> Tensor:
    """Summed loss and correct answers over a set of images; `between` is called after each batch."""
    totals = torch.zeros(2, dtype=torch.float64, device=data.labels.device)
    with trusted_inputs():
        batches = zip(parts(data.images, EVALUATION_BATCH), parts(data.labels, EVALUATION_BATCH), strict=True)
        for images, labels in batches:
            logits = forward(to_unit(images)).float()
            totals += batch_totals(F.cross_entropy(logits, labels), logits, labels)
            between()
    return totals
