"""A disk without room: one message, nothing half-written, what was there stays, and later all works."""

import gc
import re
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from flexnet.corruptions.folder import write_corrupted
from flexnet.data.arrays import ImageArrays
from flexnet.data.manifest import manifest_of, store, verify
from flexnet.files import atomic_path, write_json, write_rows, write_text
from flexnet.jobs import run_job
from flexnet.readings import Readings
from flexnet.study import unfinished
from flexnet.tables.outcomes import write_outcomes
from flexnet.training.checkpoint import read_tensors, save_tensors

ROOM = 1 << 22  # bytes of the small disk
LIMIT = 1 << 16  # of a file, where no disk can be mounted; everything written here is longer
NOISE = np.random.default_rng(0)


@dataclass
class Disk:
    """A place that can be full: a small disk, or else any with a limit for the size of files."""

    folder: Path
    mounted: bool

    @contextmanager
    def full(self) -> Iterator[None]:
        if self.mounted:
            filler = self.folder / "filler"
            with suppress(OSError), filler.open("wb", buffering=0) as stream:
                while stream.write(bytes(4096)):
                    pass
            try:
                yield
            finally:
                filler.unlink()
            return
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def files(self) -> dict[str, bytes]:
        found = [path for path in self.folder.rglob("*") if path.is_file() and path.name != "filler"]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in found}


@pytest.fixture(scope="module", params=["mounted", "limited"])
def disk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    folder = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "none", str(folder)]
    mounted = False
    if request.param == "mounted":
        with suppress(OSError):
            mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        if not mounted:
            pytest.skip("no disk can be mounted here; the same is tried with a limit for files")
    yield Disk(folder, mounted)
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


def images(n: int = 300) -> ImageArrays:
    pixels = NOISE.integers(0, 256, (n, 1, 28, 28), dtype=np.uint8)
    return ImageArrays(pixels, np.zeros(n, dtype=np.int64), ("a",))


def prepared(folder: Path) -> None:
    arrays = images()
    told = {"dataset": "shapes", "split": "test", "source": "embedded", "content": "generated"}
    store(folder / "a.safetensors", arrays, manifest_of(arrays, content_digest="", **told))


def rows(folder: Path) -> None:
    write_rows(folder / "a.csv", ["n", "text"], [{"n": n, "text": "x" * 40} for n in range(4000)])


def table(folder: Path) -> None:
    with atomic_path(folder / "a.csv") as temporary:
        pd.DataFrame({"n": range(30_000)}).to_csv(temporary, index=False)


def outcomes(folder: Path) -> None:
    right = NOISE.integers(0, 2, (100, 10_000)).astype(bool)
    write_outcomes(folder / "a.outcomes.safetensors", right, "digest")


def weights(folder: Path) -> None:
    save_tensors(folder / "a.safetensors", {"a": torch.rand(200, 200)}, {"network": "none"})


def figure(folder: Path) -> None:
    from matplotlib.figure import Figure

    from flexnet.figures.save import save

    drawn = Figure()
    drawn.add_subplot().imshow(NOISE.random((300, 300)))
    save(drawn, folder / "a.pdf")


def corrupted(folder: Path) -> None:
    pixels = torch.from_numpy(NOISE.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8))
    write_corrupted(folder / "set", pixels, np.zeros(20, dtype=np.int64), names=["brightness"])


WRITERS: dict[str, Callable[[Path], None]] = {
    "prepared images": prepared,
    "rows": rows,
    "table of a figure": table,
    "outcomes": outcomes,
    "weights and checkpoints": weights,
    "figure": figure,
    "corrupted set": corrupted,
    "choices and facts": lambda folder: write_text(folder / "a.json", "x" * 200_000),
    "manifest": lambda folder: write_json(folder / "a.json", list(range(30_000))),
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # matplotlib leaves it open
@pytest.mark.parametrize("writer", WRITERS)
def test_what_finds_no_room_is_told_leaves_nothing_and_works_later(
    writer: str, disk: Disk, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = disk.folder / re.sub(" .*", "", writer)
    folder.mkdir()
    log = folder / "job.log"

    def run() -> int:
        return run_job("job", str(log), lambda: WRITERS[writer](folder), writes=["what it makes"])

    with disk.full():
        assert run() == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert re.match(r"job: error: .*(room|what it makes)", said)
    assert "Traceback" not in said
    assert [path.name for path in folder.iterdir()] == ["job.log"]
    assert run() == 0, capsys.readouterr().err
    made = disk.files()
    assert len(made) > 1
    if writer != "corrupted set":  # which replaces nothing
        manifest = folder / "a.json"
        with disk.full():
            assert run() == 1
        # No manifest stands beside images that it does not describe, so it goes first.
        gone = {str(manifest.relative_to(disk.folder))} if writer == "prepared images" else set()
        log_name = str(log.relative_to(disk.folder))
        kept = {name: content for name, content in made.items() if name not in {*gone, log_name}}
        assert {name: content for name, content in disk.files().items() if name != log_name} == kept
        assert run() == 0
    gc.collect()
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def test_what_is_read_back_after_that_is_whole(disk: Disk) -> None:
    folder = disk.folder / "whole"
    folder.mkdir()
    with disk.full(), pytest.raises(Exception, match="space|large|room"):
        prepared(folder)
    prepared(folder)
    assert verify(folder / "a.safetensors")["n"] == 300
    (folder / "a.safetensors").unlink()
    with disk.full(), pytest.raises(OSError, match="space|large"):
        weights(folder)
    weights(folder)
    assert read_tensors(folder / "a.safetensors")[0]["a"].shape == (200, 200)
    for path in folder.iterdir():
        path.unlink()


def test_readings_and_notes_of_failures_need_no_room(disk: Disk) -> None:
    """A cache is not missed, and a note is an empty file."""
    found = Readings()
    file = disk.folder / "cache/readings.json"
    found.use(file)
    for name in ("layers.flexible", "training.trainer", "config", "data.mirror", "study.jobs", "reading"):
        found.of(f"flexnet.{name}")
    (disk.folder / "notes").mkdir()
    with disk.full():
        found.keep()
        unfinished.note(disk.folder / "notes", ["results/a.csv"])
    assert not file.exists()
    assert unfinished.noted(disk.folder / "notes") == ["results/a.csv"]
    found.keep()
    assert file.is_file()
    file.unlink()
