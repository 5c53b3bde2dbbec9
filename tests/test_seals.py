"""A file that is not what a job wrote is named by the next job that reads it, and never used."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from flexnet.data.arrays import ImageArrays
from flexnet.data.manifest import manifest_of, store
from flexnet.errors import DataError
from flexnet.seals import FOLDER, break_seals, note_of, require_sealed, seal
from flexnet.stages.command import main
from flexnet.stopping import PARENT_VARIABLE

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a bit": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "the last bit": lambda content: content[:-1] + bytes([content[-1] ^ 128]),
    "cut": lambda content: content[:-1],
    "longer": lambda content: content + b"\n",
    "empty": lambda content: b"",
}


@pytest.fixture(autouse=True)
def workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a job of a workflow, whose end does not matter here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(PARENT_VARIABLE, "none:0")
    monkeypatch.setenv("FLEXNET_DEVICE", "cpu")
    monkeypatch.setattr("flexnet.jobs.end_with_parent", lambda: None)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["results/a.csv", "results/a.safetensors", "results/a.outcomes.safetensors"])
def test_a_damaged_file_is_named(name: str, damage: str) -> None:
    path = Path(name)
    path.parent.mkdir()
    path.write_bytes(b"model,seed\nm,1\n")
    seal(["results/a.csv", "results/a.safetensors"])  # what lies beside an output is sealed with it
    require_sealed([name])
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(DataError, match=rf"^{name}: expected the bytes that a job of this workflow wrote"):
        require_sealed([name])
    seal([name])
    require_sealed([name])


def test_what_was_never_sealed_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.csv").write_text("a\n")
    require_sealed(["a.csv", "none.csv", "x" * 5000])
    monkeypatch.delenv(PARENT_VARIABLE)
    seal(["a.csv"])
    assert not FOLDER.exists()


@pytest.mark.parametrize("name", ["/".join(["folder"] * 40), "ä" * 60, "x" * 240, "x" * 190, "x" * 230])
def test_files_of_long_names_are_sealed_as_others(name: str) -> None:
    path, other = Path(name + ".csv"), Path(name + "2.csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    for each in (path, other):
        each.write_text("a\n")
    break_seals([path, other])
    seal([path, other])
    other.write_text("b\n")
    require_sealed([path])
    with pytest.raises(DataError, match=r"2\.csv: expected the bytes that a job of this workflow wrote"):
        require_sealed([other])
    break_seals([other])
    require_sealed([path, other])


def test_a_note_of_an_ordinary_name_is_found_by_it() -> None:
    assert note_of("results/a b.csv") == FOLDER / "results%2Fa%20b.csv"


def test_a_missing_file_is_left_to_its_reader() -> None:
    Path("a.csv").write_text("a\n")
    seal(["a.csv"])
    Path("a.csv").unlink()
    require_sealed(["a.csv"])


def test_a_job_that_is_killed_while_it_writes_leaves_no_false_alarm() -> None:
    Path("a.csv").write_text("a\n")
    seal(["a.csv"])
    break_seals(["a.csv"])
    Path("a.csv").write_text("b\n")
    require_sealed(["a.csv"])
    assert not note_of("a.csv").exists()


def test_a_stage_seals_what_it_makes_and_refuses_what_was_changed(capsys: pytest.CaptureFixture[str]) -> None:
    labels = np.arange(40) % 10
    images = ImageArrays(np.zeros((40, 1, 12, 12), np.uint8), labels, tuple("abcdefghij"))
    told = {"dataset": "shapes", "source": "embedded", "content": "generated", "content_digest": ""}
    for split in ("train", "test"):
        store(Path(f"{split}.safetensors"), images, manifest_of(images, split=split, **told))
    files = ["--training", "train.safetensors", "--test", "test.safetensors"]
    settings = {"row": {"source": "shapes"}, "seed": 1, "run_seed": 0}
    choose = ["subset", "--settings", json.dumps(settings), *files, "--output", "subset.json"]
    assert main(choose) == 0, capsys.readouterr().err
    assert note_of("subset.json").is_file()
    text = Path("subset.json").read_text()
    assert '"scored":[0,' in text
    Path("subset.json").write_text(text.replace('"scored":[0,', '"scored":[5,', 1))
    network = {"model": "m", "network": "small", "options": {"width": 0.25, "input_size": 12}, "recipe": {}}
    train = ["train", "--settings", json.dumps({**settings, **network}), *files, "--subset", "subset.json"]
    assert main([*train, "--weights", "w.safetensors", "--history", "h.csv"]) == 1
    assert "subset.json: expected the bytes that a job of this workflow wrote" in capsys.readouterr().err
    assert not Path("w.safetensors").exists()
    assert main(choose) == 0  # its own output may be anything
    assert Path("subset.json").read_text() == text
