import pytest
import torch

from flexnet.attacks.losses import LOSSES, loss_by_name
from flexnet.errors import ConfigError

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.5, 3.0, 3.5]])
LABELS = torch.tensor([0, 1])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # log(1 + e^-2 + e^-3) and log(1 + e^-2.5 + e^0.5)
        ("cross_entropy", [0.1698460, 1.0045969]),
        ("negative_logit", [-2.0, -3.0]),
        ("margin", [-2.0, 0.5]),
    ],
)
def test_values_by_hand(name, expected):
    assert loss_by_name(name)(LOGITS, LABELS).tolist() == pytest.approx(expected, abs=1e-6)


def test_margin_is_positive_exactly_when_fooled():
    logits = torch.randn(200, 10, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(200) % 10
    fooled = logits.argmax(1) != labels
    assert torch.equal(LOSSES["margin"](logits, labels) > 0, fooled)


def test_unknown_name():
    with pytest.raises(
        ConfigError, match=r"loss of an attack: expected one of \['cross_entropy', .*got 'nll'"
    ):
        loss_by_name("nll")
