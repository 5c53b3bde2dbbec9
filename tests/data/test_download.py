"""torchvision as a source: small fake roots, damage, and no network."""

import hashlib
import pickle
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from flexnet.data._torchvision import import_torchvision
from flexnet.data.catalogue import CIFAR10, CIFAR10G, FASHION_MNIST, IMAGENETTE, Dataset, Unavailable
from flexnet.data.decode import centre_square
from flexnet.data.download import download, read_torchvision
from flexnet.errors import DataError

SMALL_FASHION = replace(FASHION_MNIST, splits={"train": (4,), "test": (3,)})


@pytest.fixture
def fashion_root(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """A root with four training and three test images in the IDX format."""
    images = np.random.default_rng(0).integers(0, 256, (7, 28, 28), dtype=np.uint8)
    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for prefix, part in (("train", images[:4]), ("t10k", images[4:])):
        head = struct.pack(">4i", 0x803, len(part), 28, 28)
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(head + part.tobytes())
        labels = struct.pack(">2i", 0x801, len(part)) + bytes(range(len(part)))
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(labels)
    return tmp_path, images


def test_the_environment_lets_torchvision_be_imported_by_itself() -> None:
    """Also before torch, and in a Python that knows nothing of this package."""
    model = "from torchvision.models import resnet18; import torch"
    code = f"{model}; print(resnet18()(torch.ones(1, 3, 64, 64)).shape)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "torch.Size([1, 1000])\n", done.stderr


def test_what_the_environment_adds_costs_a_start_nothing_heavy() -> None:
    code = "import sys; print({'torch', 'numpy', 'flexnet', 'torchvision'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "set()\n", done.stderr


def test_torchvision_imports_beside_any_torch() -> None:
    first = import_torchvision()
    assert import_torchvision() is first
    from torchvision import datasets, transforms

    assert datasets.CIFAR10.__name__ == "CIFAR10"
    assert transforms.CenterCrop(4)(Image.new("L", (8, 8))).size == (4, 4)


def test_fashion_mnist_root(fashion_root: tuple[Path, np.ndarray]) -> None:
    root, images = fashion_root
    arrays = read_torchvision(root, SMALL_FASHION, "test")
    assert np.array_equal(arrays.images, images[4:, np.newaxis])
    assert arrays.labels.tolist() == [0, 1, 2]
    assert arrays.classes[0] == "T-shirt/top"


def test_damaged_root_names_the_folder(fashion_root: tuple[Path, np.ndarray]) -> None:
    root, _ = fashion_root
    (root / "FashionMNIST/raw/t10k-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03\0\0")
    with pytest.raises(DataError, match=r"fashion_mnist/test in .*raw; torchvision cannot read") as caught:
        read_torchvision(root, SMALL_FASHION, "test")
    assert "delete" not in str(caught.value)  # the root is the user's own


def test_images_of_another_size_in_a_root(fashion_root: tuple[Path, np.ndarray]) -> None:
    root, _ = fashion_root
    path = root / "FashionMNIST/raw/t10k-images-idx3-ubyte"
    path.write_bytes(struct.pack(">4i", 0x803, 3, 27, 27) + bytes(3 * 27 * 27))
    with pytest.raises(
        DataError, match=r"images of shape \(1, 28, 28\) in .*; got uint8 of shape \(1, 27, 27\)"
    ):
        read_torchvision(root, SMALL_FASHION, "test")


def test_incomplete_root(fashion_root: tuple[Path, np.ndarray]) -> None:
    with pytest.raises(DataError, match=r"expected 10,000 images in fashion_mnist/test; .* holds 3"):
        read_torchvision(fashion_root[0], FASHION_MNIST, "test")


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, np.ndarray]:
    """A root with two test images, and torchvision's checksums replaced by those of its files."""
    import_torchvision()
    from torchvision.datasets import CIFAR10 as Source

    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32), dtype=np.uint8)
    folder = tmp_path / Source.base_folder
    folder.mkdir()
    batch = pickle.dumps({"data": pixels.reshape(2, -1), "labels": [3, 9]})
    meta = pickle.dumps({"label_names": list(CIFAR10.classes)})
    (folder / "test_batch").write_bytes(batch)
    (folder / "batches.meta").write_bytes(meta)
    monkeypatch.setattr(Source, "train_list", [])
    monkeypatch.setattr(Source, "test_list", [["test_batch", hashlib.md5(batch).hexdigest()]])
    monkeypatch.setattr(Source, "meta", {**Source.meta, "md5": hashlib.md5(meta).hexdigest()})
    return tmp_path, pixels


SMALL_CIFAR = replace(CIFAR10, splits={"test": (2,)})


def test_cifar_root(cifar: tuple[Path, np.ndarray]) -> None:
    arrays = read_torchvision(cifar[0], SMALL_CIFAR, "test")
    assert np.array_equal(arrays.images, cifar[1])
    assert arrays.labels.tolist() == [3, 9]


def test_cifar_checksum_is_verified_before_reading(cifar: tuple[Path, np.ndarray]) -> None:
    path = cifar[0] / CIFAR10.folder / "test_batch"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(DataError, match=r"cifar10/test in .*not found or corrupted.*or name another root"):
        read_torchvision(cifar[0], SMALL_CIFAR, "test")


def test_imagenette_photos_become_squares(tmp_path: Path) -> None:
    import_torchvision()
    from torchvision.datasets import Imagenette

    for wnid in Imagenette._WNID_TO_CLASS:
        folder = tmp_path / "imagenette2-320" / "val" / wnid
        folder.mkdir(parents=True)
        Image.new("L", (400, 320), 100).save(folder / "a.JPEG")
    arrays = read_torchvision(tmp_path, replace(IMAGENETTE, splits={"val": (10,)}), "val")
    assert arrays.images.shape == (10, 3, 224, 224)
    assert arrays.labels.tolist() == list(range(10))
    assert np.abs(arrays.images.astype(int) - 100).max() <= 1  # JPEG
    spoilt = tmp_path / "imagenette2-320" / "val" / "n03000684" / "a.JPEG"
    Image.new("CMYK", (400, 320)).save(spoilt)
    with pytest.raises(DataError, match=rf"expected an image in {spoilt}; the image has mode CMYK"):
        read_torchvision(tmp_path, replace(IMAGENETTE, splits={"val": (10,)}), "val")


def test_photo_is_scaled_to_256_and_cut_at_its_centre() -> None:
    row = np.linspace(0, 255, 640).astype(np.uint8)
    photo = Image.fromarray(np.broadcast_to(row, (512, 640)))
    square = np.asarray(centre_square(photo, 224))
    assert square.shape == (224, 224)
    # 640 columns become 320; the middle 224 of them are 48 to 271, that is 96.5 and 543 before.
    assert (square[0, 0], square[0, -1]) == (
        pytest.approx(96.5 * 255 / 639, abs=1),
        pytest.approx(217, abs=1),
    )


@pytest.mark.parametrize(
    ("record", "split", "message"),
    [(CIFAR10G, "contours", "does not offer cifar10g; use a mirror"), (CIFAR10, "test", "there are none")],
)
def test_absent_dataset_is_left_to_another_source(
    record: Dataset, split: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable, match=message):
        read_torchvision(tmp_path, record, split)


def test_failed_download_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no route to host\nsecond line")

    import_torchvision()
    monkeypatch.setattr("torchvision.datasets.CIFAR10.download", unreachable)
    with pytest.raises(Unavailable, match=r"to .*new; it failed \(no route to host\); check the connection"):
        download(tmp_path / "new", CIFAR10, "test")


def test_download_uses_files_that_are_there(cifar: tuple[Path, np.ndarray]) -> None:
    assert np.array_equal(download(cifar[0], SMALL_CIFAR, "test").images, cifar[1])


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_pickles_in_a_folder_of_torchvision_are_not_run(tmp_path: Path) -> None:
    """Those of CIFAR-10 are checked against the official digests before they are read."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta"]
    for name in names:
        (folder / name).write_bytes(pickle.dumps(Touch(tmp_path / "ran")))
    legacy = tmp_path / "FashionMNIST/processed"
    legacy.mkdir(parents=True)
    (tmp_path / "FashionMNIST/raw").mkdir()
    (tmp_path / "FashionMNIST/raw/any").touch()
    for name in ("training.pt", "test.pt"):
        torch.save(Touch(tmp_path / "ran"), legacy / name)
    for record in (CIFAR10, FASHION_MNIST):
        with pytest.raises(DataError, match="torchvision cannot read it"):
            read_torchvision(tmp_path, record, "test")
    assert not (tmp_path / "ran").exists()
