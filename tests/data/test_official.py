"""The catalogue's digests, computed anew from a mirror, and whether that holds the datasets of the papers."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from flexnet.data.catalogue import DATASETS
from flexnet.data.content import content_digest
from flexnet.data.digests import digests_of, main
from flexnet.data.mirror import read_mirror

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
