"""Corruptions of what a model is shown: which images, made how often, and what is refused at the door."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from subjects import right_about
from torch import Tensor, nn

from flexnet.corruptions import NAMES, constants_of, corrupt
from flexnet.corruptions.folder import write_corrupted
from flexnet.corruptions.pillow import jpeg
from flexnet.errors import ConfigError, DataError, NumericalError
from flexnet.evaluation import corruptions
from flexnet.evaluation.corruptions import evaluate, evaluate_all
from flexnet.evaluation.subject import Job, Subject
from flexnet.families.corruptions import CorruptionSettings, told
from flexnet.spectral.bandwidth import bandwidths
from flexnet.training.batches import DeviceImages
from flexnet.training.streamed import Streamed

RULES: dict[str, Any] = {"corruptions": ["fog", "frost"], "severities": [1, 5]}
GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randint(0, 256, (30, 3, 16, 16), dtype=torch.uint8, generator=GENERATOR)


def subject(model: str = "m", seed: int = 1, images: Tensor = IMAGES, **options: Any) -> Subject:
    return right_about(images, model, seed, **options)


def rows(asked: Subject, rules: dict[str, Any] = RULES, batch: int = 100) -> list[dict[str, Any]]:
    return [answer.row() for answer in evaluate(asked, rules, None, Job("paper", batch))]


def seen(asked: Subject, rules: dict[str, Any], batch: int = 100) -> list[Tensor]:
    """All images that a network is shown, a tensor for each condition, in grey levels."""
    shown: list[Tensor] = []
    handle = asked.model.register_forward_pre_hook(lambda module, given: shown.append(given[0] * 255))
    list(evaluate(asked, rules, None, Job("paper", batch)))
    handle.remove()
    n = len(asked.scored)
    whole = torch.cat(shown[2:])  # the first two passes ask whether it draws in secret
    assert len(whole) % n == 0
    return [part.round().to(torch.uint8) for part in whole.split(n)]


# --- what is asked -----------------------------------------------------------------------------------


def test_clean_images_come_once_and_then_every_corruption_and_severity() -> None:
    found = rows(subject())
    keys = [(row["corruption"], row["severity"]) for row in found]
    labels = ["fog", "frost_synthetic"]  # the frost is not that of the originals, and is called so
    assert keys == [("none", 0), *((name, severity) for name in labels for severity in (1, 5))]
    assert found[0]["accuracy"] == 1.0
    assert {row["n"] for row in found} == {30}
    assert min(row["accuracy"] for row in found) < 1


def test_without_a_word_all_nineteen_are_asked() -> None:
    assert len(list(CorruptionSettings().conditions())) == 1 + 19 * 5
    assert corruptions.passes({}, None) == 96
    assert corruptions.passes(RULES, None) == 5


def test_a_network_is_shown_what_corrupt_makes() -> None:
    clean, fog, strong_fog, _, _ = seen(subject(), {**RULES, "seed": 3})
    assert torch.equal(clean, IMAGES)
    assert torch.equal(fog, corrupt(IMAGES, "fog", 1, 3))
    assert torch.equal(strong_fog, corrupt(IMAGES, "fog", 5, 3))


def test_images_are_numbered_in_their_set_and_not_in_their_batch() -> None:
    """Another choice of scored images leaves each image its corruption."""
    whole, some = subject(), [20, 3, 7]
    part = DeviceImages(IMAGES[some], whole.scored.labels[some])
    few = replace(whole, scored=part, numbers=some)
    noise = {"corruptions": ["gaussian_noise"], "severities": [5]}
    assert torch.equal(seen(few, noise)[1], seen(whole, noise)[1][some])
    assert torch.equal(seen(few, noise, batch=2)[1], seen(few, noise)[1])
    assert not torch.equal(seen(replace(few, numbers=None), noise)[1], seen(few, noise)[1])


def test_constants_are_those_of_the_size_unless_others_are_asked_for() -> None:
    fog = {"corruptions": ["fog"], "severities": [4]}
    assert torch.equal(seen(subject(), fog)[1], seen(subject(), {**fog, "constants": "cifar"})[1])
    large = seen(subject(), {**fog, "constants": "imagenet"})[1]
    assert torch.equal(large, corrupt(IMAGES, "fog", 4, constants="imagenet"))
    assert not torch.equal(large, seen(subject(), fog)[1])
    own = {"strength": 9.0, "decay": 1.2}
    found = seen(subject(), {**fog, "constants": {"fog": [own]}})[1]
    assert torch.equal(found, corrupt(IMAGES, "fog", 4, constants=own))
    assert not torch.equal(found, large)


def test_what_a_job_is_told_gives_the_same_images() -> None:
    """The study spells constants out; nothing may change by it."""
    rules = {**RULES, "corruptions": ["fog", "motion_blur"]}
    for one, other in zip(seen(subject(), rules), seen(subject(), told(rules, 16)), strict=True):
        assert torch.equal(one, other)


def test_a_resaved_image_was_a_jpeg_and_a_clean_one_was_not() -> None:
    clean, fog = seen(subject(), {"corruptions": ["fog"], "severities": [2], "resave": 85})
    assert torch.equal(clean, IMAGES)
    assert torch.equal(fog, jpeg(corrupt(IMAGES, "fog", 2), 85))


def test_a_job_is_told_every_constant_that_it_uses_and_no_other() -> None:
    found = told({"corruptions": ["fog", "gaussian_blur"], "severities": [2, 4], "seed": 1}, 64)
    assert found == {
        "corruptions": ["fog", "gaussian_blur"],
        "severities": [2, 4],
        "seed": 1,
        "constants": {
            name: [constants_of(name, severity, 64) for severity in (2, 4)]
            for name in ("fog", "gaussian_blur")
        },
    }
    assert found["constants"] != told({**RULES, "corruptions": ["fog", "gaussian_blur"]}, 32)["constants"]
    assert len(told({}, 224)["constants"]) == len(NAMES)
    assert told({"constants": "imagenet"}, 32)["constants"]["fog"] == told({}, 224)["constants"]["fog"]
    assert told(found, 32) == found  # constants that are spelt out stay


# --- several networks ----------------------------------------------------------------------------------


def test_all_seeds_get_their_own_answers_from_images_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = subject("m", 1), subject("m", 2)
    other.model.load_state_dict({name: value.roll(1, 0) for name, value in other.model.state_dict().items()})
    sizes: list[int] = []
    made = corruptions.corrupt

    def noted(images: Tensor, *args: Any, **options: Any) -> Tensor:
        sizes.append(len(images))
        return made(images, *args, **options)

    monkeypatch.setattr(corruptions, "corrupt", noted)
    together = list(evaluate_all([one, other], RULES, None, Job("paper", 10)))
    # One image for a try of each corruption; then three batches of two corruptions and severities, once each.
    assert sizes == [1] * 2 + [10] * 12
    first, second = ([answer.row() for at, answer in together if at == place] for place in (0, 1))
    assert first == rows(one)
    assert second == rows(other)
    assert first != second


def test_clean_images_are_measured_once_and_each_is_compared_with_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []
    known = corruptions.measured

    def noted(images: Tensor) -> Any:
        sizes.append(len(images))
        return known(images)

    monkeypatch.setattr(corruptions, "measured", noted)
    found = rows(subject(), batch=10)
    assert sizes == [10] * (3 + 12)  # three batches clean, and under two corruptions and severities
    clean = bandwidths(IMAGES)["centroid"]
    shown = [
        IMAGES,
        *(corrupt(IMAGES, name, severity, 0) for name in ("fog", "frost") for severity in (1, 5)),
    ]
    for row, images in zip(found, shown, strict=True):
        assert row["centroid_fold"] == pytest.approx(
            float((bandwidths(images)["centroid"] / clean).mean()), 1e-5
        )


def test_images_that_stream_are_asked_for_in_parts_and_give_the_same() -> None:
    asked = subject()
    moving = Streamed(IMAGES.flip(0), torch.arange(29, -1, -1), torch.device("cpu"))
    streamed = replace(asked, scored=DeviceImages(moving, asked.scored.labels))
    assert rows(streamed, batch=7) == rows(asked)


def test_a_random_network_is_judged_alike_twice_and_left_as_it_was() -> None:
    asked = subject(layer={"scheme": "random"})
    before = {name: value.clone() for name, value in asked.model.state_dict().items()}
    assert rows(asked) == rows(asked)
    assert all(torch.equal(before[name], value) for name, value in asked.model.state_dict().items())


# --- a corrupted set that somebody has ------------------------------------------------------------------


def test_the_share_of_widths_at_the_edge_counts_clean_and_corrupted_images() -> None:
    """Of smooth images none; of noise all, also under a blur, for there the clean ones have no width."""
    noise = torch.randint(
        0, 256, (6, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    rules = {"corruptions": ["gaussian_blur", "gaussian_noise"], "severities": [5]}
    wave = (torch.arange(64) / 64 * 2 * torch.pi).cos().mul(100).add(127)
    smooth = (wave[:, None] / 2 + wave[None] / 2).expand(6, 3, 64, 64).to(torch.uint8).contiguous()
    for images, shares in ((smooth, [0.0, 0.0, 1.0]), (noise, [1.0, 1.0, 1.0])):
        assert [row["fwhm_log_edge"] for row in rows(subject(images=images), rules)] == shares


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "set"
    labels = subject().scored.labels.numpy()
    write_corrupted(place, IMAGES, labels, names=("fog", "frost"), seed=5)
    return place


def test_a_folder_gives_what_made_it(folder: Path) -> None:
    asked = subject()
    whole = rows(asked, {**RULES, "folder": str(folder)})
    assert whole == rows(asked, {**RULES, "seed": 5})
    some = [4, 11, 29]
    part = DeviceImages(IMAGES[some], asked.scored.labels[some])
    few = replace(asked, scored=part, numbers=some)
    assert torch.equal(seen(few, {**RULES, "folder": str(folder)})[2], corrupt(IMAGES, "fog", 5, 5)[some])


def test_a_published_set_has_the_frost_of_its_authors(folder: Path) -> None:
    (folder / "flexnet.json").unlink()
    found = rows(subject(), {**RULES, "folder": str(folder)})
    assert {row["corruption"] for row in found} == {"none", "fog", "frost"}


def test_a_set_of_other_images_with_the_same_labels_is_refused_where_that_can_be_seen(folder: Path) -> None:
    """What was made of silhouettes, say, has the labels of the photographs in the same order."""
    asked, others = subject(), IMAGES.clone()
    others[7] = 255 - others[7]
    asked = replace(asked, scored=DeviceImages(others, asked.scored.labels))
    with pytest.raises(DataError, match=r"made of the 30 scored images; got one of other images, 1 of which"):
        rows(asked, {**RULES, "folder": str(folder)})
    some = [4, 11]
    part = replace(asked, scored=DeviceImages(others[some], asked.scored.labels[some]), numbers=some)
    assert len(rows(part, {**RULES, "folder": str(folder)})) == 1 + 2 * len(RULES["severities"])
    note = json.loads((folder / "flexnet.json").read_text())
    (folder / "flexnet.json").write_text(json.dumps(note | {"images": note["images"][8:]}))
    with pytest.raises(DataError, match=r"flexnet\.json: expected digests of 30 images"):
        rows(asked, {**RULES, "folder": str(folder)})
    del note["images"]  # as sets of before
    (folder / "flexnet.json").write_text(json.dumps(note))
    assert rows(asked, {**RULES, "folder": str(folder)})


def test_a_folder_is_found_below_the_data_mirror(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEXNET_DATA_MIRROR", str(folder.parent))
    assert rows(subject(), {**RULES, "folder": "set"}) == rows(subject(), {**RULES, "folder": str(folder)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda place: (place / "fog.npy").unlink(), r"missing are \['fog.npy'\]"),
        (lambda place: (place / "labels.npy").unlink(), r"missing are \['labels.npy'\]"),
        (
            lambda place: np.save(place / "labels.npy", np.zeros(150, dtype=np.uint8)),
            "expected the 30 scored images in their order; got a set of 30 images with other labels",
        ),
        (lambda place: np.save(place / "fog.npy", np.zeros((150, 16, 16, 3))), "fog.npy: expected uint8"),
        (lambda place: place.rename(place.with_name("gone")), "there is no such folder"),
    ],
)
def test_a_set_that_does_not_fit_is_refused(folder: Path, change: Any, message: str) -> None:
    change(folder)
    with pytest.raises(DataError, match=message):
        rows(subject(), {**RULES, "folder": str(folder)})


def test_a_set_of_images_of_another_size_is_refused(folder: Path) -> None:
    asked = subject(images=torch.zeros(30, 3, 20, 20, dtype=torch.uint8))
    with pytest.raises(ConfigError, match=r"expected images of shape \(3, 20, 20\).*got \(3, 16, 16\)"):
        rows(asked, {**RULES, "folder": str(folder)})


# --- what is refused at the door -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"severities": [0, 1]}, r"severities.0: expected a whole number from 1 to 5 \(clean images.*got 0"),
        ({"severities": [6]}, "severities.0: expected a whole number from 1 to 5.*got 6"),
        ({"severities": [True]}, "severities.0: expected a whole number"),
        ({"severities": []}, "severities: expected a list of severities, at least one"),
        ({"corruptions": ["foggy"]}, "corruptions.0: expected one of .*did you mean 'fog'"),
        ({"corruptions": ["fog", "fog"]}, "none of them twice"),
        ({"corruptions": []}, "corruptions: expected a list of corruptions, at least one"),
        ({"constants": "imagnet"}, "constants: expected one of .*did you mean 'imagenet'"),
        ({"constants": {"fog": [{"strength": 1}]}}, "constants: .*expected a number for each of"),
        (
            {"constants": {"fog": [{"strength": 1, "decay": 2}]}},
            "constants: expected the constants of fog at",
        ),
        ({"seed": -1}, "seed: expected a whole number of at least 0"),
        ({"resave": 0}, "resave: expected a whole number from 1 to 95"),
        ({"folder": ""}, "folder: expected the path of a folder"),
        ({"folder": "there", "seed": 4}, "seed: expected no such setting beside a folder"),
    ],
)
def test_what_is_not_allowed_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        rows(subject(), {**RULES, **change})


def test_images_that_cannot_be_corrupted_are_refused_before_the_first_answer() -> None:
    asked = subject()
    tiny = replace(asked, scored=DeviceImages(IMAGES[:, :, :1, :1], asked.scored.labels))
    with pytest.raises(ConfigError, match="expected at least 16 x 16 pixels; got 1 x 1"):
        next(evaluate(tiny, RULES, None, Job("paper", 100)))
    grey = subject(images=IMAGES[:, :1])
    with pytest.raises(ConfigError, match="saturate: expected images of 3 channels; got grey"):
        next(evaluate(grey, {"corruptions": ["fog", "saturate"]}, None, Job("paper", 100)))
    assert rows(grey)
    floats = replace(asked, scored=DeviceImages(IMAGES.float(), asked.scored.labels))
    with pytest.raises(DataError, match="expected uint8 images"):
        next(evaluate(floats, RULES, None, Job("paper", 100)))
    empty = replace(asked, scored=DeviceImages(IMAGES[:0], asked.scored.labels[:0]))
    with pytest.raises(DataError, match="with N >= 1"):
        next(evaluate(empty, RULES, None, Job("paper", 100)))


def test_answers_that_are_no_numbers_stop() -> None:
    class Broken(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, images: Tensor) -> Tensor:
            return self.inner(images) / (images.mean((1, 2, 3))[:, None] < 0.55).float()

    asked = replace(subject(), model=Broken(subject().model).eval())
    bright = {"corruptions": ["brightness"], "severities": [5], "constants": "imagenet"}
    words = "m seed 1, protocol paper, corruption brightness, severity 5: .* of 30"
    with pytest.raises(NumericalError, match=words):
        rows(asked, bright)


def test_a_model_that_draws_in_secret_is_refused() -> None:
    asked = subject()
    asked.model.register_forward_hook(lambda module, inputs, output: output + torch.rand(10))
    with pytest.raises(ConfigError, match="m seed 1, protocol paper: expected the same logits"):
        rows(asked)
