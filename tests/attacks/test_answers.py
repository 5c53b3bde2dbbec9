"""What models give back, under every attack: logits of another precision or type, and no logits at all."""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flexnet.attacks import (
    ApgdOptions,
    Ball,
    FabOptions,
    HopSkipJumpOptions,
    PgdOptions,
    Space,
    SquareOptions,
    SuiteOptions,
    apgd,
    clamp_only,
    expected_gradient,
    fab,
    fgsm,
    hopskipjump,
    input_gradient,
    judge,
    pgd,
    square_attack,
    suite,
)
from flexnet.errors import ConfigError

BALL = Ball(0.05, Space.pixel(2))
LAST, WORST = PgdOptions(steps=3, scoring="last"), PgdOptions(steps=3)
ITERATED: dict[str, Callable[..., Any]] = {
    "pgd, the last": partial(pgd, options=LAST),
    "pgd, the worst": partial(pgd, options=WORST, curve=True),
    "apgd": partial(apgd, options=ApgdOptions(steps=5)),
    "apgd-t": partial(apgd, options=ApgdOptions(steps=5, loss="targeted_dlr", targets=2)),
    "fab": partial(fab, options=FabOptions(steps=4, targets=2)),
    "square": partial(square_attack, options=SquareOptions(queries=20)),
    "hopskipjump": partial(hopskipjump, options=HopSkipJumpOptions(steps=1, first=10)),
    "clamp": clamp_only,
    "averaged": partial(pgd, options=PgdOptions(steps=2, draws=2, verdicts=3)),
}
# All that ask a model, of a model, images, labels and a ball.
ASKED: dict[str, Callable[..., Any]] = {
    **ITERATED,
    "suite": partial(suite, options=SuiteOptions(parts=("square",))),
    "source": lambda model, images, labels, ball: pgd(Plain(model), images, labels, ball, LAST, source=model),
    "judge": lambda model, images, labels, ball: judge(model, images, labels),
    "fgsm": lambda model, images, labels, ball: fgsm(model, images, labels, ball.epsilon, ball.space),
    "gradient": lambda model, images, labels, ball: input_gradient(model, images, labels),
    "mean gradient": lambda model, images, labels, ball: expected_gradient(model, images, labels, draws=2),
}


class Plain(nn.Module):
    """The network within another module."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = getattr(model, "model", model)
        self.eval()

    def forward(self, x: Tensor) -> Any:
        return self.model(x)


class Autocast(Plain):
    """Switches half precision on by itself, whatever is switched off around it."""

    def forward(self, x: Tensor) -> Any:
        with torch.autocast(x.device.type, dtype=torch.bfloat16):
            return self.model(x)


@pytest.mark.parametrize("name", list(ASKED))
def test_a_network_that_computes_in_half_precision_by_itself_is_refused(learned: Any, name: str) -> None:
    model, images, labels = Autocast(learned.model), learned.images[:8], learned.labels[:8]
    assert model(images).dtype == torch.bfloat16
    message = r"Autocast: .* got torch.bfloat16; run its forward in float32: remove its own autocast or .half"
    with pytest.raises(ConfigError, match=message):
        ASKED[name](model, images, labels, BALL)


class Returning(Plain):
    """Returns its logits in something else."""

    def __init__(self, model: nn.Module, wrap: Callable[[Tensor], Any]) -> None:
        super().__init__(model)
        self.wrap = wrap

    def forward(self, x: Tensor) -> Any:
        return self.wrap(self.model(x))


@pytest.mark.parametrize("kind", ["tuple", "dict"])
@pytest.mark.parametrize("name", list(ASKED))
def test_a_network_that_returns_no_tensor_is_refused(learned: Any, name: str, kind: str) -> None:
    wraps: dict[str, Callable[[Tensor], Any]] = {"tuple": lambda x: (x, x), "dict": lambda x: {"logits": x}}
    model = Returning(learned.model, wraps[kind])
    message = f"Returning: expected it to return a tensor; got {kind}; wrap the model"
    with pytest.raises(ConfigError, match=message):
        ASKED[name](model, learned.images[:8], learned.labels[:8], BALL)


class Wide(nn.Module):
    """The network in float64, which takes images in float32."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).double()
        self.eval()

    def forward(self, x: Tensor) -> Any:
        return self.model(x.double())


@pytest.mark.parametrize("made", [Wide, lambda model: Returning(model, Tensor.double)], ids=["wide", "told"])
@pytest.mark.parametrize("name", list(ITERATED))
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_logits_in_float64_of_images_in_float32(learned: Any, norm: str, name: str, made: Any) -> None:
    """They fool as the same network with logits in float32 is fooled, but for what hangs on rounding."""
    model, ball = made(learned.model), Ball({"linf": 0.08, "l2": 0.6}[norm], Space.pixel(2), norm)
    found, plain = (ITERATED[name](each, *learned[1:], ball) for each in (model, learned.model))
    assert found.images.dtype == torch.float32
    assert abs(int(found.fooled.sum()) - int(plain.fooled.sum())) <= 2
    if plain.losses is not None:
        torch.testing.assert_close(found.losses[0], plain.losses[0], rtol=1e-4, atol=1e-5, equal_nan=True)


def test_a_verdict_is_not_asked_of_a_model_in_training_and_leaves_its_statistics() -> None:
    model = nn.Sequential(nn.BatchNorm2d(2), nn.Dropout(0.5), nn.Flatten(), nn.Linear(128, 6))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    images = torch.rand(4, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ConfigError, match="Sequential in training mode; call model.eval"):
        judge(model, images, torch.arange(4))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([-1, 1], "expected classes from 0 on; got -1"),
        ([1], r"expected one per image, shape \(2,\); got \(1,\)"),
        ([0.0, 1.0], "expected class numbers of type int64; got torch.float32"),
        ([0, 6], "expected classes below 6, the logits of Sequential; got 6"),
    ],
)
def test_a_verdict_is_not_asked_with_other_labels(learned: Any, labels: list[Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        judge(learned.model, learned.images[:2], torch.tensor(labels))


def test_a_verdict_is_of_images_of_any_range(learned: Any) -> None:
    images, labels = 3 * learned.images - 1, torch.zeros_like(learned.labels)
    right = (learned.model(images).argmax(1) == labels).long()
    assert 0 < int(right.sum()) < len(labels)
    assert torch.equal(judge(learned.model, images, labels, draws=2).right, 2 * right)


@pytest.mark.parametrize("asked", ["high", "medium"])
def test_products_are_exact_while_a_model_is_attacked_whatever_a_script_asked_for(asked: str) -> None:
    seen: list[tuple[str, bool]] = []

    class Told(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            seen.append((torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32))
            return super().forward(x)

    model, before = nn.Sequential(nn.Flatten(), Told(128, 6)).eval(), torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(asked)
        for ask in ASKED.values():
            ask(model, torch.full((2, 2, 8, 8), 0.5), torch.arange(2), BALL)
        assert torch.get_float32_matmul_precision() == asked
        with pytest.raises(ConfigError):
            judge(model, torch.zeros(2, 2, 8, 8), torch.tensor([0, 6]))
        assert torch.get_float32_matmul_precision() == asked
    finally:
        torch.set_float32_matmul_precision(before)
    assert {*seen} == {("highest", False)}
