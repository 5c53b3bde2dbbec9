"""Publishing: rows are copied unchanged, with what is needed to know where they come from."""

import hashlib
import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from flexnet.files import read_json

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, at work in a folder that holds a finished laptop run of one figure."""
    spec = importlib.util.spec_from_file_location("publish", ROOT / "workflow/scripts/publish.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    for name, text in {
        "results/rows/paper/fig4b.csv": "figure,protocol\nfig4b,paper\n",
        "logs/train/one/seed1.benchmark.tsv": "s\th:m:s\n60.5\t0:01:00\n",
        "logs/train/one/seed2.benchmark.tsv": "s\th:m:s\n59.5\t0:00:59\n",
    }.items():
        path = tmp_path / "laptop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "commit", lambda: "0123456789abcdef")
    return module


def test_rows_are_copied_with_their_provenance(script: ModuleType, tmp_path: Path) -> None:
    script.publish("laptop", "snakemake laptop --cores 2")
    copy = tmp_path / "published/laptop/results/rows/paper/fig4b.csv"
    assert copy.read_text() == "figure,protocol\nfig4b,paper\n"
    provenance = read_json(tmp_path / "published/laptop/provenance.json")
    assert provenance["command"] == "snakemake laptop --cores 2"
    assert provenance["commit"] == "0123456789abcdef"
    assert provenance["wall_time"] == {"train/one": {"jobs": 2, "seconds": 120.0}}
    assert provenance["config"]["models"]["vgg16-baseline"]["options"]["width"] == 0.25
    assert provenance["machine"]["cores"] >= 1
    digest = hashlib.sha256(copy.read_bytes()).hexdigest()
    assert provenance["sha256"] == {"results/rows/paper/fig4b.csv": digest}


def test_an_unfinished_scale_is_named(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["publish.py", "demo", "snakemake demo"])
    assert script.main() == 1
    assert "demo/results/rows: expected rows of finished figures; got none" in capsys.readouterr().err
