from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from flexnet.attacks.fgsm import fgsm
from flexnet.attacks.spaces import Space
from flexnet.errors import ConfigError, DataError
from flexnet.evaluation.accuracy import correct_per_image
from flexnet.evaluation.fgsm import evaluate_fgsm, fgsm_outcomes
from flexnet.families.fgsm import FgsmSettings
from flexnet.layers.flexible import FlexibleConv2d
from flexnet.networks.normalise import Normalise


def count_correct(*arguments: Any, **options: Any) -> int:
    return int(correct_per_image(*arguments, **options).sum())


IMAGES = np.random.default_rng(0).integers(0, 256, (250, 1, 8, 8), dtype=np.uint8)
LABELS = np.random.default_rng(1).integers(0, 5, 250)


class Tiny(nn.Module):
    """Normalisation, one layer of nine maps, a linear read-out."""

    def __init__(self, layer):
        super().__init__()
        self.normalise = Normalise((0.5,), (0.25,))
        self.layer, self.readout = layer, nn.Linear(9 * 36, 5)

    def forward(self, images):
        return self.readout(self.layer(self.normalise(images)).tanh().flatten(1))


def tiny(scheme=None):
    torch.manual_seed(7)
    if scheme is None:
        return Tiny(nn.Conv2d(1, 9, 3)).eval()
    return Tiny(FlexibleConv2d(1, 9, 3, input_size=8, scheme=scheme)).eval()


def protocol(**changes):
    values = {"space": "normalised", "clamp": "loose", "loss": "cross_entropy", "epsilons": [0, 0.05, 0.3]}
    return FgsmSettings.from_mapping({**values, **changes})


def rows(model, settings, seed=0, batch_size=300, images=IMAGES, labels=LABELS):
    return evaluate_fgsm(model, images, labels, settings, seed=seed, device="cpu", batch_size=batch_size)


def outcomes(model, settings, seed=0, batch_size=300):
    return fgsm_outcomes(model, IMAGES, LABELS, settings, seed=seed, device="cpu", batch_size=batch_size)


def test_rows_equal_the_attack_made_by_hand():
    model = tiny()
    table = rows(model, protocol(draws=10))
    images, labels = torch.tensor(IMAGES).float() / 255, torch.tensor(LABELS)
    space = Space.normalised(model.normalise.mean, model.normalise.std)
    for row, epsilon in zip(table, (0, 0.05, 0.3), strict=True):
        moved = fgsm(model, images, labels, epsilon, space)
        correct = int((model(moved).argmax(1) == labels).sum())
        expected = {"epsilon": epsilon, "draw": 0, "n": 250, "correct": correct, "accuracy": correct / 250}
        assert row == expected
    assert table[0]["correct"] == count_correct(model, IMAGES, LABELS, batch_size=64, device="cpu")
    assert table[2]["correct"] < table[0]["correct"]


def test_brightness_model_by_hand():
    class Bright(nn.Module):
        def __init__(self):
            super().__init__()
            self.normalise = Normalise((0.5,), (0.5,))

        def forward(self, images):
            mean = self.normalise(images).mean(dim=(1, 2, 3))
            return torch.stack((-mean, mean), dim=1)

    # Pixels 0.2, 0.4, 0.6 with the right labels: a step of 0.15 fools the last two, 0.35 all.
    images = np.array([51, 102, 153], dtype=np.uint8).reshape(3, 1, 1, 1)
    labels = np.array([0, 0, 1])
    pixel = protocol(space="pixel", clamp="valid", epsilons=[0.0, 0.15, 0.35])
    assert [row["correct"] for row in rows(Bright(), pixel, images=images, labels=labels)] == [3, 1, 0]
    # The same step in normalised units is half as long in pixels.
    units = protocol(epsilons=[0.0, 0.15, 0.35])
    assert [row["correct"] for row in rows(Bright(), units, images=images, labels=labels)] == [3, 3, 1]


def test_loose_clamp_hurts_more_than_the_valid_range():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.normalise = Normalise((0.5,), (0.5,))

        def forward(self, images):
            total = self.normalise(images).flatten(1) @ torch.tensor([1.0, 1.0, -1.0, -1.0]) - 1.0
            return torch.stack((-total, total), dim=1)

    # The first image has a total of 3 and is attacked inwards alone: 3 - 4 * 0.3 keeps its sign.
    images = np.array([255, 255, 0, 0, 255, 0, 0, 255], dtype=np.uint8).reshape(2, 1, 1, 4)
    labels = np.array([1, 0])
    # The second has -1 and needs all four pixels to change sign, two of them outwards.
    correct = {
        clamp: rows(Sum(), protocol(clamp=clamp, epsilons=[0.3]), images=images, labels=labels)[0]["correct"]
        for clamp in ("loose", "valid")
    }
    assert correct == {"loose": 1, "valid": 2}


def test_release_counting_of_a_deterministic_model():
    model = tiny()
    settings = protocol(loss="negative_logit", counting="drop_last_of_batch", draws=10, redraw=True)
    table = rows(model, settings)
    clean = [row for row in table if row["epsilon"] == 0]
    assert [row["draw"] for row in clean] == list(range(10))
    assert {row["n"] for row in table} == {300}
    total = count_correct(model, IMAGES, LABELS, batch_size=64, device="cpu")
    # Three batches, the last of them half full: three images of 250 are left out.
    assert all(total - 3 <= row["correct"] <= total for row in clean)
    assert len({row["correct"] for row in table if row["epsilon"] > 0}) > 1


def test_release_counting_of_a_perfect_model_is_99_percent():
    class Perfect(nn.Module):
        def __init__(self):
            super().__init__()
            self.normalise = Normalise((0.0,), (1.0,))

        def forward(self, images):
            return torch.stack((images.sum(dim=(1, 2, 3)) + 100, images.sum(dim=(1, 2, 3))), dim=1)

    settings = protocol(counting="drop_last_of_batch", draws=2, epsilons=[0])
    table = rows(Perfect(), settings, images=IMAGES[:200], labels=np.zeros(200, dtype=np.int64))
    assert [(row["correct"], row["n"], row["accuracy"]) for row in table] == [(198, 200, 0.99)] * 2


def test_same_seed_same_rows_other_seed_other_rows():
    model, settings = tiny("random"), protocol(draws=4)
    table = rows(model, settings, seed=3)
    torch.rand(5)  # the global generator plays no part
    assert rows(tiny("random"), settings, seed=3) == table
    assert rows(model, settings, seed=4) != table
    assert [row["draw"] for row in table] == [0, 1, 2, 3] * 3


class Noisy(nn.Conv2d):
    """Draws for each image, where the random scheme draws for the batch."""

    stochastic, generator = True, None

    def forward(self, images):
        found = super().forward(images)
        return found + torch.randn(found.shape, generator=self.generator)


def test_a_layer_that_draws_for_each_image_draws_the_same_at_every_step_size():
    model = Tiny(Noisy(1, 9, 3)).eval()
    settings = protocol(draws=2, epsilons=[0, 1e-9, 0.3], batch=50)
    found = outcomes(model, settings, batch_size=50)
    assert torch.equal(found[:, 0], found[:, 1])
    assert not torch.equal(found[0, 0], found[1, 0])
    assert torch.equal(outcomes(model, settings, batch_size=300), found)


def test_repeats_of_a_stochastic_model_differ():
    result = outcomes(tiny("random"), protocol(draws=3))
    assert result.shape == (3, 3, 250)
    assert not torch.equal(result[0, 0], result[1, 0])


def test_each_repeat_is_counted_from_its_own_outcomes():
    settings = protocol(draws=3)
    found = outcomes(tiny("random"), settings).sum(dim=-1)
    assert len(set(found[:, 0].tolist())) > 1
    for row in rows(tiny("random"), settings):
        assert row["correct"] == int(found[row["draw"], settings.epsilons.index(row["epsilon"])])


def test_each_batch_has_its_own_mask():
    twice, labels = np.concatenate([IMAGES[:100]] * 2), np.concatenate([LABELS[:100]] * 2)
    model = tiny("random")
    result = fgsm_outcomes(model, twice, labels, protocol(), seed=0, device="cpu", batch_size=300)
    assert not torch.equal(result[0, 0, :100], result[0, 0, 100:])
    assert model.layer.generator is None


@pytest.mark.parametrize("scheme", [None, "random", "redrawn"])
@pytest.mark.parametrize("draws", [1, 3])
def test_epsilons_per_pass_change_nothing(scheme, draws):
    settings = protocol(draws=draws, redraw=True, epsilons=[0, 0.02, 0.05, 0.1, 0.2])
    one = outcomes(tiny(scheme), settings, batch_size=100)
    assert torch.equal(one, outcomes(tiny(scheme), settings, batch_size=200))
    assert torch.equal(one, outcomes(tiny(scheme), settings, batch_size=1000))


def test_thresholds_are_redrawn_per_repeat_and_put_back():
    model = tiny("redrawn")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    settings = protocol(draws=3, redraw=True)
    redrawn = outcomes(model, settings)
    assert len(redrawn) == 3
    assert not torch.equal(redrawn[0, 0], redrawn[1, 0])
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    # Without redrawing, the clean outcomes are those of the thresholds that the model came with.
    fixed = outcomes(model, protocol())
    assert int(fixed[0, 0].sum()) == count_correct(model, IMAGES, LABELS, batch_size=64, device="cpu")


def test_averaged_gradient_is_stronger_than_a_single_draw():
    # With the true distribution of masks averaged, the attack fits the unseen mask of the judge better.
    def correct(eot_draws):
        settings = protocol(draws=20, eot_draws=eot_draws, epsilons=[0.1])
        return sum(row["correct"] for row in rows(tiny("random"), settings))

    assert correct(20) < correct(1)


def test_averaged_gradient_is_made_once(monkeypatch):
    calls = []
    original = fgsm_outcomes.__globals__["mean_gradient"]

    def counting(model, images, labels, loss, draws, highest):
        calls.append(draws)
        return original(model, images, labels, loss, draws, highest)

    monkeypatch.setattr("flexnet.evaluation.fgsm.mean_gradient", counting)
    outcomes(tiny("random"), protocol(draws=4, eot_draws=5))
    assert calls == [5, 5, 5]
    calls.clear()
    outcomes(tiny("random"), protocol(draws=4))
    assert calls == [1] * 12
    calls.clear()
    outcomes(tiny(), protocol(draws=4, eot_draws=5))
    assert calls == [1, 1, 1]


def test_model_is_left_as_it_came():
    model = tiny("random").train()
    rows(model, protocol())
    assert all(module.training for module in model.modules())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())


def test_progress_counts_the_images():
    seen = []
    evaluate_fgsm(
        tiny(), IMAGES, LABELS, protocol(), seed=0, device="cpu", batch_size=300, progress=seen.append
    )
    assert seen == [100, 100, 50]


def test_what_cannot_be_attacked():
    with pytest.raises(ConfigError, match="expected an attribute `normalise`"):
        rows(nn.Sequential(nn.Flatten(), nn.Linear(64, 5)), protocol())
    with pytest.raises(ConfigError, match="expected model parameters in float32"):
        rows(tiny().half(), protocol())
    with pytest.raises(DataError, match="expected uint8 images"):
        rows(tiny(), protocol(), images=IMAGES.astype(np.float32))
