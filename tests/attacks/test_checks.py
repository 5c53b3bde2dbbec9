"""What attacks are given: every argument that would give nonsense in silence is refused with advice."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from flexnet.attacks import (
    expected_gradient,
    fgsm,
    fgsm_from_gradient,
    input_gradient,
    loss_by_name,
    space_of,
)
from flexnet.attacks.losses import LOSSES
from flexnet.attacks.spaces import Space
from flexnet.errors import ConfigError, NumericalError
from flexnet.inputs import trusted_inputs
from flexnet.networks.registry import build

LABELS = torch.arange(6) % 4


def own_model() -> nn.Module:
    """A model that is not of this package, with statistics that training mode would move."""
    torch.manual_seed(0)
    layers = (
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(144, 4),
    )
    return nn.Sequential(*layers).eval()


def images(*shape: int) -> Tensor:
    return torch.rand(*(shape or (6, 3, 8, 8)), generator=torch.Generator().manual_seed(3))


def half_trained() -> nn.Module:
    model = own_model()
    model[1].train()
    return model


def batchwise() -> nn.Module:
    """A model whose answer for an image hangs on the others of its batch."""
    model = own_model()
    model[1] = nn.BatchNorm2d(4, track_running_stats=False).eval()
    return model


class Returns(nn.Module):
    """A model that returns whatever a function makes of its images."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function
        self.eval()

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def logits(x: Tensor) -> Tensor:
    return x.flatten(1)[:, :4]


def inference_weights() -> nn.Module:
    with torch.inference_mode():
        return own_model()


def std(value: float, channels: int = 3) -> Tensor:
    return torch.full((1, channels, 1, 1), float(value))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "normalised": ({"images": (images() - 0.5) / 0.25}, "hand over pixels before any normalisation"),
    "0 to 255": ({"images": images() * 255}, "divide images of 0 to 255 by 255"),
    "uint8": ({"images": (images() * 255).to(torch.uint8)}, r"got torch.uint8; use images.float\(\) / 255"),
    "numpy images": ({"images": images().numpy()}, "got ndarray; convert arrays"),
    "NaN image": ({"images": images().index_fill(3, torch.tensor(2), math.nan)}, "got NaN"),
    "one image": ({"images": images(3, 8, 8)}, r"use image\[None\]"),
    "no image": ({"images": images()[:0], "labels": LABELS[:0]}, "expected at least one; got"),
    "double": ({"images": images().double()}, "expected the type of the model's weights, torch.float32; got"),
    "images elsewhere": ({"images": images().to("meta")}, "expected it on the device of the images, meta"),
    "training": ({"model": own_model().train()}, "got Sequential in training mode; call model.eval"),
    "partly training": ({"model": half_trained()}, "got its module '1' in training mode; call model.eval"),
    "batch norm": (
        {"model": batchwise()},
        "batch norms with running statistics; got its module '1' without, so that the answer for an image",
    ),
    "batch norm alone": ({"model": batchwise()[1]}, "got BatchNorm2d without, so that"),
    "function": ({"model": logits}, "expected a torch.nn.Module; got function; wrap a function"),
    "model elsewhere": (
        {"model": own_model().to("meta")},
        "model: expected it on the device of the images, cpu",
    ),
    "inference weights": ({"model": inference_weights()}, "build or load the model outside it"),
    "tuple": (
        {"model": Returns(lambda x: (logits(x), x))},
        "expected it to return a tensor; got tuple; wrap",
    ),
    "scalar each": (
        {"model": Returns(lambda x: x.sum((1, 2, 3)))},
        r"expected .* logits \(6, K\) .*shape \(6,\)",
    ),
    "maps": ({"model": Returns(lambda x: x)}, r"of shape \(6, 3, 8, 8\); wrap the model"),
    "one for all": ({"model": Returns(lambda x: logits(x)[:1])}, r"logits \(6, K\) for 6 images.*\(1, 4\)"),
    "whole logits": ({"model": Returns(lambda x: logits(x).long())}, "got torch.int64 of shape"),
    "cut off": (
        {"model": Returns(lambda x: logits(x.detach()))},
        r"cut off; remove torch.no_grad\(\) or .detach",
    ),
    "unrelated": ({"model": Returns(lambda x: torch.ones(6, 4, requires_grad=True))}, "cut off; remove"),
    "int32 labels": ({"labels": LABELS.int()}, r"got torch.int32; convert with labels.long\(\)"),
    "float labels": ({"labels": LABELS.float()}, "expected class numbers of type int64; got torch.float32"),
    "numpy labels": ({"labels": LABELS.numpy()}, "got ndarray; use torch.as_tensor"),
    "high label": ({"labels": LABELS + 1}, "expected classes below 4, the logits of Sequential; got 4"),
    "negative label": ({"labels": LABELS - 1}, "expected classes from 0 on; got -1"),
    "too few labels": ({"labels": LABELS[:5]}, r"expected one per image, shape \(6,\); got \(5,\)"),
    "one-hot": ({"labels": nn.functional.one_hot(LABELS)}, r"got \(6, 4\); .* as class numbers"),
    "labels elsewhere": (
        {"labels": LABELS.to("meta")},
        "labels: expected it on the device of the images, cpu",
    ),
    "loss": ({"loss": "nll"}, "loss of an attack: expected one of"),
    "loss list": ({"loss": ["margin"]}, "loss of an attack: expected one of"),
}
WRONG_STEP: dict[str, tuple[dict[str, Any], str]] = {
    "grey": ({"images": images(6, 1, 8, 8)}, "expected 3 channels; got 1"),
    "8": ({"epsilon": 8}, "expected at most 1, the width .*; got 8; divide grey levels of 0 to 255 by 255"),
    "wide in units": (
        {"epsilon": 2.2, "space": Space.normalised(std(0.5), std(0.5), clamp="valid")},
        "expected at most 2, the width of the permitted range in units of the space; got 2.2",
    ),
    "negative": ({"epsilon": -0.1}, "expected >= 0; got -0.1"),
    "NaN": ({"epsilon": math.nan}, "expected >= 0; got nan"),
    "infinite": ({"epsilon": math.inf}, "expected >= 0; got inf"),
    "yes": ({"epsilon": True}, "expected >= 0; got True"),
    "word": ({"epsilon": "8/255"}, "expected >= 0; got 8/255"),
    "tensor": ({"epsilon": torch.tensor([0.1, 0.2])}, "expected >= 0; got tensor"),
    "name of a space": ({"space": "pixel"}, "expected a Space; got str; make one with Space.pixel"),
    "space of grey": (
        {"space": Space.pixel(1)},
        "expected 1 channel; got 3 .* a model and a space for these",
    ),
}


@pytest.mark.parametrize("wrong", [*WRONG, *WRONG_STEP])
def test_fgsm_refuses(wrong: str) -> None:
    changed, message = {**WRONG, **WRONG_STEP}[wrong]
    given = {
        "model": own_model(),
        "images": images(),
        "labels": LABELS,
        "epsilon": 0.1,
        "space": Space.pixel(3),
    }
    with pytest.raises(ConfigError, match=message):
        fgsm(**{**given, **changed})


@pytest.mark.parametrize("wrong", list(WRONG))
@pytest.mark.parametrize("function", [input_gradient, expected_gradient])
def test_gradients_refuse(function: Callable[..., Tensor], wrong: str) -> None:
    changed, message = WRONG[wrong]
    with pytest.raises(ConfigError, match=message):
        function(**{"model": own_model(), "images": images(), "labels": LABELS, **changed})


@pytest.mark.parametrize("draws", [0, -1, True, 2.0, "3", None])
def test_draws_are_a_number(draws: Any) -> None:
    with pytest.raises(ConfigError, match="draws of an expected gradient: expected >= 1; got"):
        expected_gradient(own_model(), images(), LABELS, draws=draws)


def test_norms_of_single_images_are_attacked() -> None:
    model = own_model()
    model[1] = nn.InstanceNorm2d(4).eval()  # without running statistics too, but of each image by itself
    whole = input_gradient(model, images(), LABELS)
    torch.testing.assert_close(input_gradient(model, images()[2:3], LABELS[2:3]), whole[2:3])


GRADIENTS: dict[str, tuple[dict[str, Any], str]] = {
    "transposed": (
        {"gradient": torch.ones(6, 3, 8, 9)},
        r"expected the shape of the images.*got \(6, 3, 8, 9\)",
    ),
    "of one image": ({"gradient": torch.ones(1, 3, 8, 8)}, "expected the shape of the images"),
    "of grey": ({"gradient": torch.ones(6, 1, 8, 8)}, "expected the shape of the images"),
    "signs": (
        {"gradient": torch.ones(6, 3, 8, 8, dtype=torch.int8)},
        "expected a float tensor; got torch.int8",
    ),
    "numpy": ({"gradient": np.ones((6, 3, 8, 8))}, "expected a float tensor; got ndarray"),
    "elsewhere": ({"gradient": torch.ones(6, 3, 8, 8, device="meta")}, "gradient: expected it on the device"),
    "images": ({"images": 255 * images()}, "divide images of 0 to 255"),
    **WRONG_STEP,
}


@pytest.mark.parametrize("wrong", list(GRADIENTS))
def test_step_refuses(wrong: str) -> None:
    changed, message = GRADIENTS[wrong]
    given = {"images": images(), "gradient": torch.ones(6, 3, 8, 8), "epsilon": 0.1, "space": Space.pixel(3)}
    with pytest.raises(ConfigError, match=message):
        fgsm_from_gradient(**{**given, **changed})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_gradient_that_is_not_finite_moves_nothing(value: float) -> None:
    gradient = torch.ones(6, 3, 8, 8)
    gradient[1, 2, 3, 4] = gradient[4, 0, 0, 0] = value
    with pytest.raises(NumericalError, match="a finite gradient; got NaN or infinity for 2 of 6 images"):
        fgsm_from_gradient(images(), gradient, 0.1, Space.pixel(3))


def spoilt(value: float, where: Callable[[Tensor], Tensor]) -> nn.Module:
    """A model whose logits are `value` in the chosen places; their other gradients stay finite."""

    def forward(x: Tensor) -> Tensor:
        found = 0.01 * logits(x) + x.mean((1, 2, 3))[:, None]
        return torch.where(where(found), torch.full_like(found, value), found)

    return Returns(forward)


def third_class(found: Tensor) -> Tensor:
    """Class 2 of the first, second and fifth image, none of whose labels it is."""
    chosen = torch.zeros_like(found, dtype=torch.bool)
    chosen[[0, 1, 4], 2] = True
    return chosen


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_logits_that_are_no_numbers_stop_the_attack(loss: str, value: float) -> None:
    model = spoilt(value, third_class)
    for attack in (
        lambda: fgsm(model, images(), LABELS, 0.1, Space.pixel(3), loss),
        lambda: input_gradient(model, images(), LABELS, loss),
        lambda: expected_gradient(model, images(), LABELS, loss, 2),
    ):
        with pytest.raises(
            NumericalError, match=r"attack on a Returns: expected finite logits.* 3 of 6 images"
        ):
            attack()


def test_gradients_that_are_no_numbers_stop_the_attack() -> None:
    # The root has a finite value and an infinite slope at zero, which the product makes NaN.
    model = Returns(lambda x: logits(x) + 0 * (x - x.detach()).sum((1, 2, 3)).abs().sqrt()[:, None])
    assert model(images()).isfinite().all()
    with pytest.raises(NumericalError, match=r"gradients; got NaN or infinity for 6 of 6 images"):
        fgsm(model, images(), LABELS, 0.1, Space.pixel(3))


def test_a_single_bad_draw_stops_the_average() -> None:
    scales = iter([1.0, math.inf, 1.0])
    with pytest.raises(NumericalError, match="6 of 6 images"):
        expected_gradient(Returns(lambda x: next(scales) * logits(x + 1)), images(), LABELS, draws=3)


def test_weights_that_are_no_numbers_stop_the_attack() -> None:
    model = build("small", width=0.25).eval()
    with torch.no_grad():
        model.head[1].weight[0, 0] = math.nan
    with pytest.raises(NumericalError, match="attack on a Classifier.* 2 of 2 images"):
        fgsm(model, images(2, 1, 28, 28), LABELS[:2], 0.1, space_of(model, "pixel", "valid"))


def test_very_large_numbers_are_numbers() -> None:
    model = Returns(lambda x: 1e30 * logits(x))
    assert input_gradient(model, images(), LABELS, "negative_logit").abs().max() > 1e29


SPACES: dict[str, tuple[dict[str, Any], str]] = {
    "no batch dimension": (
        {"scale": torch.ones(3)},
        r"scale of a space: expected the shape \(1, C, 1, 1\); got \(3,\)",
    ),
    "of pixels": ({"low": torch.zeros(1, 3, 8, 8)}, "low of a space: expected the shape"),
    "a number": ({"scale": 1.0}, "scale of a space: expected a float tensor .*got float"),
    "whole numbers": (
        {"high": torch.ones(1, 3, 1, 1, dtype=torch.int64)},
        "high of a space: .*got torch.int64",
    ),
    "grey bounds": ({"low": std(0, 1)}, "of one shape"),
    "without values": ({"scale": std(1).to("meta")}, "scale of a space: expected finite values; got none"),
    "zero scale": ({"scale": std(0)}, r"expected scale > 0 and low < high in every channel; got scale \[0.0"),
    "negative scale": ({"scale": -std(1)}, "expected scale > 0"),
    "turned round": ({"low": std(1), "high": std(0)}, "expected scale > 0 and low < high"),
    "one channel turned": (
        {"low": torch.tensor([0.0, 0.0, 2.0]).view(1, 3, 1, 1)},
        "low < high in every channel",
    ),
    "NaN": ({"high": std(math.nan)}, "high of a space: expected finite values; got"),
    "infinite": ({"low": std(-math.inf)}, "low of a space: expected finite values; got"),
}


@pytest.mark.parametrize("wrong", list(SPACES))
@pytest.mark.filterwarnings("ignore")
def test_spaces_that_make_no_sense(wrong: str) -> None:
    changed, message = SPACES[wrong]
    with pytest.raises(ConfigError, match=message):
        Space(**{"scale": std(1), "low": std(0), "high": std(1), **changed})


def test_spaces_of_other_arguments() -> None:
    for channels in (0, True, 3.0, "3"):
        with pytest.raises(ConfigError, match="channels of a space: expected >= 1; got"):
            Space.pixel(channels)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="mean of a space: expected a float tensor .*got tuple"):
        Space.normalised((0.5,), std(0.5))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="expected scale > 0 and low < high"):
        Space.normalised(std(0.5), std(0.5), low=2.0, high=-2.0)
    model = nn.Module()
    model.normalise = nn.Identity()
    with pytest.raises(ConfigError, match="expected an attribute `normalise` with buffers mean and std"):
        space_of(model, "pixel", "valid")


def test_names_of_losses() -> None:
    with pytest.raises(ConfigError, match="expected one of"):
        loss_by_name(None)  # type: ignore[arg-type]


def test_a_refused_model_is_as_it_came() -> None:
    model = own_model().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ConfigError, match="training mode"):
        fgsm(model, images(), LABELS, 0.1, Space.pixel(3))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("own", [True, False])
def test_what_is_right_passes_in_every_mode(own: bool) -> None:
    model = own_model() if own else build("surrogate", width=0.25, classes=4, input_size=8).eval()
    x, step = images(), 1
    expected = fgsm(model, x, LABELS, 0.1, Space.pixel(3))
    with torch.inference_mode():
        assert torch.equal(fgsm(model, x, LABELS, 0.1, Space.pixel(3)), expected)
        assert torch.equal(fgsm(model, x.clone(), LABELS.clone(), 0.1, Space.pixel(3)), expected)
    with torch.no_grad():
        assert torch.equal(fgsm(model, x.requires_grad_(), LABELS, np.float64(0.1), Space.pixel(3)), expected)
    whole = fgsm(model, x.detach(), LABELS, step, Space.pixel(3))
    assert whole.min() >= 0
    assert whole.max() <= 1
    double = fgsm(model.double(), x.detach().double(), LABELS, 0.1, Space.pixel(3))
    assert double.dtype == torch.float64


def test_images_outside_the_range_are_attacked_where_they_are_trusted() -> None:
    with trusted_inputs():
        found = fgsm(own_model(), 2 * images(), LABELS, 0.1, Space.pixel(3))
    assert found.max() <= 1
