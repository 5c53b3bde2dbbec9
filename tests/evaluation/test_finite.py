"""What is not a number is no answer: scoring stops and says who, under what, and for how many images."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from flexnet.attacks.losses import LOSSES
from flexnet.errors import ConfigError, DataError, NumericalError
from flexnet.evaluation import FgsmSettings, correct_per_image, evaluate_fgsm
from flexnet.evaluation.interventions import intervene
from flexnet.families.interventions import check_intervention
from flexnet.layers.diagnostics import gate_statistics
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.networks.normalise import Normalise
from flexnet.networks.registry import build
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun, build_model

Ask = Callable[..., Iterator[dict[str, Any]]]


def count_correct(*arguments: Any, **options: Any) -> int:
    return int(correct_per_image(*arguments, **options).sum())


IMAGES = np.random.default_rng(0).integers(1, 255, (250, 1, 6, 6), dtype=np.uint8)
LABELS = np.random.default_rng(1).integers(0, 4, 250)
MARKED = [3, 120, 121, 200, 249]  # white in their first pixel
IMAGES[MARKED, 0, 0, 0] = 255


class Own(nn.Module):
    """A model whose logits go through a function of the images and the logits."""

    def __init__(self, change: Callable[[Tensor, Tensor], Any]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.normalise, self.readout, self.change = Normalise((0.5,), (0.5,)), nn.Linear(36, 4), change

    def forward(self, images: Tensor) -> Any:
        return self.change(images, self.readout(self.normalise(images).flatten(1)))


def marked(images: Tensor) -> Tensor:
    return images[:, 0, 0, 0] == 1


def spoil(value: float, *classes: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Set logits of marked images; the marks are of clean images alone."""

    def change(images: Tensor, logits: Tensor) -> Tensor:
        chosen = torch.zeros_like(logits, dtype=torch.bool)
        chosen[:, list(classes)] = marked(images)[:, None]
        return torch.where(chosen, torch.full_like(logits, value), logits)

    return change


def nan_slope(images: Tensor, logits: Tensor) -> Tensor:
    """Finite logits whose gradient is NaN at marked images."""
    if logits.requires_grad:
        slopes = torch.where(marked(images.detach()), math.nan, 1.0)[:, None]
        logits.register_hook(lambda gradient: gradient * slopes)
    return logits


def settings(**changes: Any) -> FgsmSettings:
    values = {"space": "pixel", "clamp": "valid", "loss": "cross_entropy", "epsilons": [0, 0.05, 0.1]}
    return FgsmSettings.from_mapping({**values, **changes})


def evaluate(model: nn.Module, attack: FgsmSettings | None = None, **changes: Any) -> list[dict[str, Any]]:
    given = {"images": IMAGES, "labels": LABELS, "seed": 0, "device": "cpu", "batch_size": 100, **changes}
    return evaluate_fgsm(model, given.pop("images"), given.pop("labels"), attack or settings(), **given)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("classes", [(0,), (2,), (0, 1, 2, 3)])
def test_logits_that_are_no_numbers(value: float, classes: tuple[int, ...]) -> None:
    model = Own(spoil(value, *classes))
    message = r"^tiny seed 3, epsilon 0, draw 0: expected finite logits.*; got .* for 5 of 250 images; look"
    with pytest.raises(NumericalError, match=message):
        evaluate(model, name="tiny seed 3")
    with pytest.raises(
        NumericalError, match=r"^Own, clean images: expected finite logits; .* 5 of 250 images"
    ):
        correct_per_image(model, IMAGES, LABELS, batch_size=40, device="cpu")
    with pytest.raises(NumericalError, match="^tiny, clean images"):
        count_correct(model, IMAGES, LABELS, batch_size=300, device="cpu", name="tiny")


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_gradients_that_are_no_numbers_are_not_robust(loss: str) -> None:
    model = Own(nan_slope)
    assert count_correct(model, IMAGES, LABELS, batch_size=100, device="cpu") > 0
    with pytest.raises(NumericalError, match=r"Own, epsilon 0.05, draw 0: .* 5 of 250 images"):
        evaluate(model, settings(loss=loss))
    clean = evaluate(model, settings(loss=loss, epsilons=[0]))  # needs no gradient
    assert clean[0]["n"] == 250


def test_numbers_that_overflow_at_one_step_size() -> None:
    def change(images: Tensor, logits: Tensor) -> Tensor:
        return logits * torch.where((images == 0).flatten(1).sum(1) > 3, torch.inf, 1.0)[:, None]

    with pytest.raises(NumericalError, match=r"epsilon 0.9, draw 0: .* \d+ of 250 images"):
        evaluate(Own(change), settings(epsilons=[0, 0.001, 0.9]))


def test_the_repeat_is_named() -> None:
    torch.manual_seed(0)
    layer = FlexibleConv2d(1, 1, 1, input_size=6, scheme="redrawn")

    class Redrawn(Own):
        def __init__(self) -> None:
            super().__init__(lambda images, logits: logits)
            self.layer = layer

        def forward(self, images: Tensor) -> Tensor:
            return super().forward(images) / (self.layer.threshold[0, 0, 0, 0] < 0.5)

    message = r"epsilon 0, draw 2: .* for 250 of 250 images"
    with pytest.raises(NumericalError, match=message):
        evaluate(Redrawn(), settings(draws=10, redraw=True), seed=0)


def test_a_stopped_model_is_as_it_came() -> None:
    model = build("small", input_size=6, width=0.5, classes=4, layer={"scheme": "random"}).train()
    generator = torch.Generator()
    model.features[0].generator = generator
    with torch.no_grad():
        model.head[-1].bias[1] = math.nan
    with pytest.raises(NumericalError, match="250 of 250 images"):
        evaluate(model)
    assert all(module.training for module in model.modules())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())
    assert model.features[0].generator is generator


def test_finite_numbers_pass_however_large() -> None:
    rows = evaluate(Own(lambda images, logits: 1e35 * logits), settings(loss="negative_logit"))
    assert [row["n"] for row in rows] == [250] * 3


GIVEN: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "float images": ({"images": IMAGES / 255}, DataError, "expected uint8 images"),
    "int16 images": ({"images": IMAGES.astype(np.int16)}, DataError, "expected uint8 images"),
    "images as text": ({"images": "cifar10"}, DataError, "expected images as an array or a tensor; got str"),
    "no pixel": ({"images": IMAGES[:, :, :0]}, DataError, "expected uint8 images"),
    "float labels": ({"labels": LABELS + 0.5}, DataError, "labels as whole numbers"),
    "bool labels": ({"labels": LABELS > 1}, DataError, "labels as whole numbers"),
    "one-hot": ({"labels": np.eye(4, dtype=int)[LABELS]}, DataError, "labels"),
    "no labels": ({"labels": None}, DataError, "expected labels as an array or a tensor; got NoneType"),
    "negative label": ({"labels": LABELS - 1}, DataError, "expected labels from 0 on; got -1"),
    "high label": (
        {"labels": LABELS + 1},
        ConfigError,
        "expected classes below 4, the logits of .*Own; got 4",
    ),
    "colour": ({"images": IMAGES.repeat(3, axis=1)}, ConfigError, "channels?"),
    "device": ({"device": "gpu"}, ConfigError, "device of an evaluation: expected one of this machine"),
    "no device": ({"device": "meta"}, ConfigError, "device of an evaluation: expected one of this machine"),
    "batch 0": ({"batch_size": 0}, ConfigError, "batch_size: expected >= 1; got 0"),
    "batch -5": ({"batch_size": -5}, ConfigError, "batch_size: expected >= 1; got -5"),
    "batch 1.5": ({"batch_size": 1.5}, ConfigError, "batch_size: expected >= 1; got 1.5"),
    "batch true": ({"batch_size": True}, ConfigError, "batch_size: expected >= 1; got True"),
}


@pytest.mark.parametrize("wrong", list(GIVEN))
def test_evaluations_refuse(wrong: str) -> None:
    changed, kind, message = GIVEN[wrong]
    with pytest.raises(kind, match=message):
        evaluate(Own(lambda images, logits: logits), **changed)
    given = {"images": IMAGES, "labels": LABELS, "batch_size": 100, "device": "cpu", **changed}
    with pytest.raises(kind, match=message):
        count_correct(Own(lambda images, logits: logits), **given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda images, logits: (logits, images), "expected it to return a tensor; got tuple"),
        (lambda images, logits: logits[:, 0], "expected it to return float logits"),
        (lambda images, logits: logits[:, :, None], "expected it to return float logits"),
        (lambda images, logits: logits[:1], "expected it to return float logits"),
        (lambda images, logits: logits.argmax(1), "expected it to return float logits"),
    ],
)
def test_evaluations_want_logits(change: Callable[[Tensor, Tensor], Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        evaluate(Own(change))
    with pytest.raises(ConfigError, match=message):
        count_correct(Own(change), IMAGES, LABELS, batch_size=100, device="cpu")


def test_evaluations_refuse_other_models_and_settings() -> None:
    model = Own(lambda images, logits: logits)
    with pytest.raises(ConfigError, match="expected a torch.nn.Module; got function"):
        evaluate(evaluate)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="expected it on the device of the images, cpu; got meta"):
        evaluate(model.to("meta"))
    model = Own(lambda images, logits: logits)
    with pytest.raises(ConfigError, match="expected FgsmSettings; got dict; use FgsmSettings.from_mapping"):
        evaluate(model, {"epsilons": [0]})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="seed of an evaluation: expected a whole number; got None"):
        evaluate(model, seed=None)
    with pytest.raises(ConfigError, match="expected at most 1, the whole range"):
        settings(epsilons=[0, 8])
    with pytest.raises(ConfigError, match="expected at most 2, the width .*; got 4"):
        evaluate(model, settings(space="normalised", epsilons=[0, 4]))


def test_labels_may_be_of_any_whole_type() -> None:
    model = Own(lambda images, logits: logits)
    expected = count_correct(model, IMAGES, LABELS, batch_size=100, device="cpu")
    for labels in (
        LABELS.astype(np.uint8),
        LABELS.astype(np.int32),
        torch.tensor(LABELS).int(),
        LABELS.tolist(),
    ):
        assert count_correct(model, IMAGES, labels, batch_size=100, device="cpu") == expected


def run_of(**layer: Any) -> TrainingRun:
    return TrainingRun(
        "small-flexible", 3, "small", {"input_size": 6, "width": 0.5, "layer": layer}, Recipe()
    )


CLEAN = {"space": "pixel", "clamp": "valid", "loss": "cross_entropy", "epsilons": [0]}
JUDGED = {"images": IMAGES, "labels": LABELS}


def test_thresholds_that_are_no_numbers(intervened: Ask) -> None:
    run = run_of(scheme="learned")
    model = build_model(run)
    with torch.no_grad():
        model.features[0].threshold[0, 2, 1, 0] = math.nan
    message = r"^small-flexible seed 3, intervention trained: gates of layer 'features.0'.* 250 of 250"
    with pytest.raises(NumericalError, match=message):
        list(intervened(model, run, CLEAN, ["redrawn"], **JUDGED))
    with pytest.raises(NumericalError, match=r"^gates of layer 'features.0'.* 3 of 3 images"):
        gate_statistics(model, [torch.rand(2, 1, 6, 6), torch.rand(1, 1, 6, 6)])


def test_weights_that_are_no_numbers_under_an_intervention_and_a_sweep(intervened: Ask, swept: Ask) -> None:
    for scheme, found in (
        ({"scheme": "learned"}, lambda model, run: intervened(model, run, CLEAN, **JUDGED)),
        ({"scheme": "uniform", "value": 0.1}, lambda model, run: swept(model, run, CLEAN, [0.2], **JUDGED)),
    ):
        run = run_of(**scheme)
        model = build_model(run)
        with torch.no_grad():
            model.head[1].weight[0, 0] = math.nan
        condition = "intervention trained" if scheme["scheme"] == "learned" else "threshold 0.2"
        message = rf"^small-flexible seed 3, {condition}, protocol paper, epsilon 0, draw 0: .* 250 of 250"
        with pytest.raises(NumericalError, match=message):
            list(found(model, run))


@pytest.mark.parametrize("value", [math.nan, math.inf, True, "0.1", None])
def test_a_sweep_wants_finite_numbers(value: Any, swept: Ask) -> None:
    run = run_of(scheme="uniform", value=0.1)
    with pytest.raises(ConfigError, match="sweep: expected finite numbers; got"):
        list(swept(build_model(run), run, CLEAN, [0.1, value], **JUDGED))


def test_interventions_are_looked_at_before_the_first_is_scored(intervened: Ask) -> None:
    run = run_of(scheme="learned")
    for wrong in ("normal(0,-1)", 3, None):
        with pytest.raises(ConfigError, match="intervention: expected one of"):
            next(intervened(build_model(run), run, CLEAN, ["shuffled", wrong], **JUDGED))
        with pytest.raises(ConfigError, match="intervention: expected one of"):
            check_intervention(wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="expected a torch.Generator; got int"):
        intervene(build_model(run), "shuffled", 1)  # type: ignore[arg-type]


def test_gate_statistics_want_batches() -> None:
    layer = FlexibleConv2d(2, 2, 1, scheme="learned", per="channel", input_size=6)
    with pytest.raises(ConfigError, match=r"expected batches \(N,C,H,W\) at each layer; got \(2, 6, 6\)"):
        gate_statistics(layer, torch.rand(3, 2, 6, 6))
    with pytest.raises(ConfigError, match="got torch.uint8"):
        gate_statistics(build_model(run_of(scheme="learned")), [torch.tensor(IMAGES)])
