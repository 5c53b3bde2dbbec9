"""Running stages through the command line: a failure is one message that leaves nothing behind."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from flexnet.cli import main

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
    torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def call() -> Call:
    """Run a stage with settings (a mapping, or text as it is) and files; return its exit status."""

    def run(stage: str, settings: Any, **files: Path) -> int:
        text = settings if isinstance(settings, str) else json.dumps(settings)
        named = [part for name, path in files.items() for part in (f"--{name}", str(path))]
        return main([stage, "--settings", text, "--threads", "1", *named])

    return run


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
