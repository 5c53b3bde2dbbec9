"""What PGD refuses, and what it says: arguments, models, options, balls."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flexnet.attacks.balls import Ball
from flexnet.attacks.keys import Key
from flexnet.attacks.pgd import pgd
from flexnet.attacks.repeats import batched
from flexnet.attacks.spaces import Space
from flexnet.errors import ConfigError, NumericalError
from flexnet.options.iterated import PgdOptions

TWO = Space.pixel(2)
LINF, L2 = Ball(0.1, TWO), Ball(0.8, TWO, "l2")


IMAGES = torch.rand(4, 2, 8, 8, generator=torch.Generator().manual_seed(0))
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "half": ({"images": IMAGES.half()}, "expected images in float32 or float64; got torch.float16"),
    "range": ({"images": IMAGES * 255}, "divide images of 0 to 255 by 255"),
    "normalised": ({"images": IMAGES * 4 - 2}, "before any normalisation"),
    "labels": ({"labels": torch.tensor([0, 1, 2, 6])}, "expected classes below 6.*; got 6"),
    "negative": ({"labels": torch.tensor([0, 1, 2, -1])}, "expected classes from 0 on; got -1"),
    "ball": ({"ball": 0.1}, "expected a Ball; got float; make one with Ball"),
    "channels": ({"ball": Ball(0.1, Space.pixel(3))}, "expected 3 channels; got 2"),
    "key": ({"key": 3}, "expected a Key; got int; use Key"),
    "places": ({"key": Key(0, (1, 2))}, "a place for each of 4 images; got 2"),
    "start": ({"start": IMAGES[:2]}, "start of an attack: expected torch.float32 of shape"),
    "source in training": ({"source": nn.Sequential(nn.Flatten(), nn.Linear(128, 6))}, "in training mode"),
}


@pytest.mark.parametrize("wrong", list(REFUSED))
def test_arguments_are_refused(learned: Any, wrong: str) -> None:
    changed, message = REFUSED[wrong]
    arguments = {"images": IMAGES, "labels": torch.arange(4), "ball": LINF, **changed}
    with pytest.raises(ConfigError, match=message):
        pgd(learned.model, **arguments)


def test_models_are_refused(learned: Any) -> None:
    given = (IMAGES, torch.arange(4), LINF)
    cut = nn.Sequential(Detached(), nn.Flatten(), nn.Linear(128, 6)).eval()
    with pytest.raises(ConfigError, match=r"cut off; .*without gradients .*source="):
        pgd(cut, IMAGES, cut(IMAGES).argmax(1), LINF)
    training = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(128, 6))
    with pytest.raises(ConfigError, match="training mode; call model.eval"):
        pgd(training, *given)
    broken = nn.Sequential(nn.Flatten(), nn.Linear(128, 6)).eval()
    with torch.no_grad():
        broken[1].bias[0] = math.nan
    with pytest.raises(NumericalError, match="4 of 4 images"):
        pgd(broken, *given)


class Detached(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.detach()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps: expected a whole number of at least 1; got 0"),
        ({"step": 0.0}, "step: expected a positive number"),
        ({"loss": "nll"}, "loss: expected one of"),
        ({"start": "uniform"}, "start: expected one of"),
        ({"scoring": "best"}, "scoring: expected one of"),
        ({"draws": 0}, "draws: expected a whole number"),
    ],
)
def test_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PgdOptions(**options)


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("epsilon", [-0.1, math.nan, math.inf, True, "8/255"])
def test_radii_are_refused(epsilon: Any, norm: str) -> None:
    with pytest.raises(ConfigError, match="epsilon of an attack: expected >= 0; got"):
        Ball(epsilon, TWO, norm)


def test_an_l2_ball_wider_than_the_range_is_refused(learned: Any) -> None:
    model, images, labels = learned
    widest = images[0].numel() ** 0.5
    pgd(model, images, labels, Ball(widest, TWO, "l2"), PgdOptions(steps=1))
    with pytest.raises(ConfigError, match="expected at most .* range of such images in l2; got 128"):
        pgd(model, images, labels, Ball(128, TWO, "l2"))


def test_balls_are_refused() -> None:
    with pytest.raises(ConfigError, match="norm of an attack: expected one of .*; got 'l1'"):
        Ball(0.1, TWO, "l1")
    with pytest.raises(ConfigError, match="divide grey levels"):
        Ball(8, TWO)
    with pytest.raises(ConfigError, match="expected a Space; got str"):
        Ball(0.1, "pixel")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="seed of a key: expected a whole number"):
        Key(0.5)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="batch size of an attack: expected >= 1"):
        batched(pgd, 0)
