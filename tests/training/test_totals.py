"""What is counted of a batch while it is trained on."""

import math

import pytest
import torch
from torch.nn import functional as F

from flexnet.training.scoring import batch_totals

LOGITS = torch.tensor([[3.0, -1e30, 0.5], [0.1, 0.2, 0.3], [-2.0, 1.0, 0.0]])
LABELS = torch.tensor([0, 1, 1])


def totals(logits: torch.Tensor) -> list[float]:
    return batch_totals(F.cross_entropy(logits.float(), LABELS), logits, LABELS).tolist()


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_loss_is_summed_and_correct_answers_are_counted(kind: torch.dtype) -> None:
    logits = LOGITS.to(kind)
    summed, correct = totals(logits.clone().requires_grad_())
    assert summed == pytest.approx(float(F.cross_entropy(logits.float(), LABELS, reduction="sum")))
    assert correct == 2


@pytest.mark.parametrize("broken", [math.inf, -math.inf, math.nan])
def test_a_logit_that_is_not_finite_is_not_silent(broken: float) -> None:
    logits = LOGITS.clone()
    logits[0, 1] = broken  # an infinite one of a wrong class can leave a finite loss
    assert math.isfinite(float(F.cross_entropy(logits, LABELS))) is (broken == -math.inf)
    assert not math.isfinite(totals(logits)[0])
