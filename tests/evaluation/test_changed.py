"""Families that judge a network on changed images: filters, waves, maps, other datasets."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from subjects import right_about
from torch import Tensor, nn

from flexnet.data.arrays import ImageArrays
from flexnet.data.manifest import manifest_of, origin, store
from flexnet.errors import ConfigError, DataError, NumericalError
from flexnet.evaluation import bandpass, drawings, fourier, maps
from flexnet.evaluation.changed import judging, unchanged
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.networks.registry import build
from flexnet.spectral.basis import basis_image
from flexnet.spectral.filters import filtered
from flexnet.training.batches import DeviceImages, digest_of

CLASSES = tuple("abcdefghij")
IMAGES = torch.randint(0, 256, (40, 1, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
JOB = Job("paper", 100)


def subject(model: str = "m", images: Tensor = IMAGES, **options: Any) -> Subject:
    return right_about(images, model, **options)


def right(asked: Subject, images: Tensor) -> Tensor:
    """Whether a network is right about other images in the place of its own."""
    with torch.inference_mode():
        return asked.model(images).argmax(1) == asked.scored.labels


# --- filters ---------------------------------------------------------------------------------------

BANDS = {"filters": ["paper", "release"], "frequencies": [2, 5]}


def test_filtered_images_are_what_a_network_is_asked_about() -> None:
    asked = subject()
    found = {
        tuple(answer.conditions.values()): answer for answer in bandpass.evaluate(asked, BANDS, None, JOB)
    }
    assert list(found) == [("none", 0.0), ("paper", 2.0), ("paper", 5.0), ("release", 2.0), ("release", 5.0)]
    assert found["none", 0.0].row()["accuracy"] == 1.0
    for (name, frequency), answer in found.items():
        if name != "none":
            seen = filtered(IMAGES, name, frequency).float() / 255
            assert answer.right is not None
            assert torch.equal(answer.right, right(asked, seen))
            share = float(answer.right.double().mean())  # of all images, not of those that are right
            assert (answer.row()["n"], answer.row()["accuracy"]) == (len(IMAGES), pytest.approx(share))
    assert len({answer.row()["correct"] for answer in found.values()}) > 2


def test_a_frequency_that_images_lack_stops_before_anything_is_judged() -> None:
    asked = subject()
    calls: list[int] = []
    asked.model.register_forward_pre_hook(lambda module, given: calls.append(1))
    with pytest.raises(ConfigError, match="at most 8.485 cycles per image"):
        list(bandpass.evaluate(asked, {**BANDS, "frequencies": [2, 9]}, None, JOB))
    assert calls == []


# --- waves -----------------------------------------------------------------------------------------


def test_waves_have_the_norm_that_is_said_and_signs_of_their_own() -> None:
    grey = torch.full((30, 3, 12, 12), 128, dtype=torch.uint8)
    asked = subject(images=grey, channels=3)
    seen: list[Tensor] = []
    asked.model.register_forward_pre_hook(lambda module, given: seen.append(given[0].clone()))
    list(fourier.evaluate(asked, {"norm": 2.0, "most": 2, "step": 2}, None, JOB))
    # The first look finds out whether the network draws in secret.
    clean, *noisy = [batch for batch in seen if len(batch) == 30]
    assert torch.equal(clean, grey.float() / 255)
    for batch, (v, h) in zip(noisy, [(0, 0), (0, 2), (2, -2), (2, 0), (2, 2)], strict=True):
        moved = batch - clean
        assert torch.allclose(moved.flatten(2).norm(dim=2), torch.full((30, 3), 2.0), atol=1e-4)
        wave = 2.0 * basis_image(12, 12, v, h).float()
        signs = (moved * wave).sum((2, 3)) / 4
        assert torch.allclose(signs.abs(), torch.ones(30, 3), atol=1e-4)
        assert len(set(signs.round().flatten().tolist())) == 2
        assert 20 < int((signs > 0).sum()) < 70
        assert int((signs[:, 0] != signs[:, 1]).sum()) > 3  # a channel does not follow another


def test_waves_stay_within_black_and_white_and_are_the_same_for_all_networks() -> None:
    first, second = ([a.row() for a in fourier.evaluate(subject(name), {"norm": 9.0, "most": 3}, None, JOB)]
                     for name in ("a", "b"))  # fmt: skip
    assert first == second
    asked, seen = subject(), []
    asked.model.register_forward_pre_hook(lambda module, given: seen.append(given[0].aminmax()))
    list(fourier.evaluate(asked, {"norm": 9.0, "most": 1}, None, JOB))
    assert min(float(low) for low, _ in seen) == 0.0
    assert max(float(high) for _, high in seen) == 1.0
    with pytest.raises(ConfigError, match="expected a vertical frequency"):
        list(fourier.evaluate(asked, {"norm": 1.0, "most": 7}, None, JOB))


# --- maps ------------------------------------------------------------------------------------------


def fixed_maps(maps_of: Any) -> dict[str, Any]:
    seen = maps.Seen(1)
    for batch in maps_of.double().split(3):
        seen.add(batch)
    return seen.measures()


def by_numpy(found: Tensor) -> float:
    """Mean over channels of the mean correlation over pairs of images."""
    pairs = np.triu_indices(len(found), 1)
    channels = (found[:, place].flatten(1).numpy() for place in range(found.shape[1]))
    return float(np.mean([np.corrcoef(values)[pairs].mean() for values in channels]))


def test_correlation_is_that_of_numpy_over_all_pairs_of_images() -> None:
    drawn = torch.randn(7, 4, 6, 5, generator=torch.Generator().manual_seed(0))
    drawn[:, 1] = drawn[:1, 1] + 0.5 * drawn[:, 1]  # one channel that is much the same in all
    assert fixed_maps(drawn)["correlation"] == pytest.approx(by_numpy(drawn), abs=1e-5)


def test_maps_that_do_not_depend_on_the_image_have_1_and_flat_ones_nothing() -> None:
    drawn = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)).repeat(5, 1, 1, 1)
    scaled = drawn * torch.arange(1, 6).view(5, 1, 1, 1) + torch.arange(5).view(5, 1, 1, 1)
    assert fixed_maps(scaled)["correlation"] == pytest.approx(1.0)
    flat = fixed_maps(torch.ones(4, 2, 5, 5))
    assert np.isnan(flat["correlation"])
    assert flat["sameness"] == 1.0


def test_pooled_maps_are_made_of_blocks_and_noise_is_not() -> None:
    noise = torch.randn(4, 2, 32, 32, generator=torch.Generator().manual_seed(0)).double()
    pooled = nn.functional.max_pool2d(noise, 3, 1, 1)
    assert float(maps.sameness(noise).max()) < 0.02
    assert float(maps.sameness(pooled).min()) > 0.3
    doubled = torch.arange(8.0).repeat_interleave(2).expand(1, 1, 6, 16).double()
    # Down everything is the same, across 8 of 15 steps are.
    assert float(maps.sameness(doubled)) == pytest.approx((5 * 16 + 6 * 8) / (5 * 16 + 6 * 15))


def test_pictures_are_of_the_channel_of_most_contrast_from_black_to_white() -> None:
    values = torch.stack([torch.zeros(2, 3), torch.tensor([[0.0, 2, 4], [6, 8, 30]]), torch.ones(2, 3)])
    assert maps.pictures(values.double(), 1) == "2x3:01234f"
    assert maps.pictures(torch.zeros(1, 1, 2), 1) == "1x2:00"


def test_layers_are_those_that_are_asked_for_and_the_network_is_left_as_it_was() -> None:
    asked = subject(layer={"scheme": "learned"})
    rules = {"images": 10, "pictured": 1}
    found = list(maps.evaluate(asked, rules, [1], JOB))
    assert [answer.conditions["layer"] for answer in found] == [0, 1]
    assert {answer.n for answer in found} == {10}
    (layer,) = [module for module in asked.model.modules() if isinstance(module, nn.Conv2d)]
    assert not layer._forward_hooks
    with torch.inference_mode():
        expected = layer(asked.model.fixed(IMAGES[:10].float() / 255)).double()
    assert found[1].measures["correlation"] == pytest.approx(by_numpy(expected), abs=1e-4)
    with pytest.raises(ConfigError, match=r"the 1 convolutions of the network; got \[2\]"):
        list(maps.evaluate(asked, rules, [1, 2], JOB))


class Twice(nn.Module):
    """A convolution that is asked as often as one likes, and one that never is."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.conv, self.idle, self.times = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 1), times

    def forward(self, images: Tensor) -> Tensor:
        for _ in range(self.times):
            images = self.conv(images)
        return images.flatten(1)[:, :10]


@pytest.mark.parametrize(("times", "told"), [(1, "number 2 0 times"), (2, "number 1 2 times, number 2 0 ")])
def test_a_layer_that_is_not_asked_once_for_each_image_is_refused(times: int, told: str) -> None:
    """Asked twice, an image would be set beside itself, and maps seem alike."""
    asked = replace(subject(), model=Twice(times).eval())
    with pytest.raises(ConfigError, match=f"once for each image; got {told}"):
        list(maps.evaluate(asked, {"images": 10}, None, JOB))


def test_a_network_that_asks_a_layer_at_several_sizes_is_refused() -> None:
    images = IMAGES[:2].repeat(1, 1, 3, 3)[:, :, :28, :28]
    layers = {"c1": "flexible", "s2": "flexible", "layer": {"scheme": "learned"}}
    model = build("hmax", input_size=28, prototypes=5, **layers).eval()
    scored = DeviceImages(images, torch.tensor([0, 1]))
    asked = replace(subject(), model=model, scored=scored)
    with pytest.raises(ConfigError, match="once for each image; got number"):
        list(maps.evaluate(asked, {"images": 2}, None, JOB))


# --- other datasets --------------------------------------------------------------------------------


def told(
    folder: Path, name: str, n: int, classes: tuple[str, ...] = CLASSES, size: int = 12
) -> dict[str, str]:
    """A dataset as a job is told it: its last half in reverse order."""
    drawn = np.random.default_rng(n).integers(0, 256, (n, 1, size, size), dtype=np.uint8)
    arrays = ImageArrays(drawn, np.arange(n) % len(classes), classes)
    path = folder / f"{name}.safetensors"
    manifest = store(
        path,
        arrays,
        manifest_of(
            arrays, dataset="d", split="contours", source="mirror", content="official", content_digest="c"
        ),
    )
    chosen = list(range(n - 1, n // 2 - 1, -1))
    subset = {"training": [], "scored": chosen, "split": "test", "data": {"test": origin(manifest)}}
    choice = folder / f"{name}.choice.json"
    choice.write_text(json.dumps(subset))
    return {"arrays": str(path), "subset": str(choice), "title": f"the {name}"}


def visited(asked: Subject, **sets: Any) -> list[Answer]:
    rules = {"judged_on": sets, "classes": list(CLASSES)}
    return list(drawings.evaluate(asked, rules, None, JOB))


def test_a_network_is_judged_on_the_chosen_images_of_other_datasets(tmp_path: Path) -> None:
    asked = subject()
    small, large = told(tmp_path, "small", 30), told(tmp_path, "large", 120)
    found = visited(asked, contours=small, contours_inverted=large)
    keys = [tuple(answer.conditions.values()) for answer in found]
    assert keys == [("own", 0), ("contours", 0), ("contours", 1)]
    assert [answer.n for answer in found] == [40, 15, 60]
    assert found[0].row()["accuracy"] == 1.0
    for answer, n in zip(found[1:], (30, 120), strict=True):
        drawn = np.random.default_rng(n).integers(0, 256, (n, 1, 12, 12), dtype=np.uint8)[::-1][: n // 2]
        labels = torch.from_numpy((np.arange(n) % 10)[::-1][: n // 2].copy())
        with torch.inference_mode():
            expected = asked.model(torch.from_numpy(drawn.copy()).float() / 255).argmax(1) == labels
        assert answer.right is not None
        assert torch.equal(answer.right[: answer.n], expected)
        assert not answer.right[answer.n :].any()
        assert len(answer.right) == 60
    digests = [answer.measures["digest"] for answer in found]
    assert len(set(digests)) == 3
    assert digests[0] == "own"
    arrays = torch.from_numpy(np.random.default_rng(30).integers(0, 256, (30, 1, 12, 12), dtype=np.uint8))
    chosen = torch.arange(29, 14, -1)
    assert digests[1] == digest_of(DeviceImages(arrays[chosen], chosen % 10))
    assert [answer.measures["title"] for answer in found[1:]] == ["the small", "the large"]


def test_grey_drawings_stand_in_all_channels_of_a_colour_network(tmp_path: Path) -> None:
    colour = torch.randint(
        0, 256, (40, 3, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(2)
    )
    asked = subject(images=colour, channels=3)
    shown: list[Tensor] = []
    asked.model.register_forward_pre_hook(lambda module, given: shown.append(given[0] * 255))
    visited(asked, contours=told(tmp_path, "grey", 30))
    drawn = np.random.default_rng(30).integers(0, 256, (30, 1, 12, 12), dtype=np.uint8)[::-1][:15]
    assert torch.equal(
        shown[-1].round().to(torch.uint8), torch.from_numpy(drawn.copy()).expand(-1, 3, -1, -1)
    )


def test_classes_in_another_order_or_images_of_another_size_stop(tmp_path: Path) -> None:
    asked = subject()
    turned = told(tmp_path, "turned", 20, classes=(*CLASSES[1:], CLASSES[0]))
    with pytest.raises(DataError, match=r"turned.*expected classes \('a', 'b'.*got \('b', 'c'"):
        visited(asked, contours=turned)
    with pytest.raises(DataError, match=r"expected images of shape \(1, 12, 12\).*got \(1, 16, 16\)"):
        visited(asked, contours=told(tmp_path, "large", 20, size=16))
    with pytest.raises(ConfigError, match="expected the files of a dataset"):
        list(drawings.evaluate(asked, {"judged_on": {"contours": "cifar10g-contours"}}, None, JOB))


def test_a_file_that_was_exchanged_is_noticed(tmp_path: Path) -> None:
    asked = subject()
    first, other = told(tmp_path, "first", 20), told(tmp_path, "other", 40)
    with pytest.raises(DataError, match="sha256"):
        visited(asked, contours={**first, "subset": other["subset"]})


# --- what all share --------------------------------------------------------------------------------


def test_masks_follow_from_the_seed_and_the_change_and_leave_no_trace() -> None:
    asked = subject(layer={"scheme": "random"})
    before = {name: value.clone() for name, value in asked.model.state_dict().items()}
    again = []
    for name in ("x", "x", "y"):
        with judging(asked, "family", 100, JOB) as judge:
            again.append(judge(unchanged, name))
    assert torch.equal(again[0], again[1])
    assert not torch.equal(again[0], again[2])
    other = replace(asked, run=replace(asked.run, seed=2))
    with judging(other, "family", 100, JOB) as judge:
        assert not torch.equal(again[0], judge(unchanged, "x"))
    assert all(torch.equal(before[name], value) for name, value in asked.model.state_dict().items())


def test_places_count_on_from_batch_to_batch_and_progress_is_told() -> None:
    asked, places, done = subject(), [], []

    def noted(images: Tensor, first: int) -> Tensor:
        places.append((first, len(images)))
        return images

    with judging(asked, "family", 15, Job("paper", 100, done.append)) as judge:
        judge(noted, "x")
    assert places == [(0, 15), (15, 15), (30, 10)]
    assert done == [40]


def test_a_network_without_answers_or_with_secret_draws_stops() -> None:
    asked = subject()
    asked.model.register_forward_hook(lambda module, given, logits: logits * float("nan"))
    with (
        pytest.raises(NumericalError, match="m seed 1, protocol paper, change wide 3"),
        judging(asked, "family", 100, JOB) as judge,
    ):
        judge(unchanged, "wide", 3)
    secret = subject()
    secret.model.register_forward_hook(lambda module, given, logits: logits + torch.rand(10))
    with (
        pytest.raises(ConfigError, match="expected the same logits"),
        judging(secret, "family", 100, JOB),
    ):
        pass
