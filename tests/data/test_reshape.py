"""Images of another size or number of channels: Lanczos and luminance, against the formulas themselves."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from flexnet.data import prepare as room
from flexnet.data.arrays import ImageArrays, load_arrays
from flexnet.data.catalogue import Dataset
from flexnet.data.content import content_digest
from flexnet.data.manifest import verify
from flexnet.data.prepare import prepare
from flexnet.data.reshape import reshape, resize
from flexnet.errors import DataError


def lanczos(old: int, new: int) -> np.ndarray:
    """Weights (new, old) of a windowed sinc of three lobes, widened by the factor of shrinking."""
    stretch = max(old / new, 1.0)
    centre = (np.arange(new) + 0.5) * old / new
    distance = (np.arange(old) + 0.5 - centre[:, None]) / stretch
    weights = np.sinc(distance) * np.sinc(distance / 3) * (abs(distance) < 3)
    return weights / weights.sum(1, keepdims=True)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(("old", "new"), [(224, 64), (224, 112), (64, 32), (32, 224), (28, 32), (17, 5)])
def test_sizes_are_made_by_the_formula_of_lanczos(old: int, new: int) -> None:
    """Row by row, then column by column, in whole grey levels; Pillow's weights are rounded a little, too."""
    images, weights = noise(2, 3, old, old), lanczos(old, new)
    between = np.clip(np.floor(images @ weights.T + 0.5), 0, 255)
    expected = np.clip(np.floor(weights @ between + 0.5), 0, 255)
    found = resize(images, new)
    assert (found.dtype, found.shape) == (np.uint8, (2, 3, new, new))
    assert np.abs(found - expected).max() <= 1
    assert (found != expected).mean() < 1e-3


def test_shrinking_does_not_alias() -> None:
    """A fine grid becomes even grey; every second pixel alone would be black or white."""
    grid = np.indices((64, 64)).sum(0) % 2 * 255
    inner = resize(grid.astype(np.uint8)[None, None], 16)[0, 0, 3:-3, 3:-3]
    assert np.abs(inner.astype(int) - 128).max() <= 1


def test_images_of_the_size_already_stay_as_they_are() -> None:
    images = noise(3, 1, 8, 8)
    assert np.array_equal(resize(images, 8), images)


def arrays(images: np.ndarray) -> ImageArrays:
    return ImageArrays(images, np.arange(len(images)) % 2, ("a", "b"))


def test_grey_is_luminance_before_it_is_scaled() -> None:
    images = noise(2, 3, 12, 12)
    weighted = np.tensordot([0.299, 0.587, 0.114], images, (0, 1))
    found, done = reshape(arrays(images), {"channels": 1})
    assert done == {"channels": 1}
    assert np.abs(found.images[:, 0] - weighted).max() <= 0.51
    both, done = reshape(arrays(images), {"channels": 1, "size": 6})
    assert done == {"channels": 1, "size": 6, "filter": "lanczos"}
    assert np.array_equal(both.images, resize(found.images, 6))


def test_grey_becomes_three_equal_channels() -> None:
    images = noise(2, 1, 6, 6)
    found, _ = reshape(arrays(images), {"channels": 3, "size": 9})
    assert np.array_equal(found.images, np.repeat(resize(images, 9), 3, axis=1))


def test_nothing_asked_is_nothing_done() -> None:
    given = arrays(noise(2, 3, 6, 6))
    found, done = reshape(given, {})
    assert found.images is given.images
    assert done == {}
    assert found.classes == given.classes


@pytest.fixture
def catalogue(tiny: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "DATASETS", {"tiny": tiny})


@pytest.mark.usefixtures("catalogue")
def test_the_content_is_that_of_the_images_as_they_came(mirror: Path, tmp_path: Path) -> None:
    whole, small = (tmp_path / f"{name}.safetensors" for name in ("whole", "small"))
    before = prepare("tiny", "train", whole, mirror=mirror, download=False)
    after = prepare("tiny", "train", small, mirror=mirror, download=False, options={"size": 4})
    assert after["content"] == before["content"] == "official"
    assert after["content_digest"] == before["content_digest"] == content_digest(load_arrays(whole))
    assert (after["shape"], after["options"]) == ([3, 4, 4], {"size": 4, "filter": "lanczos"})
    assert np.array_equal(load_arrays(small).images, resize(load_arrays(whole).images, 4))
    assert verify(small) == after


@pytest.mark.usefixtures("catalogue")
def test_other_images_are_refused_at_another_size_too(
    mirror: Path, tmp_path: Path, shard: Callable[..., None], png: Callable[..., bytes]
) -> None:
    path = mirror / "tiny" / "train-00001-of-00002.parquet"
    shard(path, [png(noise(8, 8, 3)), png(noise(8, 8, 3, seed=1))], [1, 2])
    with pytest.raises(DataError, match="expected the official images and labels of tiny/train"):
        prepare("tiny", "train", tmp_path / "a.safetensors", mirror=mirror, options={"size": 4})
    assert not (tmp_path / "a.safetensors").exists()
