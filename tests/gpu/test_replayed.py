"""Steps replayed as one CUDA graph do what steps launched kernel by kernel do. Skipped without a GPU."""

import math
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flexnet.errors import Stopped
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
# Those of many layers make a thousandfold of a rounding within these steps. With a push-pull layer no two of
# their runs are alike on a GPU, which sums the gradient of an enlarged kernel in no fixed order: the small
# network has that layer.
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "vgg16": ("vgg16", {"width": 0.25}),
    "vgg16 flexible": ("vgg16", {"width": 0.25, "flexible": "all", "layer": {"scheme": "learned"}}),
    "vgg16 random": ("vgg16", {"width": 0.25, "flexible": "single", "layer": {"scheme": "random"}}),
    "small": ("small", {"layer": {"scheme": "learned", "rule": "above"}}),
    "small push-pull": ("small", {"layer": {"kind": "pushpull", "alpha": "learned"}}),
    "small low-pass": ("small", {"layer": {"kind": "lowpass"}}),
    "surrogate": ("surrogate", {}),
    "lenet": ("lenet", {}),
    "resnet": ("resnet", {}),
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


def images_for(name: str) -> DeviceImages:
    """Batches of one size and a smaller one."""
    channels, side, classes = expected_images(*NETWORKS[name])
    shape, generator = (STEPS * BATCH + BATCH // 2, channels, side, side), torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, classes, shape[:1], generator=generator)
    return DeviceImages(images.to("cuda"), labels.to("cuda"))


def learner_of(
    name: str, checkpoint: str | Path = "unused.checkpoint", stop: Event | None = None, **recipe: Any
) -> trainer.Trainer:
    network, options = NETWORKS[name]
    run = TrainingRun(name, 1, network, options, replace(RECIPE, **recipe), checkpoint_seconds=math.inf)
    return trainer.Trainer(run, torch.device("cuda"), Checkpoint(checkpoint, "test"), stop)


def trained(learner: trainer.Trainer, data: DeviceImages) -> dict[str, Tensor]:
    """How far everything in a network moved in all epochs that are left."""
    first = state(learner.model)
    with trainer._products(learner.run.recipe):
        for epoch in range(learner.state.epoch + 1, RECIPE.epochs + 1):
            learner.finish([learner.epoch(epoch, data)])
    return {key: value - first[key] for key, value in state(learner.model).items()}


def require_alike(these: dict[str, Tensor], those: dict[str, Tensor]) -> None:
    assert these.keys() == those.keys()
    counts = {key for key, value in these.items() if not value.is_floating_point()}
    assert all(torch.equal(these[key], those[key]) for key in counts)
    statistics = {key for key in these if "running_" in key}
    for keys in (statistics, these.keys() - counts - statistics):
        assert not keys or apart([these[key] for key in keys], [those[key] for key in keys]) < 0.02


class After(Event):
    """Set after it was asked so many times."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.left = steps

    def is_set(self) -> bool:
        """Whether the last of these times is over."""
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_replayed_steps_are_steps(name: str, precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dropout and random masks included: a replay draws what a step would have drawn."""
    data = images_for(name)
    learner = learner_of(name, precision=precision)
    assert isinstance(learner.take, CapturedStep)
    replayed = trained(learner, data)
    monkeypatch.setattr(trainer, "capturable", lambda *given: False)
    other = learner_of(name, precision=precision)
    assert not isinstance(other.take, CapturedStep)
    require_alike(trained(other, data), replayed)
    for row, expected in zip(learner.state.history, other.state.history, strict=True):
        assert row["loss"] == pytest.approx(expected["loss"], rel=0.01)


@pytest.mark.parametrize("name", ["vgg16 random", "small"])
def test_a_run_that_is_stopped_goes_on_the_same(name: str, tmp_path: Path) -> None:
    """In the second epoch, whose steps were recorded; after that the first ones are not."""
    data, path = images_for(name), tmp_path / "w.checkpoint"
    whole = learner_of(name)
    first = state(whole.model)
    trained(whole, data)
    with pytest.raises(Stopped):
        trained(learner_of(name, path, After(STEPS + 1 + 2)), data)
    again = learner_of(name, path)
    assert (again.state.epoch, again.state.step) == (1, 3)
    trained(again, data)
    moved = [{key: value - first[key] for key, value in state(each.model).items()} for each in (whole, again)]
    require_alike(*moved)
