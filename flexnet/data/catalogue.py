"""Facts about the real datasets: splits and counts, sizes, class names in label order, licences.

Digests of their official contents are in `contents.json` beside this file, which says where they come from.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from flexnet.by_name import ByName
from flexnet.data.roles import ROLES
from flexnet.errors import ConfigError, DataError


class Unavailable(DataError):
    """A source has nothing of a dataset or cannot be reached; another source may have it."""


@dataclass(frozen=True)
class Dataset:
    """What is known of a dataset before it is read; every source is checked against it.

    Attributes:
        name: the key used in configuration and the folder name in a mirror.
        splits: accepted numbers of images of each split, the official number first.
        size: height and width of an image in pixels.
        channels: 1 (grey) or 3 (RGB).
        classes: class names in label order.
        torchvision: class name in `torchvision.datasets`, or None where torchvision lacks the dataset.
        folder: where, inside a torchvision root, that class keeps its files.
        hub: names of its repositories on the Hugging Face hub.
        configs: folders of those repositories that hold its shards.
        photos: whether images larger than `size` are scaled and cut, as those of the official archive.
        contents: digests of official contents (`content_digest`), by split and number of images.
        roles: the split that plays each role where a source does not say it; none where that is a choice.
        licence: terms of use of the images.
        citation: whom to cite.
    """

    name: str
    splits: Mapping[str, tuple[int, ...]]
    size: int
    channels: int
    classes: tuple[str, ...]
    licence: str
    citation: str
    torchvision: str | None = None
    folder: str = ""
    hub: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    photos: bool = False
    contents: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=lambda: dict(zip(ROLES, ROLES, strict=True)))


CONTENTS = Path(__file__).with_name("contents.json")
_DIGESTS = json.loads(CONTENTS.read_text(encoding="utf-8"))["digests"]


def _contents(name: str) -> Mapping[str, Mapping[int, str]]:
    """Digests of a dataset, by split and number of images."""
    splits = _DIGESTS.get(name, {})
    return MappingProxyType(
        {split: {int(count): digest for count, digest in known.items()} for split, known in splits.items()}
    )


_CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_FASHION_CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_IMAGENETTE_CLASSES = (
    *("tench", "English springer", "cassette player", "chain saw", "church"),
    *("French horn", "garbage truck", "gas pump", "golf ball", "parachute"),
)
_STYLES = ("contours", "line_drawings", "silhouettes")

CIFAR10 = Dataset(
    name="cifar10",
    splits=MappingProxyType({"train": (50_000,), "test": (10_000,)}),
    size=32,
    channels=3,
    classes=_CIFAR_CLASSES,
    licence="no formal licence; for research",
    citation="Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images",
    torchvision="CIFAR10",
    folder="cifar-10-batches-py",
    hub=("uoft-cs/cifar10", "cifar10", "cifar-10"),
    configs=("plain_text",),
    contents=_contents("cifar10"),
)

FASHION_MNIST = Dataset(
    name="fashion_mnist",
    splits=MappingProxyType({"train": (60_000,), "test": (10_000,)}),
    size=28,
    channels=1,
    classes=_FASHION_CLASSES,
    licence="MIT",
    citation="Xiao, Rasul and Vollgraf (2017), arXiv:1708.07747",
    torchvision="FashionMNIST",
    folder="FashionMNIST/raw",
    hub=("zalando-datasets/fashion_mnist", "fashion_mnist", "fashion-mnist"),
    configs=("fashion_mnist",),
    contents=_contents("fashion_mnist"),
)

# A mirror may hold only the first 3,000 of the 10,000 test images.
MNIST = Dataset(
    name="mnist",
    splits=MappingProxyType({"train": (60_000,), "test": (10_000, 3_000)}),
    size=28,
    channels=1,
    classes=tuple(str(digit) for digit in range(10)),
    licence="no formal licence; for research",
    citation="LeCun, Bottou, Bengio and Haffner (1998), doi:10.1109/5.726791",
    torchvision="MNIST",
    folder="MNIST/raw",
    hub=("ylecun/mnist", "mnist"),
    configs=("mnist",),
    contents=_contents("mnist"),
)

# A mirror may hold 550 training images of each class; results obtained with them must say so.
IMAGENETTE = Dataset(
    name="imagenette",
    splits=MappingProxyType({"train": (9_469, 5_500), "val": (3_925,)}),
    size=224,
    channels=3,
    classes=_IMAGENETTE_CLASSES,
    licence="images from ImageNet; for research",
    citation="Howard (2019), Imagenette, fast.ai",
    torchvision="Imagenette",
    folder="imagenette2-320",
    hub=("frgfm/imagenette", "imagenette"),
    configs=("320px",),
    photos=True,
    contents=_contents("imagenette"),
    roles=MappingProxyType({"train": "train", "test": "val"}),
)

# Test images only: drawings of the ten CIFAR-10 classes, dark on white, and their exact negatives.
CIFAR10G = Dataset(
    name="cifar10g",
    splits=MappingProxyType(
        {f"{style}{ending}": (100,) for style in _STYLES for ending in ("", "_inverted")}
    ),
    size=224,
    channels=1,
    classes=_CIFAR_CLASSES,
    licence="CC BY-NC-SA 4.0",
    citation="Evans, Malhotra and Bowers (2022), doi:10.1016/j.neunet.2021.12.005",
    contents=_contents("cifar10g"),
    roles=MappingProxyType({}),
)

DATASETS: ByName[Dataset] = {
    "cifar10": CIFAR10,
    "fashion_mnist": FASHION_MNIST,
    "mnist": MNIST,
    "imagenette": IMAGENETTE,
    "cifar10g": CIFAR10G,
}


def accepted_counts(record: Dataset, split: str) -> tuple[int, ...]:
    """Numbers of images that a split may have, the official number first.

    Raises:
        ConfigError: if the dataset has no such split.
    """
    if split not in record.splits:
        known = ", ".join(record.splits)
        raise ConfigError(f"expected a split of {record.name} among {known}; got {split!r}; correct the name")
    return record.splits[split]


def check_count(record: Dataset, split: str, count: int, where: str | Path) -> None:
    """Compare a number of images with the catalogue, so that a partial copy is never used unnoticed.

    Raises:
        ConfigError: if the dataset has no such split.
        DataError: if the number is not one of the accepted ones; the message names `where`.
    """
    accepted = accepted_counts(record, split)
    if count not in accepted:
        numbers = " or ".join(f"{number:,}" for number in accepted)
        raise DataError(
            f"expected {numbers} images in {record.name}/{split}; {where} holds {count:,}; "
            f"fetch what is missing, and keep foreign files elsewhere"
        )
