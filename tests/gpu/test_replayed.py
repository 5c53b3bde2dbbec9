"""Steps replayed as one CUDA graph do what steps launched kernel by kernel do. Skipped without a GPU."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flexnet.networks.registry import expected_images
from flexnet.training import trainer
from flexnet.training.batches import DeviceImages
from flexnet.training.captured import CapturedStep
from flexnet.training.checkpoint import Checkpoint
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU: tools/gpu_run.sh")

STEPS = 4
BATCH = 16
# The rate falls after each epoch, and each epoch ends with a batch of another size.
RECIPE = Recipe(epochs=2, batch_size=BATCH, learning_rate=0.01, step_size=1, gamma=0.5, flip=0.5)
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "vgg16": ("vgg16", {"width": 0.25}),
    "vgg16 flexible": ("vgg16", {"width": 0.25, "flexible": "all", "layer": {"scheme": "learned"}}),
    "vgg16 random": ("vgg16", {"width": 0.25, "flexible": "single", "layer": {"scheme": "random"}}),
    "small": ("small", {"layer": {"scheme": "learned", "rule": "above"}}),
    "small push-pull": ("small", {"layer": {"kind": "pushpull", "alpha": "learned"}}),
    "small low-pass": ("small", {"layer": {"kind": "lowpass"}}),
    "surrogate": ("surrogate", {}),
    "lenet": ("lenet", {}),
    "resnet push-pull": ("resnet", {"layer": {"kind": "pushpull"}}),
    "densenet": ("densenet", {"depth": 16}),
}


@pytest.fixture(autouse=True)
def same_sums() -> Any:
    """Sums in one order: what is left of a difference is the graph's."""
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True
    yield
    torch.backends.cudnn.deterministic = before


def state(model: nn.Module) -> dict[str, Tensor]:
    return {key: value.cpu().clone() for key, value in model.state_dict().items()}


def apart(these: list[Tensor], those: list[Tensor]) -> float:
    """Distance of tensors from others, as a share of the size of these."""
    distance = sum(float((this - that).square().sum()) for this, that in zip(these, those, strict=True))
    return math.sqrt(distance / sum(float(this.square().sum()) for this in these))


def trained(
    name: str, captured: bool, monkeypatch: pytest.MonkeyPatch, **recipe: Any
) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """How far everything in a network moved in some epochs, and its history."""
    network, options = NETWORKS[name]
    channels, side, classes = expected_images(network, options)
    device, number = torch.device("cuda"), STEPS * BATCH + BATCH // 2
    generator = torch.Generator().manual_seed(0)
    shape = (number, channels, side, side)
    images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8).to(device)
    labels = torch.randint(0, classes, (number,), generator=generator).to(device)
    data = DeviceImages(images, labels)
    run = TrainingRun(name, 1, network, options, replace(RECIPE, **recipe), checkpoint_seconds=math.inf)
    if not captured:
        monkeypatch.setattr(trainer, "capturable", lambda *given: False)
    learner = trainer.Trainer(run, device, Checkpoint("unused.checkpoint", ""))
    assert isinstance(learner.take, CapturedStep) == captured
    first = state(learner.model)
    with trainer._products(run.recipe):
        for epoch in range(1, run.recipe.epochs + 1):
            learner.finish([learner.epoch(epoch, data)])
    moved = {key: value - first[key] for key, value in state(learner.model).items()}
    return moved, learner.state.history


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_replayed_steps_are_steps(name: str, precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dropout and random masks included: a replay draws what a step would have drawn."""
    replayed, history = trained(name, True, monkeypatch, precision=precision)
    launched, expected = trained(name, False, monkeypatch, precision=precision)
    assert launched.keys() == replayed.keys()
    counts = {key for key, value in launched.items() if not value.is_floating_point()}
    assert all(torch.equal(replayed[key], launched[key]) for key in counts)
    statistics = {key for key in launched if "running_" in key}
    for keys in (statistics, launched.keys() - counts - statistics):
        assert not keys or apart([launched[key] for key in keys], [replayed[key] for key in keys]) < 0.02
    for row, other in zip(history, expected, strict=True):
        assert row["loss"] == pytest.approx(other["loss"], rel=0.01)
