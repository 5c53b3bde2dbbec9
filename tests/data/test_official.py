"""The catalogue's digests, computed anew from a mirror, and whether that holds the datasets of the papers."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from flexnet.data.arrays import load_arrays
from flexnet.data.catalogue import DATASETS
from flexnet.data.content import content_digest
from flexnet.data.digests import digests_of, main
from flexnet.data.mirror import read_mirror
from flexnet.data.prepare import prepare

# Means and standard deviations of the training images in [0, 1], as they are quoted everywhere.
QUOTED = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "fashion_mnist": ((0.2860,), (0.3530,)),
    "mnist": ((0.1307,), (0.3081,)),
}


def mirror_of(name: str) -> Path:
    root = os.environ.get("FLEXNET_DATA_MIRROR")
    if not root or not (Path(root) / name).is_dir():
        pytest.skip(f"FLEXNET_DATA_MIRROR names no mirror that holds {name}")
    return Path(root)


@pytest.mark.parametrize("name", QUOTED)
def test_real_training_images_are_those_of_the_papers(name: str) -> None:
    arrays = read_mirror(mirror_of(name), DATASETS[name], "train")
    assert content_digest(arrays) == DATASETS[name].contents["train"][len(arrays)]
    assert len(set(np.bincount(arrays.labels).tolist())) == (10 if name == "mnist" else 1)
    values = np.arange(256) / 255
    for channel, mean, deviation in zip(range(3), *QUOTED[name], strict=False):
        share = np.bincount(arrays.images[:, channel].ravel(), minlength=256) / arrays.images[:, channel].size
        assert share @ values == pytest.approx(mean, abs=5e-5)
        assert np.sqrt(share @ (values - mean) ** 2) == pytest.approx(deviation, abs=5e-5)


@pytest.mark.parametrize(
    ("name", "split"),
    [("cifar10", "test"), ("fashion_mnist", "test"), ("mnist", "test"), ("imagenette", "val")],
)
def test_real_test_images_are_those_of_the_catalogue(name: str, split: str) -> None:
    arrays = read_mirror(mirror_of(name), DATASETS[name], split)
    assert content_digest(arrays) == DATASETS[name].contents[split][len(arrays)]


def test_the_command_prints_what_the_catalogue_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cifar10g").symlink_to(mirror_of("cifar10g") / "cifar10g")
    assert main([str(tmp_path)]) == 0
    printed = json.loads(capsys.readouterr().out)
    known = DATASETS["cifar10g"].contents
    assert printed == {"cifar10g": {split: {"100": known[split][100]} for split in known}}
    assert len(known) == 6


def test_the_command_without_a_dataset_or_a_mirror(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert digests_of(tmp_path) == {}
    assert main([]) == 2
    assert "usage: python -m flexnet.data.digests MIRROR" in capsys.readouterr().err


# What each dataset of the mirror holds for each role of a source of it: dataset, splits, numbers, one class.
PREPARED: dict[str, dict[str, tuple[str, int]]] = {
    "cifar10": {"test": ("test", 10_000)},
    "fashion_mnist": {"test": ("test", 10_000)},
    "mnist": {"train": ("train", 60_000), "test": ("test", 3_000)},
    "imagenette": {"test": ("val", 3_925)},
}


@pytest.mark.parametrize(
    ("name", "role", "options", "shape"),
    [
        ("cifar10", "test", {"channels": 1}, [1, 32, 32]),
        ("fashion_mnist", "test", {}, [1, 28, 28]),
        ("mnist", "train", {}, [1, 28, 28]),
        ("mnist", "test", {"size": 32, "channels": 3}, [3, 32, 32]),
        ("imagenette", "test", {"size": 64}, [3, 64, 64]),
    ],
)
def test_every_dataset_is_prepared_by_roles(
    name: str, role: str, options: dict[str, int], shape: list[int], tmp_path: Path
) -> None:
    split, number = PREPARED[name][role]
    assert DATASETS[name].roles[role] == split
    target = tmp_path / f"{split}.safetensors"
    manifest = prepare(name, split, target, mirror=mirror_of(name), download=False, options=options)
    assert (manifest["n"], manifest["shape"], manifest["content"]) == (number, shape, "official")
    assert manifest["class_counts"] == dict(
        zip(DATASETS[name].classes, np.bincount(load_arrays(target).labels).tolist(), strict=True)
    )


def test_training_images_of_imagenette_are_as_many_as_there_are(tmp_path: Path) -> None:
    target, options = tmp_path / "train.safetensors", {"size": 32}
    manifest = prepare("imagenette", "train", target, mirror=mirror_of("imagenette"), options=options)
    assert (manifest["n"], set(manifest["class_counts"].values())) == (5_500, {550})
    assert manifest["content"] == "official"
    means = load_arrays(target).images.mean((0, 2, 3)) / 255
    assert means == pytest.approx([0.463, 0.458, 0.430], abs=0.02)


@pytest.mark.parametrize("split", DATASETS["cifar10g"].splits)
def test_every_set_of_drawings_is_prepared_at_the_size_of_photos(split: str, tmp_path: Path) -> None:
    options = {"size": 32, "channels": 3}
    manifest = prepare(
        "cifar10g", split, tmp_path / "a.safetensors", mirror=mirror_of("cifar10g"), options=options
    )
    assert (manifest["n"], manifest["shape"], manifest["content"]) == (100, [3, 32, 32], "official")
    images = load_arrays(tmp_path / "a.safetensors").images
    assert np.array_equal(images[:, 0], images[:, 2])
    bright = images.mean()
    assert bright < 80 if split.endswith("_inverted") else bright > 175
