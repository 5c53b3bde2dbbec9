"""Where shards may lie: the hub's own layouts, and what is said of one that is not known."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flexnet.data import prepare as room
from flexnet.data.arrays import ImageArrays, load_arrays
from flexnet.data.catalogue import CIFAR10, DATASETS, FASHION_MNIST, IMAGENETTE, MNIST, Dataset, Unavailable
from flexnet.data.layouts import find_shards
from flexnet.data.mirror import read_mirror
from flexnet.data.prepare import prepare
from flexnet.errors import DataError

Write = Callable[..., None]
PLAIN = ("train-00000-of-00002.parquet", "train-00001-of-00002.parquet")


@pytest.fixture
def hub(tiny: Dataset) -> Dataset:
    """The tiny dataset with a repository on the hub, as CIFAR-10 has one."""
    return replace(tiny, hub=("someone/tiny", "tiny"), configs=("plain_text",))


@pytest.fixture
def write(tmp_path: Path, pixels: np.ndarray, shard: Write, png: Callable[..., bytes]) -> Write:
    """Write the training images under one or two names inside a mirror."""

    def write(*names: str, column: str = "image") -> None:
        images, labels = [png(image) for image in pixels], [0, 1, 2, 0, 1, 2]
        ends = [4, 6] if len(names) == 2 else [6]
        for name, start, stop in zip(names, [0, *ends], ends, strict=False):
            shard(tmp_path / name, images[start:stop], labels[start:stop], column)

    return write


@pytest.mark.parametrize(
    "names",
    [
        PLAIN,
        ("train.parquet",),
        ("TRAIN.Parquet",),
        ("train-00000-of-00001-52adaa842dd7ed92.parquet",),
        ("tiny-train.parquet",),
        ("tiny-train-00000-of-00002.parquet", "tiny-train-00001-of-00002.parquet"),
        ("train/0000.parquet", "train/0001.parquet"),
    ],
)
@pytest.mark.parametrize("inside", ["", "plain_text/", "data/", "default/"])
@pytest.mark.parametrize("folder", ["tiny", "Tiny", "someone/tiny", "datasets--someone--tiny/snapshots/1f"])
def test_layouts_of_the_hub(
    names: tuple[str, ...], inside: str, folder: str, hub: Dataset, write: Write, tmp_path: Path, pixels
) -> None:
    write(*(f"{folder}/{inside}{name}" for name in names), column="img")
    arrays = read_mirror(tmp_path, hub, "train")
    assert np.array_equal(arrays.images, pixels.transpose(0, 3, 1, 2))
    assert arrays.labels.tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize(
    ("record", "split", "path"),
    [
        (CIFAR10, "train", "uoft-cs/cifar10/plain_text/train-00000-of-00001.parquet"),
        (CIFAR10, "test", "cifar10/plain_text/test/0000.parquet"),
        (FASHION_MNIST, "test", "zalando-datasets/fashion_mnist/fashion_mnist/test-00000-of-00001.parquet"),
        (FASHION_MNIST, "train", "fashion-mnist/data/train-00000-of-00001-b2c479666084dd68.parquet"),
        (MNIST, "train", "ylecun/mnist/mnist/train-00000-of-00001.parquet"),
        (MNIST, "test", "mnist/mnist/test/0000.parquet"),
        (MNIST, "test", "hub/datasets--ylecun--mnist/snapshots/77f3/mnist/test-00000-of-00001.parquet"),
        (IMAGENETTE, "val", "frgfm/imagenette/320px/validation-00000-of-00001.parquet"),
        (IMAGENETTE, "train", "imagenette/320px/train/0000.parquet"),
    ],
)
def test_repositories_of_the_supported_datasets(
    record: Dataset, split: str, path: str, tmp_path: Path
) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).touch()
    assert find_shards(tmp_path, record, split) == [tmp_path / path]


def test_the_cache_s_newest_state_is_read_through_its_links(
    hub: Dataset, write: Write, tmp_path: Path
) -> None:
    cache = tmp_path / "datasets--someone--tiny"
    write("blob")
    for state in ("old", "new"):
        place = cache / "snapshots" / state / "plain_text" / "train-00000-of-00001.parquet"
        place.parent.mkdir(parents=True)
        place.symlink_to(tmp_path / "blob")
    with pytest.raises(DataError, match=r"one state of the dataset in .*; got \['new', 'old'\]"):
        find_shards(tmp_path, hub, "train")
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text("new\n")
    assert [path.parent.parent.name for path in find_shards(tmp_path, hub, "train")] == ["new"]
    assert len(read_mirror(tmp_path, hub, "train")) == 6


@pytest.fixture
def no_network(hub: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue is the tiny dataset, and a download is a failure of the test."""

    def download(*_: object) -> ImageArrays:
        pytest.fail("a download was tried")

    monkeypatch.setattr(room, "DATASETS", {"tiny": hub})
    monkeypatch.setattr(room, "read_download", download)
    for variable in (room.MIRROR_VARIABLE, room.TORCHVISION_VARIABLE):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize("name", ["tiny/160px/train-00000-of-00001.parquet", "tiny/dataset.arrow", "tiny/"])
@pytest.mark.usefixtures("no_network")
def test_an_unknown_layout_is_shown_before_any_download(name: str, write: Write, tmp_path: Path) -> None:
    if name.endswith("/"):
        (tmp_path / name).mkdir()
    else:
        write(name)
    with pytest.raises(DataError) as caught:
        prepare("tiny", "train", tmp_path / "a.safetensors", mirror=tmp_path)
    message = str(caught.value)
    assert "expected tiny as train-00000-of-0000N.parquet in" in message
    assert "or in plain_text/, data/ there" in message
    assert f"tiny holds {name.removeprefix('tiny/') or 'nothing'}" in message.replace("160px/, ", "")


@pytest.mark.usefixtures("no_network")
def test_unknown_columns_are_shown_before_any_download(write: Write, tmp_path: Path) -> None:
    write("tiny/train.parquet", column="pixels")
    with pytest.raises(
        DataError, match=r"columns image and label in .*; 'image' is missing among \['pixels'"
    ):
        prepare("tiny", "train", tmp_path / "a.safetensors", mirror=tmp_path)


@pytest.mark.parametrize("argument", ["mirror", "torchvision_root"])
@pytest.mark.usefixtures("no_network")
def test_a_mistyped_folder_is_named_before_any_download(argument: str, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(DataError, match=rf"download: not tried, because there is no folder {gone}"):
        prepare("tiny", "train", tmp_path / "a.safetensors", **{argument: gone})


def test_a_mirror_without_the_dataset_says_what_it_holds(hub: Dataset, write: Write, tmp_path: Path) -> None:
    write("cifar100/train.parquet")
    with pytest.raises(Unavailable, match=r"folder .*tiny; there is none; .* holds cifar100/; name"):
        find_shards(tmp_path, hub, "train")


def test_a_mirror_named_one_folder_too_deep_is_recognised(hub: Dataset, write: Write, tmp_path: Path) -> None:
    write("someone/tiny/plain_text/train.parquet")
    with pytest.raises(DataError, match=r"holds some itself \(plain_text/.*name the folder above") as caught:
        find_shards(tmp_path / "someone" / "tiny", hub, "train")
    assert not isinstance(caught.value, Unavailable)


def test_a_missing_split_leaves_room_for_another_source(hub: Dataset, write: Write, tmp_path: Path) -> None:
    write("tiny/plain_text/train.parquet")
    with pytest.raises(Unavailable, match=r"no shard of 'test'; .*tiny holds .*plain_text/train\.parquet"):
        find_shards(tmp_path, hub, "test")


def test_gaps_in_the_converter_s_numbers(hub: Dataset, write: Write, tmp_path: Path) -> None:
    write("tiny/train/0000.parquet", "tiny/train/0002.parquet")
    with pytest.raises(DataError, match=r"expected shards 0 to 2 of 'train' in .*; got the numbers \[0, 2\]"):
        find_shards(tmp_path, hub, "train")


def test_torchvision_s_folder_in_the_same_root_is_no_mirror(
    hub: Dataset, write: Write, tmp_path: Path
) -> None:
    record = replace(hub, folder="tiny/raw")
    (tmp_path / "tiny" / "raw").mkdir(parents=True)
    with pytest.raises(Unavailable):
        find_shards(tmp_path, record, "train")
    write("tiny/train.parquet")
    assert len(find_shards(tmp_path, record, "train")) == 1


def test_a_file_that_git_did_not_fetch_is_recognised(hub: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "tiny" / "train.parquet"
    path.parent.mkdir()
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(DataError, match=r"train\.parquet; .*a pointer of Git LFS.*git lfs pull"):
        read_mirror(tmp_path, hub, "train")


def test_a_home_directory_may_be_written_short(
    hub: Dataset, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("mirror/tiny/train.parquet")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(room, "DATASETS", {"tiny": hub})
    prepare("tiny", "train", tmp_path / "a.safetensors", mirror="~/mirror", download=False)
    assert len(load_arrays(tmp_path / "a.safetensors")) == 6


def test_every_dataset_of_the_hub_names_its_repositories() -> None:
    assert {name for name, record in DATASETS.items() if record.hub} == set(DATASETS) - {"cifar10g"}
