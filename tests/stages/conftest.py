"""Running stages through the command line: a failure is one message that leaves nothing behind."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flexnet.data.arrays import ImageArrays
from flexnet.data.manifest import manifest_of, store
from flexnet.files import write_json
from flexnet.stages.command import main
from flexnet.training.checkpoint import save_tensors

Call = Callable[..., int]
Fails = Callable[..., str]


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The CPU, no source of real data, and torch's threads as they were afterwards."""
    monkeypatch.setenv("FLEXNET_DEVICE", "cpu")
    monkeypatch.setenv("FLEXNET_DOWNLOAD", "0")
    for variable in ("FLEXNET_DATA_MIRROR", "FLEXNET_TORCHVISION_ROOT"):
        monkeypatch.delenv(variable, raising=False)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def call() -> Call:
    """Run a stage with settings (a mapping, or text as it is) and files; return its exit status."""

    def run(stage: str, settings: Any, **files: Path) -> int:
        text = settings if isinstance(settings, str) else json.dumps(settings)
        named = [part for name, path in files.items() for part in (f"--{name}", str(path))]
        return main([stage, "--settings", text, "--threads", "1", *named])

    return run


@pytest.fixture
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the collecting stage makes facts of, for one series `flexible` of one run."""
    folder = tmp_path_factory.mktemp("run")
    metadata = {"model": "m", "seed": "1", "network": "small", "options": "{}"}
    recipe = {"epochs": 2, "batch_size": 4}
    save_tensors(folder / "w.safetensors", {}, metadata | {"recipe": json.dumps(recipe)})
    write_json(folder / "s.json", {"training": [0, 1], "scored": [0, 1, 2, 3], "split": "test"})
    arrays = ImageArrays(np.zeros((4, 1, 4, 4), np.uint8), np.array([0, 1, 0, 1]), ("a", "b"))
    names = {"dataset": "shapes", "split": "test", "source": "embedded", "content": "generated"}
    store(folder / "i.safetensors", arrays, manifest_of(arrays, **names, content_digest=""))
    files = {"weights": str(folder / "w.safetensors"), "subset": str(folder / "s.json")}
    run = {**files, "manifests": [str(folder / "i.json")], "title": "drawn objects"}
    return {"band": "sem", "space": None, "runs": {"flexible": [run]}}


@pytest.fixture
def fails(call: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Fails:
    """Run a stage that must fail cleanly; return its message."""

    def run(stage: str, settings: Any, **files: Path) -> str:
        before = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
        log = tmp_path / "job.log"
        capsys.readouterr()
        assert call(stage, settings, **files, log=log) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"flexnet {stage}: error: ")
        assert err.count("error: ") == 1
        assert "Traceback" not in err
        assert log.read_text() == err
        log.unlink()
        assert {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()} == before
        return err

    return run
