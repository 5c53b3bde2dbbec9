"""Corrupted sets as folders: what is written is read, what is foreign or damaged is refused by its name."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flexnet.corruptions import corrupt, folder
from flexnet.corruptions.folder import open_corrupted, write_corrupted
from flexnet.corruptions.origin import digests_of, others
from flexnet.errors import ConfigError, DataError

Pictures = Callable[..., torch.Tensor]
TWO = ("fog", "frost")
LABELS = np.array([3, 0, 9, 1])


@pytest.fixture
def written(tmp_path: Path, pictures: Pictures) -> Path:
    place = tmp_path / "set"
    write_corrupted(place, pictures(32, n=4), LABELS, names=TWO, seed=7)
    return place


def published(place: Path, names: tuple[str, ...] = TWO) -> Path:
    """A set as it would be downloaded: arrays alone."""
    place.mkdir()
    for number, name in enumerate(names):
        stored = np.arange(10 * 32 * 32 * 3, dtype=np.uint32).reshape(10, 32, 32, 3) + number
        np.save(place / f"{name}.npy", (stored % 256).astype(np.uint8))
    np.save(place / "labels.npy", np.array([4, 8] * 5, dtype=np.uint8))
    return place


# --- writing -----------------------------------------------------------------------------------------


def test_the_layout_is_that_of_cifar_10_c(written: Path, pictures: Pictures) -> None:
    """Five times n images as (5 n, H, W, 3), severity by severity, and the labels five times, in uint8."""
    assert sorted(path.name for path in written.iterdir()) == [
        "flexnet.json",
        "fog.npy",
        "frost.npy",
        "labels.npy",
    ]
    images, labels = np.load(written / "fog.npy"), np.load(written / "labels.npy")
    assert (images.dtype, images.shape) == (np.uint8, (20, 32, 32, 3))
    assert (labels.dtype, labels.tolist()) == (np.uint8, LABELS.tolist() * 5)
    for severity in (1, 5):
        expected = corrupt(pictures(32, n=4), "fog", severity, seed=7).permute(0, 2, 3, 1).numpy()
        assert np.array_equal(images[4 * severity - 4 : 4 * severity], expected)


def test_the_size_of_parts_changes_nothing(
    written: Path, tmp_path: Path, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "BYTES_AT_ONCE", 3 * 3 * 32 * 32)
    told: list[int] = []
    write_corrupted(tmp_path / "b", pictures(32, n=4), LABELS, names=TWO, seed=7, report=told.append)
    assert told == [3, 1] * 10
    for path in written.iterdir():
        assert (tmp_path / "b" / path.name).read_bytes() == path.read_bytes()


def test_a_set_says_how_and_of_what_it_was_made(written: Path, pictures: Pictures) -> None:
    assert json.loads((written / "flexnet.json").read_text()) == {
        "corruptions": ["fog", "frost"],
        "seed": 7,
        "constants": "auto",
        "n": 4,
        "synthetic": {"frost": "frost_synthetic"},
        "images": "".join(digests_of(pictures(32, n=4))),
    }


def test_a_digest_tells_an_image_from_another(pictures: Pictures) -> None:
    images = pictures(32, n=4)
    changed = images.clone()
    changed[2, 0, 5, 5] ^= 1
    kept = "".join(digests_of(images))
    assert others(kept, [0, 1, 2, 3], images.split(3)) == 0
    assert others(kept, [0, 1, 2, 3], changed.to(memory_format=torch.channels_last).split(1)) == 1
    assert others(kept, [3, 1], [images[[3]], images[[1]]]) == 0
    assert others(kept, [1, 3], [images[[3, 1]]]) == 2


def test_nothing_is_left_of_a_set_that_could_not_be_finished(
    tmp_path: Path, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(images: torch.Tensor, name: str, severity: int, *rest: Any, **more: Any) -> torch.Tensor:
        if len(images) > 1 and severity == 3:
            raise OSError("No space left on device")
        return corrupt(images, name, severity, *rest, **more)

    monkeypatch.setattr(folder, "corrupt", fail)
    with pytest.raises(OSError, match="No space left"):
        write_corrupted(tmp_path / "set", pictures(32, n=4), LABELS, names=TWO)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ("fog", "fgo")}, "did you mean 'fog'?"),
        ({"names": ("fog", "saturate"), "channels": 1}, "saturate: expected images of 3 channels"),
        ({"constants": "cifar10"}, "did you mean 'cifar'?"),
        ({"labels": LABELS[:3]}, "expected 4 labels from 0 to 255"),
        ({"labels": LABELS * 100}, "expected 4 labels from 0 to 255"),
        ({"n": 0, "labels": LABELS[:0]}, "expected 0 labels"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_done(
    change: dict[str, Any], message: str, tmp_path: Path, pictures: Pictures
) -> None:
    labels = change.pop("labels", LABELS)
    images = pictures(32, n=4, channels=change.pop("channels", 3))[: change.pop("n", 4)]
    with pytest.raises((ConfigError, DataError)) as error:
        write_corrupted(tmp_path / "set", images, labels, **{"names": TWO} | change)
    assert message in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_is_there_is_written_over(written: Path, pictures: Pictures) -> None:
    before = {path.name: path.read_bytes() for path in written.iterdir()}
    with pytest.raises(ConfigError, match="expected no folder"):
        write_corrupted(written, pictures(32, n=4), LABELS)
    assert {path.name: path.read_bytes() for path in written.iterdir()} == before


def test_grey_sets_keep_their_channel(tmp_path: Path, pictures: Pictures) -> None:
    images = pictures(28, n=4, channels=1)
    write_corrupted(tmp_path / "set", images, LABELS, names=("fog",))
    found = open_corrupted(tmp_path / "set", ("fog",))
    assert found.shape == (1, 28, 28)
    assert np.array_equal(found.images("fog", 2), corrupt(images, "fog", 2).numpy())


# --- reading -----------------------------------------------------------------------------------------


def test_what_was_written_is_read(written: Path, pictures: Pictures) -> None:
    found = open_corrupted(written, TWO)
    assert (len(found), found.shape, found.names) == (4, (3, 32, 32), TWO)
    assert (found.labels.dtype, found.labels.tolist()) == (np.int64, LABELS.tolist())
    for severity in (1, 3, 5):
        expected = corrupt(pictures(32, n=4), "frost", severity, seed=7).numpy()
        assert np.array_equal(found.images("frost", severity), expected)
    assert [found.label_of(name) for name in TWO] == ["fog", "frost_synthetic"]


def test_a_published_set_is_read_as_it_is(tmp_path: Path) -> None:
    found = open_corrupted(published(tmp_path / "CIFAR-10-C"), TWO)
    assert (len(found), found.labels.tolist(), found.made) == (2, [4, 8], None)
    stored = np.load(tmp_path / "CIFAR-10-C" / "frost.npy")
    assert np.array_equal(found.images("frost", 4), stored[6:8].transpose(0, 3, 1, 2))
    assert found.label_of("frost") == "frost"  # of photographs


def test_all_nineteen_are_wanted_unless_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing are \['gaussian_noise.npy', .*'saturate.npy'\]"):
        open_corrupted(published(tmp_path / "set"))


class Payload:
    """What must never be unpickled."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("unpickled"),))


def spoil(place: Path, how: str) -> None:
    path = place / "frost.npy"
    stored = np.load(path)
    if how == "missing":
        path.unlink()
    elif how == "pickled":
        np.save(path, np.array([Payload()] * 10, dtype=object), allow_pickle=True)
    elif how == "text":
        path.write_text("not an array")
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "short":
        path.write_bytes(path.read_bytes()[:-1000])
    elif how == "archive":
        with path.open("wb") as stream:
            np.savez(stream, frost=stored)
    else:
        changes: dict[str, Callable[[], np.ndarray]] = {
            "floats": lambda: stored / 255,
            "fewer": lambda: stored[:8],
            "smaller": lambda: stored[:, :16],
            "channels first": lambda: stored.transpose(0, 3, 1, 2),
            "flat": lambda: stored.reshape(10, -1),
        }
        np.save(path, changes[how]())


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("missing", r"missing are \['frost.npy'\]"),
        ("pickled", "frost.npy: expected an array without pickled objects"),
        ("text", "frost.npy: expected an array without pickled objects"),
        ("empty", "frost.npy: expected an array without pickled objects"),
        ("short", "frost.npy: expected an array without pickled objects"),
        ("archive", "frost.npy: expected one array; got an archive"),
        ("floats", r"frost.npy: expected uint8 of shape \(10, H, W, C\).*; got float64"),
        ("fewer", r"frost.npy: .*got uint8 of shape \(8, 32, 32, 3\)"),
        ("smaller", r"frost.npy: .*got uint8 of shape \(10, 16, 32, 3\)"),
        ("channels first", r"frost.npy: .*got uint8 of shape \(10, 3, 32, 32\)"),
        ("flat", r"frost.npy: .*got uint8 of shape \(10, 3072\)"),
    ],
)
def test_a_spoilt_file_is_named(
    how: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = published(tmp_path / "set")
    spoil(place, how)
    with pytest.raises(DataError, match=message):
        open_corrupted(place, TWO)
    assert not (tmp_path / "unpickled").exists()
    place.joinpath("frost.npy").unlink(missing_ok=True)
    assert len(open_corrupted(place, ("fog",))) == 2  # the others are as they were


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, 2] * 4 + [2, 1], "expected the same labels at every severity"),
        ([1, 2, 3, 4], "expected the labels 5 times"),
        ([0.5] * 10, "expected the labels 5 times one after the other, as integers; got float64"),
        ([], "expected the labels 5 times"),
    ],
)
def test_labels_that_do_not_repeat_are_refused(labels: list[float], message: str, tmp_path: Path) -> None:
    place = published(tmp_path / "set")
    np.save(place / "labels.npy", np.array(labels))
    with pytest.raises(DataError, match=message):
        open_corrupted(place, TWO)


def test_what_is_not_in_a_set_is_not_read(written: Path, tmp_path: Path) -> None:
    found = open_corrupted(written, TWO)
    with pytest.raises(ConfigError, match=r"expected one of \['fog', 'frost'\]"):
        found.images("snow", 1)
    with pytest.raises(ConfigError, match="severity: expected an integer from 1 to 5"):
        found.images("fog", 0)
    with pytest.raises(DataError, match="there is no such folder"):
        open_corrupted(tmp_path / "nowhere")
    (written / "flexnet.json").write_text("{")
    with pytest.raises(DataError, match="flexnet.json: expected JSON"):
        open_corrupted(written, TWO)
