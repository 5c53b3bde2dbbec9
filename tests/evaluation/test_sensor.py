"""Noise of a sensor: its formulas against another implementation, its keys, and the same for all networks."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from skimage.util import random_noise
from torch import Tensor

from flexnet.errors import ConfigError
from flexnet.evaluation.sensor import evaluate, evaluate_all, fade, poisson
from flexnet.evaluation.subject import Job, Subject
from flexnet.networks.registry import build
from flexnet.training.batches import DeviceImages
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun

RULES: dict[str, Any] = {"variances": [0, 0.01, 0.25], "contrasts": [1, 0.5, 0.2]}
IMAGES = torch.randint(0, 256, (40, 1, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def subject(seed: int = 1, width: float = 0.5) -> Subject:
    run = TrainingRun("m", seed, "lenet", {"input_size": 16, "width": width}, Recipe())
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = build("lenet", **run.options).eval()
        for weights in network.parameters():
            weights.data = torch.randn_like(weights)
    with torch.inference_mode():
        labels = network(IMAGES.float() / 255).argmax(1)
    return Subject(network, run, DeviceImages(IMAGES, labels.clone()))


def seen(rules: dict[str, Any], batch: int = 100, **changes: Any) -> list[Tensor]:
    """What a network is given, one stack of all images for each condition."""
    asked, given = replace(subject(), **changes), []
    asked.model.normalise.register_forward_pre_hook(lambda module, inputs: given.append(inputs[0].clone()))
    answers = list(evaluate(asked, rules, None, Job("paper", batch)))
    whole = torch.cat(given[-sum(len(part) for part in given) :])
    return list(whole[-len(answers) * len(asked.scored) :].split(len(asked.scored)))


def rows(asked: Subject, rules: dict[str, Any] = RULES, batch: int = 100) -> list[dict[str, Any]]:
    return [answer.row() for answer in evaluate(asked, rules, None, Job("paper", batch))]


def test_every_condition_has_a_row_and_images_as_they_are_are_all_right() -> None:
    found = rows(subject(), {**RULES, "draws": 2})
    keys = [(row["noise"], row["variance"], row["contrast"], row["draw"]) for row in found]
    gaussian = [("gaussian", size, 1.0, draw) for size in (0.0, 0.01, 0.25) for draw in (0, 1)]
    assert keys == gaussian + [("poisson", 0.0, size, draw) for size in (1.0, 0.5, 0.2) for draw in (0, 1)]
    clean = [row for row in found if row["variance"] == 0 and row["contrast"] == 1]
    assert len(clean) == 4
    assert {row["accuracy"] for row in clean} == {1.0}
    assert min(row["accuracy"] for row in found) < 0.9


def test_gaussian_noise_has_its_variance_and_is_not_cut_unless_told() -> None:
    clean, _, strong = seen({**RULES, "contrasts": [1]})[:3]
    assert torch.equal(clean, IMAGES.float() / 255)
    noise = strong - clean
    assert float(noise.var()) == pytest.approx(0.25, rel=0.05)  # not its deviation
    assert float(noise.mean()) == pytest.approx(0, abs=0.02)
    assert float(strong.min()) < -0.5
    cut = seen({**RULES, "contrasts": [1], "clip": True})[2]
    assert torch.equal(cut, strong.clamp(0, 1))


def test_contrast_fades_towards_a_mid_grey_before_the_noise() -> None:
    assert fade(torch.tensor([0.0, 0.5, 1.0]), 0.2).tolist() == pytest.approx([0.4, 0.5, 0.6])
    untouched, _, faint = seen(RULES)[3:]
    assert torch.equal(untouched, IMAGES.float() / 255)
    assert float(faint.mean()) == pytest.approx(float(fade(IMAGES.float() / 255, 0.2).mean()), abs=0.01)
    black = faint[IMAGES < 8]
    assert float(black.mean()) == pytest.approx(0.4, abs=0.02)  # lifted, and so noisy too
    assert float(black.std()) > 0.02


@pytest.mark.parametrize("levels", [2, 5, 64, 65])
def test_poisson_noise_is_that_of_scikit_image(levels: int) -> None:
    values = np.linspace(0.1, 0.9, levels)
    image = np.resize(values, (1, 64, 64))
    theirs = random_noise(image, mode="poisson", rng=0, clip=False)
    ours = poisson(torch.from_numpy(image).float(), torch.Generator().manual_seed(0)).double().numpy()
    counts = 2 ** np.ceil(np.log2(levels))
    assert np.allclose((ours * counts).round(), ours * counts, atol=1e-3)
    assert np.allclose((theirs * counts).round(), theirs * counts, atol=1e-6)
    for found in (theirs, ours):
        assert (found - image).mean() == pytest.approx(0, abs=4 * (0.5 / counts / image.size) ** 0.5)
        assert ((found - image) ** 2).mean() == pytest.approx(image.mean() / counts, rel=0.15)


def test_all_networks_seeds_and_batches_see_the_same_and_repeats_do_not() -> None:
    one = seen(RULES)
    for other in (seen(RULES, batch=7), seen(RULES, run=replace(subject().run, seed=5, model="other"))):
        assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))
    first, second = seen({"variances": [0.25], "contrasts": [0.2], "draws": 2})[:2]
    assert not torch.equal(first, second)
    assert not torch.equal(one[2], seen({**RULES, "seed": 1})[2])
    turned = seen(RULES, numbers=list(range(39, -1, -1)))
    assert not torch.equal(one[2], turned[2])  # the noise of an image goes with its number
    noise = one[2] - IMAGES.float() / 255
    assert torch.allclose(noise.flip(0), turned[2] - IMAGES.float() / 255, atol=1e-6)


def test_several_networks_are_asked_at_once_with_the_same_answers() -> None:
    both = [subject(1), replace(subject(2), scored=subject(1).scored)]
    together = list(evaluate_all(both, RULES, None, Job("paper", 16)))
    for place, one in enumerate(both):
        assert [answer.row() for at, answer in together if at == place] == rows(one)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variances": [-0.1]}, "variances.0: expected a number of at least 0"),
        ({"variances": [0.1, 0.1]}, "none of them twice"),
        ({"contrasts": [0]}, "contrasts.0: expected a number above 0 and up to 1"),
        ({"clip": 1}, "clip: expected true or false"),
        ({"draws": 0}, "draws: expected a whole number of at least 1"),
    ],
)
def test_what_is_not_allowed_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        rows(subject(), {**RULES, **change})
