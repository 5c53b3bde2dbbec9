"""Noise: its distributions, its keys, and that it is no attack."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from subjects import right_about
from torch import Tensor, nn

from flexnet.errors import ConfigError, NumericalError
from flexnet.evaluation.fgsm import evaluate as attacked
from flexnet.evaluation.noise import evaluate, noise_of
from flexnet.evaluation.subject import Job, Subject

RULES: dict[str, Any] = {"space": "pixel", "clamp": "valid", "epsilons": [0, 0.1, 0.4], "draws": 2}
IMAGES = torch.randint(0, 256, (70, 1, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.randint(0, 10, (70,), generator=torch.Generator().manual_seed(1))


def subject(model: str = "m", **options: Any) -> Subject:
    return right_about(IMAGES, model, **options)


def rows(asked: Subject, rules: dict[str, Any] = RULES, batch: int = 100) -> list[dict[str, Any]]:
    return [answer.row() for answer in evaluate(asked, rules, None, Job("paper", batch))]


def test_there_is_a_row_for_every_noise_size_and_repeat() -> None:
    found = rows(subject())
    keys = [(row["noise"], row["epsilon"], row["draw"]) for row in found]
    assert sorted(keys) == sorted(
        (noise, float(size), draw)
        for noise in ("uniform", "gaussian")
        for size in (0, 0.1, 0.4)
        for draw in (0, 1)
    )
    assert {row["accuracy"] for row in found if row["epsilon"] == 0} == {1.0}
    assert {row["n"] for row in found} == {70}


def test_noise_costs_less_than_an_attack_of_its_size() -> None:
    asked = subject()
    found = rows(asked, {**RULES, "epsilons": [0.1]})
    attack = {"space": "pixel", "clamp": "valid", "epsilons": [0.1], "loss": "cross_entropy"}
    (attack_row,) = (answer.row() for answer in attacked(asked, attack, None, Job("paper", 100)))
    assert attack_row["correct"] < min(row["correct"] for row in found)


@pytest.mark.parametrize(("noise", "deviation", "largest"), [("uniform", 3**-0.5, 1.0), ("gaussian", 1, 9.0)])
def test_noise_has_its_distribution(noise: str, deviation: float, largest: float) -> None:
    drawn = noise_of(torch.zeros(40, 3, 20, 20, dtype=torch.uint8), noise, 5, 0)
    assert float(drawn.std()) == pytest.approx(deviation, rel=0.02)
    assert float(drawn.mean()) == pytest.approx(0, abs=0.02)
    assert float(drawn.abs().max()) <= largest
    kurtosis = float((drawn / deviation).pow(4).mean())
    assert kurtosis == pytest.approx({"uniform": 1.8, "gaussian": 3.0}[noise], rel=0.05)


def test_the_noise_of_an_image_is_its_own_whatever_the_batch() -> None:
    images = torch.zeros(6, 1, 4, 4, dtype=torch.uint8)
    whole = noise_of(images, "gaussian", 1, 0)
    assert torch.equal(whole[4:], noise_of(images[4:], "gaussian", 1, 4))
    assert len({tuple(part.flatten().tolist()) for part in whole}) == 6
    assert not torch.equal(whole, noise_of(images, "gaussian", 2, 0))
    asked = subject()
    assert rows(asked, batch=7) == rows(asked, batch=100)
    assert rows(asked, {**RULES, "batch": 9}) == rows(asked)


def test_networks_of_a_seed_see_the_same_noise_and_repeats_another() -> None:
    assert rows(subject("a")) == rows(subject("b"))
    other = replace(subject(), run=replace(subject().run, seed=2))
    assert [row["correct"] for row in rows(other)] != [row["correct"] for row in rows(subject())]
    found = rows(subject(), {**RULES, "draws": 6, "epsilons": [0.4]})
    assert len({row["correct"] for row in found}) > 1


@pytest.mark.parametrize(("space", "clamp"), [("pixel", "valid"), ("normalised", "loose")])
def test_moved_images_keep_to_their_range(space: str, clamp: str) -> None:
    asked = subject()
    seen: list[Tensor] = []
    asked.model.register_forward_pre_hook(lambda module, given: seen.append(given[0].clone()))
    rows(asked, {**RULES, "space": space, "clamp": clamp, "epsilons": [0.4], "draws": 1})
    clean, moved = IMAGES.float() / 255, torch.cat(seen[:1])
    unit = 1.0 if space == "pixel" else 0.5  # the network's standard deviation
    assert float((moved - clean[: len(moved)]).abs().max()) <= 0.4 * unit + 1e-6
    if clamp == "valid":
        assert float(moved.min()) >= 0
        assert float(moved.max()) <= 1


def test_a_random_network_is_judged_alike_twice_and_left_as_it_was() -> None:
    asked = subject(layer={"scheme": "random"})
    before = {name: value.clone() for name, value in asked.model.state_dict().items()}
    assert rows(asked) == rows(asked)
    assert all(torch.equal(before[name], value) for name, value in asked.model.state_dict().items())


def test_answers_that_are_no_numbers_stop() -> None:
    class Broken(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.normalise, self.inner = inner.normalise, inner

        def forward(self, images: Tensor) -> Tensor:
            return self.inner(images) / (images.std((1, 2, 3), keepdim=True).flatten(1) < 0.3).float()

    asked = subject()
    asked = replace(asked, model=Broken(asked.model).eval())
    with pytest.raises(
        NumericalError, match=r"m seed 1, protocol paper, noise .*, epsilon .*, draw 0: .* of 70"
    ):
        rows(asked)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noises": ["white"]}, "noises.0: expected one of"),
        ({"noises": ["uniform", "uniform"]}, "none of them twice"),
        ({"epsilons": [0, 2]}, "epsilon of an attack: expected at most 1"),
        ({"draws": 0}, "draws: expected a whole number of at least 1"),
        ({"space": "pixels"}, "space: expected one of"),
    ],
)
def test_what_is_not_allowed_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        rows(subject(), {**RULES, **change})


def test_a_model_that_draws_in_secret_is_refused() -> None:
    asked = subject()
    asked.model.register_forward_hook(lambda module, inputs, output: output + torch.rand(10))
    with pytest.raises(ConfigError, match="m seed 1, protocol paper: expected the same logits"):
        rows(asked)


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_a_model_that_answers_in_half_precision_is_refused(half: torch.dtype) -> None:
    asked = subject()
    asked.model.register_forward_hook(lambda module, inputs, output: output.to(half))
    with pytest.raises(ConfigError, match=f"got {half}; run its forward in float32"):
        rows(asked)
