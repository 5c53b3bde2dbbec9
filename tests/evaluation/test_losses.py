"""FGSM along several losses: each is that attack, and a loss of its own."""

from typing import Any

import pytest
import torch
from subjects import right_about
from torch import Tensor, nn

from flexnet.errors import ConfigError, NumericalError
from flexnet.evaluation import fgsm, losses
from flexnet.evaluation.subject import Job, Subject

RULES: dict[str, Any] = {
    "space": "pixel",
    "clamp": "valid",
    "loss": "cross_entropy",
    "epsilons": [0, 0.02, 0.1],
}
LOSSES = ["margin", "negative_logit"]
IMAGES = torch.randint(0, 256, (90, 1, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def subject(sure: float = 1.0, **layer: Any) -> Subject:
    """A network that is right about all images; `sure` multiplies its logits."""
    found = right_about(IMAGES, **({"layer": layer} if layer else {}))
    found.model.register_forward_hook(lambda _module, _images, logits: logits * sure)
    return found


def rows(asked: Subject, **changes: Any) -> list[dict[str, Any]]:
    rules = {**RULES, "losses": LOSSES, **changes}
    return [answer.row() for answer in losses.evaluate(asked, rules, None, Job("corrected", 100))]


@pytest.mark.parametrize("layer", [{}, {"kind": "flexible", "scheme": "random"}])
def test_along_each_loss_it_is_fgsm(layer: dict[str, Any]) -> None:
    asked, draws = subject(**layer), {"draws": 2, "eot_draws": 2}
    found = rows(asked, **draws)
    for loss in ("cross_entropy", *LOSSES):
        alone = {**RULES, **draws, "loss": loss}
        same = [answer.row() for answer in fgsm.evaluate(asked, alone, None, Job("corrected", 100))]
        assert [row for row in found if row["objective"] == loss] == [
            {"objective": loss, **row} for row in same
        ]
    assert len(found) == 3 * 3 * (2 if layer else 1)
    right = {loss: tuple(row["correct"] for row in found if row["objective"] == loss) for loss in LOSSES}
    assert right["margin"] != right["negative_logit"]


def test_where_cross_entropy_has_no_gradient_the_margin_has() -> None:
    """Of logits a thousand times as large the softmax is exactly 0 and 1."""
    found = {(row["objective"], row["epsilon"]): row["accuracy"] for row in rows(subject(sure=1000.0))}
    plain = {(row["objective"], row["epsilon"]): row["accuracy"] for row in rows(subject())}
    assert found["cross_entropy", 0.1] > plain["cross_entropy", 0.1] + 0.2
    for epsilon in (0.02, 0.1):
        assert found["margin", epsilon] == plain["margin", epsilon]


class Broken(nn.Module):
    """Another network whose logits are infinite where an image is bright."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.normalise = network.normalise

    def forward(self, images: Tensor) -> Tensor:
        return torch.where(images.amax((1, 2, 3)) > 0.999, torch.inf, self.network(images).T).T


def test_logits_that_are_not_finite_stop_it_with_the_loss() -> None:
    asked = subject()
    broken = Subject(Broken(asked.model), asked.run, asked.scored)
    with pytest.raises(
        NumericalError, match=r"m seed 1, loss cross_entropy, protocol corrected, epsilon .*of 90"
    ):
        rows(broken)


def test_the_loss_of_the_attack_comes_first_and_once() -> None:
    for losses_asked in (["margin", "cross_entropy"], ["margin"]):
        found = rows(subject(), losses=losses_asked, epsilons=[0])
        assert [row["objective"] for row in found] == ["cross_entropy", "margin"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["hinge"], "losses.0: expected one of"),
        (["margin", "margin"], "none of them twice"),
        ([], "at least one"),
    ],
)
def test_what_is_no_loss_is_refused(asked: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        rows(subject(), losses=asked)
