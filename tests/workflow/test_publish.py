"""Publishing: rows are copied unchanged, with what is needed to know where they come from."""

import hashlib
import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from flexnet.errors import ConfigError, DataError
from flexnet.files import read_json
from flexnet.study.hardware import machine
from flexnet.training.checkpoint import save_tensors

ROOT = Path(__file__).parents[2]
HEAD = "figure,protocol,series,model,seed,n,correct,accuracy\n"
FIG3 = HEAD + "fig3,paper,high,two,1,4,1,0.25\n"
FIG4B = HEAD + "fig4b,paper,flexible,one,1,4,1,0.25\nfig4b,paper,flexible,one,2,4,1,0.25\n"
OTHER = HEAD + "pushpull/fig4b,paper,flexible,two,1,4,2,0.5\n"  # of another paper, with the same stem
TABLES = {
    "results/rows/paper/fig4b.csv": FIG4B,
    "results/rows/paper/fig3.csv": FIG3,
    "results/rows/paper/pushpull/fig4b.csv": OTHER,
}


def facts(table: str) -> str:
    """What was run for the one series of a table."""
    figure, protocol, series, model = table.splitlines()[1].split(",")[:4]
    seeds = [int(row.split(",")[4]) for row in table.splitlines()[1:]]
    run = {
        **{"name": series, "model": model, "network": "small", "options": {}, "recipe": None},
        **{"title": "Objects", "content": "generated", "classes": 10, "training_images": 100},
        **{"scored_images": 4, "seeds": seeds},
    }
    shown = {"figure": figure, "protocol": protocol, "band": "sem", "space": None, "series": [run]}
    return json.dumps(shown)


SMALL = {"network": "small", "options": "{}", "recipe": "{}"}


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
        **TABLES,
        **{name.replace(".csv", ".facts.json"): facts(table) for name, table in TABLES.items()},
        "results/rows/paper/fig1.csv": "figure,protocol,series,rule\n",  # of a schematic: nothing was run
        "logs/interventions/paper/two/all.benchmark.tsv": "s\th:m:s\n7.5\t0:00:07\n",
        "logs/train/other/seed1.benchmark.tsv": "s\th:m:s\n1.0\t0:00:01\n",
        "logs/train/one/seed2.log": "resuming after epoch 3\n",
        "logs/train/one/seed1.benchmark.tsv": "s\th:m:s\n60.5\t0:01:00\n",
        "logs/train/one/seed2.benchmark.tsv": "s\th:m:s\n59.5\t0:00:59\n",
    }.items():
        path = tmp_path / "laptop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for model, seed in (("one", 1), ("one", 2), ("two", 1)):
        metadata = SMALL | {"code": "c0de", "data": f"images {seed}"}
        save_tensors(tmp_path / f"laptop/results/models/{model}/seed{seed}.safetensors", {}, metadata)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "run_in", answers)
    return module


def answers(_checkout: Path, *command: str) -> str:
    """What the checkout's tools say where all is well; the real ones are tried on a finished run."""
    if command[0] == "git":
        return "0123456789abcdef" if "rev-parse" in command else ""
    if "snakemake" in command:
        return "Nothing to be done"
    return json.dumps(dict.fromkeys(json.loads(command[-1]), "c0de"))


def test_rows_are_copied_with_their_provenance(script: ModuleType, tmp_path: Path) -> None:
    script.publish("laptop", "snakemake laptop --cores 2", ["fig4b"], tmp_path)
    copy = tmp_path / "published/laptop/results/rows/paper/fig4b.csv"
    assert copy.read_text() == FIG4B
    (run,) = read_json(tmp_path / "published/laptop/provenance.json")["runs"]
    assert run["command"] == "snakemake laptop --cores 2"
    assert run["commit"] == "0123456789abcdef"
    assert run["networks"] == {
        "one": {
            **SMALL,
            "code": "c0de",
            "data": {"seed1": "images 1", "seed2": "images 2"},
            "resumed": ["seed2"],
        }
    }
    assert run["wall_time"] == {"train/one": {"jobs": 2, "seconds": 120.0}}
    assert run["config"]["models"]["vgg16-baseline"]["options"]["width"] == 0.25
    assert run["machine"]["cores"] >= 1
    told = copy.with_name("fig4b.facts.json")
    assert told.read_text() == facts(FIG4B)
    assert run["sha256"] == {
        str(path.relative_to(tmp_path / "published/laptop")): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (copy, told)
    }


def test_the_provenance_names_the_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine()["gpu"] == "none"
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho a card\necho another card\n")
    tool.chmod(0o755)
    assert machine()["gpu"] == "a card, another card"
    tool.write_text("#!/bin/sh\necho no driver\nexit 9\n")
    assert machine()["gpu"] == "none"


@pytest.mark.parametrize(
    ("figure", "model", "table"), [("fig4b", "one", FIG4B), ("pushpull/fig4b", "two", OTHER)]
)
def test_of_two_figures_of_one_stem_the_one_that_is_named_is_published(
    figure: str, model: str, table: str, script: ModuleType, tmp_path: Path
) -> None:
    script.publish("laptop", "command", [figure], tmp_path)
    target = tmp_path / "published/laptop"
    assert [path.read_text() for path in target.rglob("*.csv")] == [table]
    (run,) = read_json(target / "provenance.json")["runs"]
    assert set(run["networks"]) == {model}
    place = f"results/rows/paper/{figure}"
    assert set(run["sha256"]) == {f"{place}.csv", f"{place}.facts.json"}


def test_one_figure_does_not_take_the_provenance_of_another_of_its_stem(
    script: ModuleType, tmp_path: Path
) -> None:
    script.publish("laptop", "first", ["fig4b"], tmp_path)
    script.publish("laptop", "second", ["pushpull/fig4b"], tmp_path)
    runs = read_json(tmp_path / "published/laptop/provenance.json")["runs"]
    assert [run["command"] for run in runs] == ["first", "second"]


def test_rows_keep_the_provenance_of_their_own_run(script: ModuleType, tmp_path: Path) -> None:
    script.publish("laptop", "first", ["fig4b"], tmp_path)
    script.publish("laptop", "second", ["fig3"], tmp_path)
    runs = read_json(tmp_path / "published/laptop/provenance.json")["runs"]
    assert [run["command"] for run in runs] == ["first", "second"]
    assert runs[1]["wall_time"] == {"interventions/paper/two": {"jobs": 1, "seconds": 7.5}}
    script.publish("laptop", "both", [], tmp_path)
    runs = read_json(tmp_path / "published/laptop/provenance.json")["runs"]
    assert [run["command"] for run in runs] == ["both"]
    found = {table for table in runs[0]["sha256"] if table.endswith(".csv")}
    assert found == set(TABLES)


def of_seed(seed: int) -> str:
    """The same table of one other seed."""
    return HEAD + f"fig4b,paper,flexible,one,{seed},4,3,0.75\n"


def run_seed(folder: Path, seed: int) -> None:
    """What a run leaves that was kept to one seed."""
    table = folder / "laptop/results/rows/paper/fig4b.csv"
    table.write_text(of_seed(seed))
    table.with_suffix(".facts.json").write_text(facts(of_seed(seed)))
    benchmark = folder / f"laptop/logs/train/one/seed{seed}.benchmark.tsv"
    benchmark.write_text(f"s\th:m:s\n{seed}.5\t0:00:0{seed}\n")
    metadata = SMALL | {"code": "c0de", "data": f"images {seed}"}
    save_tensors(folder / f"laptop/results/models/one/seed{seed}.safetensors", {}, metadata)


def test_more_seeds_come_beside_those_that_are_published(script: ModuleType, tmp_path: Path) -> None:
    script.publish("laptop", "first", ["fig4b", "fig3"], tmp_path)
    run_seed(tmp_path, 3)
    script.publish("laptop", "second", ["fig4b"], tmp_path, [3])
    target = tmp_path / "published/laptop"
    table = target / "results/rows/paper/fig4b.csv"
    assert table.read_text() == FIG4B + of_seed(3).removeprefix(HEAD)
    assert json.loads(table.with_suffix(".facts.json").read_text())["series"][0]["seeds"] == [1, 2, 3]
    runs = read_json(target / "provenance.json")["runs"]
    assert [run["command"] for run in runs] == ["first", "second"]
    for place, run in enumerate(runs):  # both name the table that holds their rows
        assert len(run["sha256"]) == (4, 2)[place]
        for name, digest in run["sha256"].items():
            assert hashlib.sha256((target / name).read_bytes()).hexdigest() == digest
    assert [set(run["networks"]["one"]["data"]) for run in runs] == [{"seed1", "seed2"}, {"seed3"}]
    took = [run["wall_time"]["train/one"] for run in runs]
    assert took == [{"jobs": 2, "seconds": 120.0}, {"jobs": 1, "seconds": 3.5}]
    with pytest.raises(DataError, match=r"series flexible: .*kept, \[1, 2, 3\]; got \[3\] again"):
        script.publish("laptop", "third", ["fig4b"], tmp_path, [3])
    assert read_json(target / "provenance.json")["runs"] == runs
    script.publish("laptop", "all anew", ["fig4b"], tmp_path)
    assert table.read_text() == of_seed(3)
    runs = read_json(target / "provenance.json")["runs"]
    assert [set(run["sha256"]) & {"results/rows/paper/fig4b.csv"} for run in runs] == [
        set(),
        {"results/rows/paper/fig4b.csv"},
    ]


def test_seeds_of_which_nothing_is_published_yet_are_the_first(script: ModuleType, tmp_path: Path) -> None:
    run_seed(tmp_path, 3)
    script.publish("laptop", "first", ["fig4b"], tmp_path, [3])
    assert (tmp_path / "published/laptop/results/rows/paper/fig4b.csv").read_text() == of_seed(3)


def test_seeds_that_are_judged_otherwise_do_not_join(script: ModuleType, tmp_path: Path) -> None:
    script.publish("laptop", "first", ["fig4b", "fig3"], tmp_path)
    provenance = tmp_path / "published/laptop/provenance.json"
    run_seed(tmp_path, 3)
    config = tmp_path / "config/config.yaml"
    text = config.read_text()
    assert "\nseed: 0 #" in text
    config.write_text(text.replace("\nseed: 0 #", "\nseed: 1 #"))
    script.publish("laptop", "of another figure", ["fig3"], tmp_path)
    before = provenance.read_bytes()
    with pytest.raises(DataError, match=r"fig4b\.csv: expected networks .*; other by now: the study's seed;"):
        script.publish("laptop", "second", ["fig4b"], tmp_path, [3])
    assert provenance.read_bytes() == before
    assert (tmp_path / "published/laptop/results/rows/paper/fig4b.csv").read_text() == FIG4B


def test_rules_of_families_that_a_figure_does_not_show_hinder_no_join(
    script: ModuleType, tmp_path: Path
) -> None:
    script.publish("laptop", "first", ["fig4b"], tmp_path)
    run_seed(tmp_path, 3)
    config = tmp_path / "config/config.yaml"
    text = config.read_text()
    assert "\n  paper:\n    band: sem #" in text
    config.write_text(
        text.replace("\n  paper:\n    band: sem #", "\n  paper:\n    losses: {}\n    band: sem #")
    )
    script.publish("laptop", "second", ["fig4b"], tmp_path, [3])


def test_seeds_that_other_code_trained_join_and_it_is_said(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.publish("laptop", "first", ["fig4b", "fig3"], tmp_path)
    run_seed(tmp_path, 3)
    metadata = SMALL | {"code": "0dd", "data": "images 3"}
    save_tensors(tmp_path / "laptop/results/models/one/seed3.safetensors", {}, metadata)
    script.run_in = lambda checkout, *command: answers(checkout, *command).replace("c0de", "0dd")
    capsys.readouterr()
    script.publish("laptop", "second", ["fig4b"], tmp_path, [3])
    told = capsys.readouterr().out
    assert "one: seeds of commit 0123456 were trained by other code, digest c0de, than these, 0dd" in told
    assert told.count("other code") == 1
    runs = read_json(tmp_path / "published/laptop/provenance.json")["runs"]
    assert [run["networks"]["one"]["code"] for run in runs] == ["c0de", "0dd"]


@pytest.mark.parametrize("seeds", [(), (3,)])
def test_a_damaged_provenance_stops_before_anything_is_written(
    seeds: tuple[int, ...], script: ModuleType, tmp_path: Path
) -> None:
    script.publish("laptop", "first", ["fig4b"], tmp_path)
    provenance = tmp_path / "published/laptop/provenance.json"
    provenance.write_text(provenance.read_text()[:-20])
    run_seed(tmp_path, 3)
    with pytest.raises(ConfigError, match=r"provenance\.json: expected the runs of published rows"):
        script.publish("laptop", "second", ["fig4b"], tmp_path, seeds)
    assert (tmp_path / "published/laptop/results/rows/paper/fig4b.csv").read_text() == FIG4B


def test_seeds_do_not_join_a_table_without_facts(script: ModuleType, tmp_path: Path) -> None:
    script.publish("laptop", "first", ["fig4b"], tmp_path)
    (tmp_path / "published/laptop/results/rows/paper/fig4b.facts.json").unlink()
    run_seed(tmp_path, 3)
    with pytest.raises(DataError, match=r"fig4b\.facts\.json: expected the facts of published rows"):
        script.publish("laptop", "second", ["fig4b"], tmp_path, [3])


@pytest.mark.parametrize("name", ["fig4b.csv", "fig4b.facts.json"])
def test_seeds_are_not_added_to_a_table_that_was_changed_by_hand(
    name: str, script: ModuleType, tmp_path: Path
) -> None:
    script.publish("laptop", "first", ["fig4b"], tmp_path)
    path = tmp_path / "published/laptop/results/rows/paper" / name
    changed = path.read_text().replace("4,1,0.25", "4,2,0.5").replace('"classes": 10', '"classes": 11')
    path.write_text(changed)
    run_seed(tmp_path, 3)
    with pytest.raises(DataError, match=rf"{name}: expected the bytes that a run published"):
        script.publish("laptop", "second", ["fig4b"], tmp_path, [3])
    assert path.read_text() == changed


def test_snakemake_is_asked_about_the_seeds_that_were_run(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def told(checkout: Path, *command: str) -> str:
        asked.append(command)
        return answers(checkout, *command)

    monkeypatch.setattr(script, "run_in", told)
    script.publish("laptop", "first", ["fig3"], tmp_path, [4, 1])
    (plan,) = (command for command in asked if "snakemake" in command)
    assert plan[-2:] == ("--config", "only_seeds=[1,4]")
    asked.clear()
    script.publish("laptop", "first", ["fig4b"], tmp_path)
    (plan,) = (command for command in asked if "snakemake" in command)
    assert "--config" not in plan


def test_a_figure_that_is_not_there_is_named(script: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected rows of fig9; got none"):
        script.publish("laptop", "command", ["fig4b", "fig9"], tmp_path)


def test_seeds_of_several_states_of_the_code_are_not_published(script: ModuleType, tmp_path: Path) -> None:
    old = SMALL | {"code": "older", "data": ""}
    save_tensors(tmp_path / "laptop/results/models/one/seed2.safetensors", {}, old)
    with pytest.raises(DataError, match="all seeds of one from one state of the code"):
        script.publish("laptop", "command", ["fig4b"], tmp_path)
    save_tensors(tmp_path / "laptop/results/models/one/seed1.safetensors", {}, old)
    with pytest.raises(DataError, match="one: expected networks trained by the code of .*; got older"):
        script.publish("laptop", "command", ["fig4b"], tmp_path)
    assert not (tmp_path / "published").exists()


def test_seeds_that_say_nothing_of_their_code_are_not_published(script: ModuleType, tmp_path: Path) -> None:
    """Without a recipe as well, which leaves the code of the checkout with nothing to compare."""
    silent = {"network": "small", "options": "{}", "data": ""}
    for seed in (1, 2):
        save_tensors(tmp_path / f"laptop/results/models/one/seed{seed}.safetensors", {}, silent)
    with pytest.raises(DataError, match="all seeds of one from one state of the code; got {''}"):
        script.publish("laptop", "command", ["fig4b"], tmp_path)
    assert not (tmp_path / "published").exists()


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (
            FIG4B.replace(",1,0.25", ",2,0.25"),
            r"fig4b\.csv: expected accuracy = correct / n; got 0.25 for 2 of 4",
        ),
        (FIG4B[:-1], r"fig4b\.csv: expected a line end behind the last line"),
        (FIG4B.replace("0.25", "0,25"), "got 9 in line 2"),
    ],
)
def test_damaged_rows_are_not_published(
    damaged: str, message: str, script: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "laptop/results/rows/paper/fig4b.csv").write_text(damaged)
    with pytest.raises(DataError, match=message):
        script.publish("laptop", "command", [], tmp_path)
    assert not (tmp_path / "published").exists()


def test_every_published_table_has_a_provenance_and_is_the_one_it_names() -> None:
    for folder in (ROOT / "published").iterdir():
        rows = (path for path in folder.rglob("results/rows/**/*") if path.is_file())
        tables = {str(path.relative_to(folder)) for path in rows}
        runs = read_json(folder / "provenance.json")["runs"]
        named = {table: digest for run in runs for table, digest in run["sha256"].items()}
        assert tables == set(named)
        for table, digest in named.items():
            assert hashlib.sha256((folder / table).read_bytes()).hexdigest() == digest, table


def test_an_unfinished_scale_is_named(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["publish.py", "demo", "snakemake demo", "--checkout", str(script.ROOT)])
    assert script.main() == 1
    assert "demo/results/rows: expected rows of finished figures; got none" in capsys.readouterr().err
