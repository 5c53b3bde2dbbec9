"""What runs on a GPU gives what it gives on a CPU: corruptions, networks, attacks, training.

Skipped where there is none. FLEXNET_TEST_DEVICE=cpu tries the tests themselves.
"""

import csv
import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from flexnet.attacks.apgd import apgd
from flexnet.attacks.balls import Ball
from flexnet.attacks.fab import fab
from flexnet.attacks.fgsm import fgsm
from flexnet.attacks.hopskipjump import hopskipjump
from flexnet.attacks.keys import Key
from flexnet.attacks.pgd import pgd
from flexnet.attacks.precision import full_precision
from flexnet.attacks.spaces import Space
from flexnet.attacks.square import square_attack
from flexnet.corruptions import NAMES, corrupt
from flexnet.data.arrays import ImageArrays
from flexnet.networks.registry import build
from flexnet.options.iterated import ApgdOptions, FabOptions, HopSkipJumpOptions, PgdOptions, SquareOptions
from flexnet.training.batches import DeviceImages
from flexnet.training.checkpoint import read_tensors
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun
from flexnet.training.trainer import train

NAME = os.environ.get("FLEXNET_TEST_DEVICE", "cuda")
pytestmark = pytest.mark.skipif(
    NAME.startswith("cuda") and not torch.cuda.is_available(), reason="needs a GPU: tools/gpu_run.sh"
)

LAYERS: dict[str, dict[str, Any]] = {
    "flexible": {"scheme": "learned"},
    "above": {"scheme": "learned", "rule": "above"},
    "push-pull": {"kind": "pushpull"},
    "low-pass": {"kind": "lowpass"},
}
NETWORKS: dict[str, tuple[str, dict[str, Any], tuple[int, int]]] = {
    **{f"small {name}": ("small", {"layer": layer}, (1, 28)) for name, layer in LAYERS.items()},
    "vgg16": ("vgg16", {"width": 0.25, "flexible": "all", "layer": LAYERS["flexible"]}, (3, 32)),
    "hmax": (
        "hmax",
        # Its responses are large: steeper gates are all shut, and their gradients 1e-38 and rounding alone.
        {"width": 0.1, "c1": "flexible", "s2": "flexible", "layer": {"scheme": "learned", "sharpness": 1.0}},
        (1, 28),
    ),
}
SPACE = Space.pixel(1)
RECIPE = Recipe(epochs=2, batch_size=20, learning_rate=0.02, weight_decay=0.0, flip=0.0)
# Attack, options, norm and radius.
ATTACKS: dict[str, tuple[Callable[..., Any], Any, str, float]] = {
    "pgd": (pgd, PgdOptions(steps=5), "linf", 0.1),
    "pgd l2": (pgd, PgdOptions(steps=5), "l2", 1.0),
    "apgd": (apgd, ApgdOptions(steps=10), "linf", 0.1),
    "fab": (fab, FabOptions(steps=5, targets=2), "linf", 0.1),
    "square": (square_attack, SquareOptions(queries=50), "linf", 0.1),
    "hopskipjump": (hopskipjump, HopSkipJumpOptions(steps=2, first=10, most=20), "l2", 1.0),
}


@pytest.fixture
def exact() -> Iterator[None]:
    """Products as evaluations compute them."""
    with full_precision(torch.device(NAME)):
        yield


def noise(n: int, channels: int, side: int) -> Tensor:
    return torch.rand((n, channels, side, side), generator=torch.Generator().manual_seed(0))


def trained(device: str, folder: Path, recipe: Recipe) -> tuple[dict[str, Tensor], str]:
    """Weights and history of a small network that learned on a device."""
    generator = np.random.default_rng(0)
    labels = np.arange(200, dtype=np.int64) % 10
    images = generator.integers(0, 120, size=(200, 1, 12, 12), dtype=np.uint8)
    images[np.arange(200), 0, labels + 1] = 250  # a bright row whose place is the class
    arrays = ImageArrays(images, labels, tuple("abcdefghij"))
    run = TrainingRun(
        "tiny", 1, "small", {"input_size": 12, "width": 0.5, "layer": LAYERS["flexible"]}, recipe
    )
    data = DeviceImages.load(arrays, None, torch.device(device))
    train(run, data, data, folder / "w.safetensors", folder / "h.csv", folder / "log")
    return read_tensors(folder / "w.safetensors")[0], (folder / "h.csv").read_text()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", [32, 224])
def test_corrupted_images_are_the_same(name: str, side: int) -> None:
    images = (255 * noise(3, 3, side)).round().to(torch.uint8)
    here = corrupt(images, name, 3, seed=1)
    there = corrupt(images.to(NAME), name, 3, seed=1)
    assert there.device.type == torch.device(NAME).type
    apart = (there.cpu().int() - here.int()).abs()
    # A sum in another order may fall on the other side of a whole number; swaps of pixels then differ more.
    assert float((apart > 0).float().mean()) < 0.002
    assert int(apart.float().quantile(0.999)) <= 1


def answers(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """Logits, and gradients of the sum of their squares for images and parameters."""
    images = images.requires_grad_()
    logits = model(images)
    torch.autograd.backward(logits.square().sum())
    given = {"images": images, **dict(model.named_parameters())}
    found = {key: value.grad.cpu() for key, value in given.items() if value.grad is not None}
    return {"logits": logits.detach().cpu(), **found}


@pytest.mark.parametrize("name", NETWORKS)
def test_logits_and_gradients_are_the_same(name: str, exact: None) -> None:
    """In float64: there rounding does not decide which pixel is the greatest, and where a gradient goes."""
    network, options, (channels, side) = NETWORKS[name]
    torch.manual_seed(0)
    model: nn.Module = build(network, **options).eval().double()
    images = noise(4, channels, side).double()
    here = answers(deepcopy(model), images.clone())
    there = answers(model.to(NAME), images.to(NAME))
    assert here.keys() == there.keys()
    assert "images" in here
    for key, value in here.items():
        scale = float(value.abs().max())
        assert torch.allclose(there[key], value, rtol=1e-6, atol=1e-6 * scale), key


@pytest.mark.parametrize("name", NETWORKS)
def test_logits_in_float32_differ_by_rounding(name: str, exact: None) -> None:
    network, options, (channels, side) = NETWORKS[name]
    torch.manual_seed(0)
    model: nn.Module = build(network, **options).eval()
    images = noise(4, channels, side)
    with torch.inference_mode():
        here, there = model(images), model.to(NAME)(images.to(NAME)).cpu()
    assert float((there - here).norm() / here.norm()) < 1e-4


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_run_there_and_stay_in_their_ball(name: str, exact: None) -> None:
    torch.manual_seed(0)
    model = build("small", input_size=12, width=0.5, layer=LAYERS["flexible"]).eval()
    images = noise(12, 1, 12)
    labels = model(images).argmax(1)
    attack, options, norm, epsilon = ATTACKS[name]
    judged = []
    for device in ("cpu", NAME):
        ball = Ball(epsilon, SPACE.to(device), norm)
        given = deepcopy(model).to(device), images.to(device), labels.to(device)
        found = attack(*given, ball, options, key=Key(1))
        assert found.images.device.type == found.fooled.device.type == torch.device(device).type
        moved = (found.images.cpu() - images)[found.fooled.cpu()].flatten(1)
        sizes = moved.norm(dim=1) if norm == "l2" else moved.abs().amax(dim=1)
        assert all(size <= epsilon + 1e-4 for size in sizes.tolist())
        judged.append(int(found.fooled.sum()))
    assert abs(judged[0] - judged[1]) <= 2


def test_one_step_follows_the_same_gradient(exact: None) -> None:
    torch.manual_seed(0)
    model = build("small", layer=LAYERS["flexible"]).eval()
    images, labels = noise(8, 1, 28), torch.arange(8) % 10
    here = fgsm(model, images, labels, 0.1, SPACE)
    there = fgsm(model.to(NAME), images.to(NAME), labels.to(NAME), 0.1, SPACE.to(torch.device(NAME)))
    assert float(((there.cpu() - here).abs() > 1e-4).float().mean()) < 0.001


def test_training_learns_the_same(tmp_path: Path) -> None:
    weights = []
    for place, device in (("here", "cpu"), ("there", NAME)):
        (tmp_path / place).mkdir()
        weights.append(trained(device, tmp_path / place, RECIPE)[0])
    for name, value in weights[0].items():
        assert torch.allclose(weights[1][name], value, rtol=0.02, atol=0.002), name


@pytest.mark.parametrize("precision", ["float32", "tf32", "bf16"])
def test_it_learns_there_in_any_precision(precision: str, tmp_path: Path) -> None:
    _, history = trained(NAME, tmp_path, replace(RECIPE, epochs=8, learning_rate=0.05, precision=precision))
    *_, last = csv.DictReader(history.splitlines())
    assert float(last["accuracy"]) > 0.9
