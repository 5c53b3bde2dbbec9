"""A stem that never changes is computed once, and nothing else differs."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from flexnet.networks.classifier import Classifier
from flexnet.networks.normalise import normalisation
from flexnet.options.augmentations import AUGMENTATIONS
from flexnet.training import fixed
from flexnet.training import trainer as module
from flexnet.training.batches import DeviceImages
from flexnet.training.checkpoint import read_tensors
from flexnet.training.fixed import fixed_features, trained_part
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun
from flexnet.training.streamed import Streamed
from flexnet.training.trainer import train


class Halves(nn.Module):
    """A stem that counts the images that it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def forward(self, images: Tensor) -> Tensor:
        """Sums of the upper and the lower half of each image (N, 2 * 8)."""
        self.seen += len(images)
        return images.view(len(images), 2, 4, 8).sum(2).flatten(1)


def network(stem: nn.Module | None) -> Classifier:
    torch.manual_seed(0)
    features = nn.Sequential(nn.Linear(16, 12), nn.ReLU())
    return Classifier(normalisation("half", 1), features, nn.Linear(12, 3), stem)


def data() -> DeviceImages:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (90, 1, 8, 8), dtype=torch.uint8, generator=generator)
    return DeviceImages(images, torch.arange(90) % 3)


def trained(
    flip: float, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, dict[str, Tensor], list[float]]:
    """Images that the stem saw, weights, and losses of four epochs."""
    model = network(Halves())
    monkeypatch.setattr(module, "build_model", lambda run: model)
    recipe = Recipe(epochs=4, batch_size=30, flip=flip)
    weights, history = folder / f"{flip}.safetensors", folder / f"{flip}.csv"
    train(TrainingRun("m", 1, "small", {}, recipe), data(), data(), weights, history)
    return model.stem.seen, read_tensors(weights)[0], pd.read_csv(history)["loss"].tolist()


def test_cached_and_recomputed_stems_train_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, weights, losses = trained(0.0, tmp_path, monkeypatch)
    # A probability of 1e-9 mirrors none of these images, but the trainer cannot know.
    seen_always, expected, expected_losses = trained(1e-9, tmp_path, monkeypatch)
    assert (seen, seen_always) == (2 * 90, 4 * 2 * 90)
    assert losses == pytest.approx(expected_losses, rel=1e-5)
    for name, tensor in weights.items():
        torch.testing.assert_close(tensor, expected[name])


def test_a_network_without_a_stem_is_trained_whole() -> None:
    assert trained_part(network(None), Recipe(flip=0)) is None
    assert trained_part(network(Halves()), Recipe(flip=0.5)) is None
    assert trained_part(network(Halves()), Recipe(flip=0)) is not None


AUGMENT = {
    "crop": {"kind": "crop", "padding": 2},
    "flip": {"kind": "flip"},
    "resized_crop": {"kind": "resized_crop"},
}


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_a_stem_is_fixed_under_no_augmentation(kind: str) -> None:
    assert trained_part(network(Halves()), Recipe(augment=[AUGMENT[kind]])) is None
    assert trained_part(network(Halves()), Recipe(augment=[])) is not None


def test_what_the_stem_makes_streams_where_it_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Features may be a hundred times larger than images, which fit."""
    kept = fixed_features(network(Halves()), data())
    monkeypatch.setenv("FLEXNET_IMAGE_MEMORY", str(90 * 16 * 4 / 1e6))
    assert isinstance(fixed_features(network(Halves()), data()).images, Tensor)
    monkeypatch.setenv("FLEXNET_IMAGE_MEMORY", str((90 * 16 * 4 - 1) / 1e6))
    streamed = fixed_features(network(Halves()), data())
    assert isinstance(streamed.images, Streamed)
    assert isinstance(kept.images, Tensor)
    assert torch.equal(streamed.images[torch.arange(90)], kept.images)


def test_what_the_stem_makes_of_images_that_stream_streams_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixed, "BATCH", 40)  # of ninety images: the last part is smaller
    whole = data()
    assert isinstance(whole.images, Tensor)
    moving = replace(whole, images=Streamed(whole.images, torch.arange(90), torch.device("cpu")))
    kept, features = (fixed_features(network(Halves()), images) for images in (whole, moving))
    assert isinstance(kept.images, Tensor)
    assert isinstance(features.images, Streamed)
    assert torch.equal(features.images[torch.arange(90)], kept.images)
    assert features.images.shape == (90, 16)
    written = []
    for images in (whole, moving):
        monkeypatch.setattr(module, "build_model", lambda run: network(Halves()))
        weights, history = tmp_path / "w.safetensors", tmp_path / "h.csv"
        run = TrainingRun("m", 1, "small", {}, Recipe(epochs=2, batch_size=30, flip=0))
        train(run, images, images, weights, history)
        written.append((weights.read_bytes(), history.read_bytes()))
    assert written[0] == written[1]
