"""Folders that may only be read: sources in them serve, and what cannot be written is told by its name."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from read_only import read_only_folder

from flexnet.data.arrays import ImageArrays
from flexnet.data.catalogue import DATASETS, Dataset
from flexnet.data.manifest import load_verified, manifest_of, store
from flexnet.data.prepare import prepare
from flexnet.jobs import run_job

ReadOnly = Callable[[Path], None]


@pytest.fixture
def read_only() -> Iterator[ReadOnly]:
    """Make a folder read only until the test is over."""
    with ExitStack() as stack:
        yield lambda folder: stack.enter_context(read_only_folder(folder))


@pytest.fixture
def known(tiny: Dataset, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setitem(DATASETS, "tiny", tiny)
    return tiny


def test_a_mirror_that_may_only_be_read_serves(
    mirror: Path, known: Dataset, read_only: ReadOnly, tmp_path: Path
) -> None:
    read_only(mirror)
    with pytest.raises(OSError, match="Read-only|Permission"):
        (mirror / "tiny/new").touch()
    before = sorted(mirror.rglob("*"))
    told = prepare("tiny", "train", tmp_path / "out/train.safetensors", mirror=mirror, download=False)
    assert (told["source"], told["n"]) == ("mirror", 6)
    assert sorted(mirror.rglob("*")) == before


def test_prepared_images_that_may_only_be_read_serve(read_only: ReadOnly, tmp_path: Path) -> None:
    images = ImageArrays(np.ones((3, 1, 4, 4), np.uint8), np.arange(3), ("a", "b", "c"))
    told = {"dataset": "shapes", "split": "test", "source": "embedded", "content": "generated"}
    store(tmp_path / "data/test.safetensors", images, manifest_of(images, content_digest="", **told))
    read_only(tmp_path / "data")
    found, _ = load_verified(tmp_path / "data/test.safetensors")
    assert (np.asarray(found.images) == images.images).all()


def test_a_place_that_may_not_be_written_is_told_and_left_as_it_was(
    mirror: Path,
    known: Dataset,
    read_only: ReadOnly,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = tmp_path / "data/train.safetensors"
    prepare("tiny", "train", target, mirror=mirror, download=False)
    before = {path.name: path.read_bytes() for path in target.parent.iterdir()}
    read_only(target.parent)

    def again() -> None:
        prepare("tiny", "train", target, mirror=mirror, download=False)

    status = run_job("flexnet data", None, again)
    said = capsys.readouterr().err
    assert status == 1
    assert said.startswith("flexnet data: error: ")
    assert str(target.parent) in said
    assert "Traceback" not in said
    assert {path.name: path.read_bytes() for path in target.parent.iterdir()} == before
