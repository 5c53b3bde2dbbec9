"""Data are looked for before anything is done: what is there is found, what is not is one message."""

from pathlib import Path

import pytest

from flexnet.data.catalogue import DATASETS
from flexnet.study.sources import HOSTS, missing, missing_words, with_entry

SOURCES = {"cifar10": {"dataset": "cifar10"}, "shapes32": {"dataset": "shapes"}}
WANTED = [("cifar10", "train"), ("cifar10", "test"), ("shapes32", "train")]


def nobody(host: str, port: int) -> bool:
    return False


def test_what_is_drawn_needs_no_source() -> None:
    assert missing(SOURCES, [("shapes32", "train")], {"FLEXNET_DOWNLOAD": "0"}, nobody) == {}


def test_without_a_source_every_place_is_named() -> None:
    found = missing(SOURCES, WANTED, {}, nobody)
    assert list(found) == ["cifar10/train", "cifar10/test"]
    lines = "\n".join(found["cifar10/train"])
    for words in ("(data_mirror): none named", "(torchvision_root): none named", "cs.toronto.edu does not"):
        assert words in lines


def test_a_host_is_asked_once_and_only_if_it_may_be() -> None:
    asked: list[str] = []

    def reach(host: str, port: int) -> bool:
        asked.append(host)
        return True

    assert missing(SOURCES, WANTED, {}, reach) == {}
    assert asked == ["www.cs.toronto.edu"]
    lines = missing(SOURCES, WANTED, {"FLEXNET_DOWNLOAD": "0"}, reach)["cifar10/test"]
    assert "not allowed (download=no)" in lines[-1]
    assert len(asked) == 1


def test_a_mirror_that_has_it_is_enough_and_one_that_is_mistyped_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "cifar10"
    folder.mkdir()
    for split in ("train", "test"):
        (folder / f"{split}-00000-of-00001.parquet").touch()
    assert missing(SOURCES, WANTED, {"FLEXNET_DATA_MIRROR": str(tmp_path)}, nobody) == {}
    wrong = {"FLEXNET_DATA_MIRROR": str(tmp_path / "no")}
    lines = missing(SOURCES, WANTED, wrong, lambda host, port: True)["cifar10/train"]
    assert "there is no folder" in lines[0]
    assert "not tried, because there is no folder" in lines[-1]  # as the job itself has it


def test_a_mirror_with_shards_missing_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10/train-00000-of-00002.parquet").touch()
    found = missing(SOURCES, WANTED[:1], {"FLEXNET_DATA_MIRROR": str(tmp_path)}, lambda host, port: True)
    assert "cifar10/train" in found


def test_earlier_downloads_and_torchvision_folders_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    batches = Path("data/cifar10/downloads/cifar-10-batches-py")
    batches.mkdir(parents=True)
    assert missing(SOURCES, WANTED, {}, nobody) != {}
    (batches / "data_batch_1").touch()
    assert missing(SOURCES, WANTED, {}, nobody) == {}
    batches.parent.rename(tmp_path / "elsewhere")
    assert missing(SOURCES, WANTED, {"FLEXNET_TORCHVISION_ROOT": "elsewhere"}, nobody) == {}


def test_one_message_names_both_splits_once_and_what_to_type() -> None:
    found = missing(SOURCES, WANTED, {}, nobody)
    typed = ["snakemake", "figures/fig4d.pdf", "--config", "device=cpu", "--cores", "8"]
    words = missing_words(found, typed, "snakemake demo")
    assert words.count("none named") == 2
    assert "expected cifar10/train, cifar10/test; found in none" in words
    command = "snakemake figures/fig4d.pdf --config data_mirror=/path/to/parquet device=cpu --cores 8"
    assert f"\n  {command}\n" in words
    assert words.endswith("\n  snakemake demo")


def test_an_entry_is_written_behind_the_one_config_and_takes_the_place_of_its_key() -> None:
    assert with_entry(["snakemake", "demo"], "a=1") == ["snakemake", "demo", "--config", "a=1"]
    assert with_entry(["s", "--config", "a=2", "b=3"], "a=1") == ["s", "--config", "a=1", "b=3"]


def test_every_dataset_of_torchvision_has_its_host() -> None:
    assert {record.torchvision for record in DATASETS.values() if record.torchvision} == {*HOSTS}
