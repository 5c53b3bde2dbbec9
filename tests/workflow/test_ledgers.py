"""The scripts that judge claims and compare ledgers, run as a job runs them."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from flexnet.errors import DataError

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow/scripts"
ROWS = sorted((ROOT / "published/laptop/results/rows").glob("*/*.csv"))


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def judge(folder: Path, *, evidence: bool, classes: int = 10) -> subprocess.CompletedProcess[str]:
    """Judge the published rows as of a scale of the given kind."""
    figures = {path.stem for path in ROWS}
    settings = {
        **{"scale": "mine", "note": "", "evidence": evidence, "classes": dict.fromkeys(figures, classes)},
        "protocols": ["paper", "release", "corrected"],
        "images": {
            protocol: {figure: f"images of {figure}" for figure in figures}
            for protocol in ("paper", "release", "corrected")
        },
    }
    places = {"ledger": "claims.csv", "table": "numbers.csv", "figure": "claims.pdf"}
    places |= {"caption": "claims.md", "log": "claims.log"}
    files = [part for name, place in places.items() for part in (f"--{name}", folder / place)]
    return run("ledger.py", "--settings", json.dumps(settings), "--rows", *ROWS, *files)


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """Folders with ledger, figure and caption, judged and not."""
    folders = {evidence: tmp_path_factory.mktemp(f"evidence-{evidence}") for evidence in (True, False)}
    for evidence, folder in folders.items():
        done = judge(folder, evidence=evidence)
        assert (done.returncode, done.stderr) == (0, "")
    return folders


def test_chance_is_that_of_the_runs_and_not_of_the_configuration(tmp_path: Path) -> None:
    """Facts beside rows tell the classes; rows without any are judged as the configuration says."""
    spec = importlib.util.spec_from_file_location("ledger", SCRIPTS / "ledger.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rows = [f"results/rows/{protocol}/fig4d.csv" for protocol in ("paper", "release", "corrected")]
    rows = [str(tmp_path / row) for row in [*rows, "results/rows/paper/fig4b.csv"]]
    facts = []
    for path, numbers in zip(rows[:2], ([7, 7], [10, 7]), strict=True):
        series = {
            **{"model": "m", "network": "small", "options": {}, "recipe": {"epochs": 1, "batch_size": 1}},
            **{"title": "T", "content": "official", "training_images": 1, "scored_images": 1, "seeds": [1]},
        }
        protocol = Path(path).parent.name
        document = {
            **{"figure": "fig4d", "protocol": protocol, "band": "sem", "space": None},
            "series": [{"name": f"s{i}", "classes": number, **series} for i, number in enumerate(numbers)],
        }
        facts.append(str(Path(path).with_suffix(".facts.json")))
        Path(facts[-1]).parent.mkdir(parents=True, exist_ok=True)
        Path(facts[-1]).write_text(json.dumps(document))
    assert module.classes_by_figure(module.runs_behind(rows, facts), {"fig4d": 10, "fig4b": 3}) == {
        "paper": {"fig4d": [7], "fig4b": [3]},
        "release": {"fig4d": [7, 10]},
        "corrected": {"fig4d": [10]},
    }


def test_a_scale_that_is_evidence_is_judged(ledgers: dict[bool, Path]) -> None:
    table = pd.read_csv(ledgers[True] / "claims.csv")
    assert {"reproduced", "contradicted"} <= set(table["verdict"])
    assert table["paper_value"].notna().any()
    assert "Open diamonds: the paper's value" in (ledgers[True] / "claims.md").read_text()


def test_numbers_and_words_lie_beside_the_figure(ledgers: dict[bool, Path]) -> None:
    judged, numbers = (pd.read_csv(ledgers[True] / name) for name in ("claims.csv", "numbers.csv"))
    shown = judged.merge(numbers[["paper", "id", "protocol"]].drop_duplicates())
    shown = shown.sort_values(["paper", "id"], kind="stable", ignore_index=True)  # claims in their order
    assert len(shown) == len(numbers) < len(judged)
    assert shown["measured_value"].equals(numbers["measured_value"])
    assert set(numbers.loc[numbers["id"] == "C07", "dataset"]) == {"images of table2"}
    _, _, *table = (ledgers[True] / "claims.md").read_text().splitlines()
    assert len(table) == 2 + numbers["id"].nunique() + len(numbers)
    assert table[2].startswith("| **C01: small networks lose accuracy, images of table2. In the small")


def test_a_demonstration_is_measured_and_not_judged(ledgers: dict[bool, Path]) -> None:
    judged, shown = (pd.read_csv(ledgers[evidence] / "claims.csv") for evidence in (True, False))
    assert set(shown["verdict"]) == set(shown["summary"]) == {"no evidence"}
    assert shown[["paper_value", "claimed_low", "claimed_high"]].isna().all(axis=None)
    assert shown["measured_value"].notna().any()
    ours = judged["id"] != "C23"
    assert shown.loc[ours, "measured_value"].equals(judged.loc[ours, "measured_value"])
    text = (ledgers[False] / "claims.md").read_text()
    assert "no evidence" in text
    assert "diamond" not in text
    assert (ledgers[False] / "claims.pdf").read_bytes().startswith(b"%PDF-")


def test_a_rule_for_other_classes_stops(tmp_path: Path) -> None:
    done = judge(tmp_path, evidence=True, classes=100)
    assert done.returncode == 1
    assert "ledger: error: flexible-layer: claim C01: expected chance 0.01 for the 100 classes" in done.stderr
    assert not (tmp_path / "claims.csv").exists()


def test_the_words_that_differ_between_two_ledgers_are_listed(
    ledgers: dict[bool, Path], tmp_path: Path
) -> None:
    now = ledgers[True] / "claims.csv"
    table = pd.read_csv(now)
    # As it was written before comparisons had rows of their own.
    old = table.drop_duplicates(["paper", "id", "protocol"])
    asked = (old["paper"] == "flexible-layer") & (old["id"] == "C08") & (old["protocol"] == "paper")
    (word,) = old.loc[asked, "summary"]
    same = run("compare_ledgers.py", now, now)
    assert (same.returncode, same.stdout) == (0, f"0 of {len(old)} words differ\n")
    old = old.assign(verdict=old["summary"]).drop(columns=["comparison", "summary"])
    old.loc[asked, "verdict"] = "another"
    old.to_csv(tmp_path / "old.csv", index=False)
    found = run("compare_ledgers.py", tmp_path / "old.csv", now).stdout.splitlines()
    assert found == [
        f"flexible-layer  C08  paper      another  ->  {word}",
        f"1 of {len(old)} words differ",
    ]


def test_a_claim_that_one_ledger_lacks_is_listed_as_absent_there(tmp_path: Path) -> None:
    head, *lines = "paper,protocol,id,verdict", "ours,paper,C01,reproduced", "ours,paper,C02,unclear"
    whole, part = tmp_path / "whole.csv", tmp_path / "part.csv"
    whole.write_text("\n".join([head, *lines, ""]))
    part.write_text("\n".join([head, lines[0], ""]))
    counted = "1 of 2 words differ"
    gone = run("compare_ledgers.py", whole, part).stdout.splitlines()
    assert gone == ["ours  C02  paper      unclear  ->  absent", counted]
    come = run("compare_ledgers.py", part, whole).stdout.splitlines()
    assert come == ["ours  C02  paper      absent  ->  unclear", counted]


def test_what_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    done = run("compare_ledgers.py", tmp_path / "other.csv", tmp_path / "absent.csv")
    assert done.returncode == 1
    assert "other.csv: expected the columns ['id', 'paper', 'protocol', 'verdict']" in done.stderr


def rows_by_figure(*paths: Path) -> dict[str, pd.DataFrame]:
    """What the script that judges reads."""
    spec = importlib.util.spec_from_file_location("ledger", SCRIPTS / "ledger.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, pd.DataFrame] = module.rows_by_figure([str(path) for path in paths])
    return found


def test_rows_of_two_figures_of_one_stem_are_not_joined(tmp_path: Path) -> None:
    """As they were if the last part of a path said the figure: claims on one would be judged by both."""
    ours = ROWS[0].read_text()
    figure, protocol = ROWS[0].stem, ROWS[0].parent.name
    theirs = tmp_path / f"results/rows/{protocol}/pushpull/{figure}.csv"
    theirs.parent.mkdir(parents=True)
    theirs.write_text(ours.replace(f"\n{figure},", f"\npushpull/{figure},"))
    found = rows_by_figure(ROWS[0], theirs)
    assert set(found) == {figure, f"pushpull/{figure}"}
    assert [set(rows["figure"]) for rows in found.values()] == [{figure}, {f"pushpull/{figure}"}]
    assert len(found[figure]) == len(found[f"pushpull/{figure}"]) == len(pd.read_csv(ROWS[0]))
    theirs.write_text(ours)
    with pytest.raises(
        DataError, match=f"expected rows whose figure is 'pushpull/{figure}', as the path says"
    ):
        rows_by_figure(theirs)
