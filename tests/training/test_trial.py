"""Layers and networks of one's own that would give wrong numbers in silence: told before they are trained."""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from flexnet.errors import ConfigError
from flexnet.training.batches import DeviceImages
from flexnet.training.checkpoint import load_model, save_model
from flexnet.training.recipe import Recipe
from flexnet.training.run import Run, TrainingRun, build_model
from flexnet.training.trainer import train
from flexnet.training.trial import try_out

LAYERS = '''
import random

import numpy as np
import torch
from torch import nn


class Mix(nn.Conv2d):
    """Lateral inhibition by a matrix that is no parameter."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        n = self.out_channels
        self.mix = torch.eye(n) - torch.ones(n, n) / n

    def forward(self, x):
        return torch.einsum("oc,nchw->nohw", self.mix, super().forward(x))


class Random(Mix):
    """Such a matrix, drawn with the weights."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.mix = torch.randn(self.out_channels, self.out_channels)


class Unsaved(Mix):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        mix = self.mix
        del self.mix
        self.register_buffer("mix", mix, persistent=False)


class Measured(nn.Conv2d):
    """Looks at its own weights, which lie nowhere while a network is only described."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.scale = float(self.weight.detach().std() > 0)

    def forward(self, x):
        return super().forward(x) * self.scale


class NumpyRandom(Mix):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.mix = torch.from_numpy(np.random.randn(self.out_channels, self.out_channels)).float()


class Batched(nn.Conv2d):
    """Answers for an image by the others of its batch."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.norm = nn.BatchNorm2d(self.out_channels, track_running_stats=False)

    def forward(self, x):
        return self.norm(super().forward(x))


class Remembering(nn.Conv2d):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.mean = 0.0

    def forward(self, x):
        y = super().forward(x)
        if self.training:
            self.mean = 0.5 * self.mean + 0.5 * float(y.detach().abs().mean())
        return y - 10 * self.mean


class Normed(nn.Conv2d):
    """Changes from pass to pass, in a buffer."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.register_buffer("passes", torch.zeros(()))

    def forward(self, x):
        if self.training:
            self.passes += 1
        return super().forward(x) * (1 + self.passes)


class Noisy(nn.Conv2d):
    def forward(self, x):
        y = super().forward(x)
        return y * np.random.uniform(0.2, 2) if self.training else y


class Tossing(nn.Conv2d):
    def forward(self, x):
        y = super().forward(x)
        return y * random.choice([0.3, 1.7]) if self.training else y


class Dropping(nn.Conv2d):
    """Draws from torch's generator in training alone, as dropout does."""

    def forward(self, x):
        return nn.functional.dropout(super().forward(x), 0.5, self.training)


class Secret(nn.Conv2d):
    def forward(self, x):
        return super().forward(x) * torch.rand(())


class Missing(nn.Conv2d):
    def forward(self, x):
        return super().forward(x) / 0


class Shaped(nn.Conv2d):
    def forward(self, x):
        return super().forward(x)[:, :-1]


class Double(nn.Conv2d):
    def forward(self, x):
        return super().forward(x).double()


class Whole(nn.Conv2d):
    """Works in float32 alone."""

    def forward(self, x):
        y = super().forward(x)
        return y + 0 * float(y.detach().numpy().sum())


def mapped(*, classes, channels, input_size):
    return nn.Conv2d(channels, classes, input_size)
'''
SIDE = 12


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the user's own, beside his results."""
    (tmp_path / "mine_own.py").write_text(LAYERS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    monkeypatch.delitem(importlib.sys.modules, "mine_own", raising=False)  # type: ignore[attr-defined]
    return "mine_own"


def run_of(kind: str) -> TrainingRun:
    options: dict[str, Any] = {"input_size": SIDE, "width": 0.5, "layer": {"kind": f"mine_own.{kind}"}}
    recipe = Recipe(epochs=2, batch_size=20, learning_rate=0.01, weight_decay=0.0, flip=0.0)
    return TrainingRun("own", 1, "small", options, recipe)


def data() -> DeviceImages:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 1, SIDE, SIDE), dtype=torch.uint8, generator=generator)
    return DeviceImages(images, torch.arange(40) % 10)


def trained(run: TrainingRun, folder: Path) -> Path:
    weights = folder / "w.safetensors"
    train(run, data(), data(), weights, folder / "h.csv")
    return weights


@pytest.mark.parametrize("kind", ["Mix", "Random", "Unsaved", "Measured", "Normed", "Dropping"])
def test_what_was_trained_is_what_is_judged(kind: str, mine: str, tmp_path: Path) -> None:
    """Also where a layer keeps a tensor that no file holds: it is made again as it was."""
    run = run_of(kind)
    original = build_model(run)
    weights = trained(run, tmp_path)
    model, _ = load_model(weights)
    own = next(iter(model.features.children()))
    images = torch.rand(3, 1, SIDE, SIDE)
    original.load_state_dict(model.state_dict())
    with torch.no_grad():
        kept = [each.eval()(images) for each in (original, model)]
    assert torch.equal(*kept)
    assert type(own).__name__ == kind
    assert kept[0].isfinite().all()


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("NumpyRandom", "built anew with the same weights.*register_buffer"),
        ("Noisy", "same logits in training.*draw random numbers with torch"),
        ("Tossing", "same logits in training.*draw random numbers with torch"),
        ("Secret", "let a layer that draws say stochastic = True"),
        ("Missing", r"finite logits before any training; got NaN or infinite ones; features.*not all finite"),
        ("Shaped", r"to pass; got RuntimeError.*\(Shaped\) gave torch.float32 of shape \(4, 5, 8, 8\)"),
        ("Batched", r"batch norms with running statistics; got its module 'features\.[\w.]*norm' without"),
        ("Double", r"to pass; got RuntimeError.*\(Double\) gave torch.float64"),
    ],
)
def test_what_would_be_wrong_is_told_before_training(kind: str, told: str, mine: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"^own: expected .*{told}"):
        trained(run_of(kind), tmp_path)
    assert not (tmp_path / "w.safetensors").exists()


def test_a_network_is_tried_with_the_precision_of_its_recipe(mine: str, tmp_path: Path) -> None:
    run = run_of("Whole")
    trained(run, tmp_path)
    halves = replace(run, recipe=replace(run.recipe, precision="bf16"))
    with pytest.raises(ConfigError, match="^own: expected 4 images .* to pass; got .*BFloat16"):
        trained(halves, tmp_path)


def test_weights_from_elsewhere_are_tried_as_they_are_judged(mine: str) -> None:
    """A single image is enough to judge, and nothing that is drawn in training matters."""
    run = run_of("Noisy")
    one = data().images[:1]
    imported = Run(run.model, run.seed, run.network, run.options)
    try_out(build_model(imported), imported, one)
    with pytest.raises(ConfigError, match="same logits in training"):
        try_out(build_model(run), run, one)


def test_what_a_layer_remembers_elsewhere_is_told_after_an_epoch(mine: str, tmp_path: Path) -> None:
    run = run_of("Remembering")
    with pytest.raises(ConfigError, match="built anew with the same weights .* keep what they need"):
        trained(run, tmp_path)


def test_a_network_whose_logits_are_maps_is_told(mine: str, tmp_path: Path) -> None:
    options = {"channels": 1, "input_size": SIDE, "classes": 10}
    run = replace(run_of("Mix"), network="mine_own.mapped", options=options)
    with pytest.raises(ConfigError, match=r"expected logits \(N, classes\); got \(4, 10, 1, 1\)"):
        trained(run, tmp_path)


def test_a_trial_leaves_everything_as_it_is(mine: str) -> None:
    run = run_of("Normed")
    model = build_model(run).train()
    state, before = torch.get_rng_state(), {name: each.clone() for name, each in model.state_dict().items()}
    try_out(model, run, data().images)
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())


def test_a_model_whose_tensors_no_file_holds_is_not_saved(mine: str, tmp_path: Path) -> None:
    run = run_of("Mix")
    model = build_model(run)
    save_model(tmp_path / "a.safetensors", model, run.network, run.options)
    drawn = run_of("Random")  # a tensor that is made again with the seed that the file tells
    said = {key: value for key, value in drawn.metadata().items() if key not in ("network", "options")}
    save_model(tmp_path / "c.safetensors", build_model(drawn), drawn.network, drawn.options, **said)
    again, _ = load_model(tmp_path / "c.safetensors")
    images = torch.rand(3, 1, SIDE, SIDE)
    assert torch.equal(again(images), build_model(drawn).eval()(images))
    (own,) = (module for module in model.modules() if type(module).__name__ == "Mix")
    own.mix = own.mix + 1  # type: ignore[operator]
    with pytest.raises(
        ConfigError, match=r"mix'\] are neither, and others in a new one; use self.register_b"
    ):
        save_model(tmp_path / "b.safetensors", model, run.network, run.options)
    assert not (tmp_path / "b.safetensors").exists()
