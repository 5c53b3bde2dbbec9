"""Joining tables: good ones to the byte, damaged and incomplete ones not at all."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flexnet.statistics.conditions import of_family
from flexnet.tables.facts import read_facts
from flexnet.tables.frames import read_rows
from flexnet.tables.outcomes import outcomes_path, write_outcomes

Call = Callable[..., int]
Fails = Callable[..., str]
Tables = Callable[..., dict[str, Any]]

ROOT = Path(__file__).parents[2]
HEAD = "model,seed,epoch,split,n,correct,accuracy,loss,learning_rate\n"


def history(seed: int, epochs: int = 2, model: str = "m") -> str:
    rows = [f"{model},{seed},{epoch},test,4,1,0.25,1.5,0.01\n" for epoch in range(1, epochs + 1)]
    return HEAD + "".join(rows)


@pytest.fixture
def tables(tmp_path: Path, told: dict[str, Any]) -> Tables:
    """Write tables and return the settings that join them as one series."""

    def write(*contents: str | bytes) -> dict[str, Any]:
        paths = [tmp_path / f"seed{place}.csv" for place in range(1, len(contents) + 1)]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        series = {"flexible": [str(path) for path in paths]}
        return {"family": "history", "figure": "fig4b", "protocol": "paper", "series": series, **told}

    return write


def test_cells_are_joined_as_they_are_written(call: Call, tables: Tables, tmp_path: Path) -> None:
    odd = history(1).replace("1.5", "1.50").replace(",m,", ',"m",').replace("\n", "\r\n")
    assert call("collect", tables(b"\xef\xbb\xbf" + odd.encode(), history(2)), output=tmp_path / "o.csv") == 0
    lines = (tmp_path / "o.csv").read_bytes().decode().split("\n")
    assert lines[0] == "figure,protocol,series,model,seed,epoch,split,n,correct,accuracy,loss,learning_rate"
    assert lines[1] == "fig4b,paper,flexible,m,1,1,test,4,1,0.25,1.50,0.01"
    assert len(lines) == 6
    assert lines[-1] == ""


@pytest.mark.parametrize(
    ("table", "family"),
    [("paper/fig4c", "history"), ("release/table2", "interventions"), ("corrected/fig3", "sweep")],
)
def test_published_rows_come_out_as_they_were(
    table: str, family: str, call: Call, told: dict[str, Any], tmp_path: Path
) -> None:
    source = ROOT / f"published/laptop/results/rows/{table}.csv"
    with source.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    series: dict[str, list[str]] = {}
    for name in dict.fromkeys(row["series"] for row in rows):
        path = tmp_path / f"{name}.csv"
        with path.open("w", newline="") as stream:
            left = ("figure", "series", *(("protocol",) if family == "history" else ()))
            names = [key for key in rows[0] if key not in left]
            writer = csv.DictWriter(stream, names, extrasaction="ignore")  # line ends of Windows
            writer.writeheader()
            writer.writerows(row for row in rows if row["series"] == name)
        series[name] = [str(path)]
    names = {"family": family, "figure": rows[0]["figure"], "protocol": rows[0]["protocol"]}
    settings = {**names, "series": series, **told}
    assert call("collect", settings, output=tmp_path / "joined.csv") == 0
    assert (tmp_path / "joined.csv").read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (history(2).replace(",", ";"), "seed2.csv: expected a CSV table whose first line names its columns"),
        (history(2).replace("0.01\n", "0.01,9\n"), "seed2.csv: expected 9 cells in every line"),
        (history(2).encode("utf-16"), "seed2.csv: expected a CSV table in UTF-8"),
        (
            history(2, model="é").encode("latin-1"),
            "seed2.csv: expected a CSV table in UTF-8; got the byte 0xe9 in line 2",
        ),
        (history(2)[:-1], "seed2.csv: expected a line end behind the last line"),
        (history(2)[:-9], "seed2.csv: expected a line end behind the last line"),
        (
            history(2, epochs=1),
            "got 1 of 2, without {'epoch': 2, 'split': 'test'}",
        ),
        (history(1), "expected every row once in series 'flexible'; got this one twice: line 2: 'm,1,1,test"),
        (
            history(2) + "m,2,2,test,4,1,0.25,1.5,0.01\n",
            " and line 4: 'm,2,2,test,4,1,0.25,1.5,0.01'; remove the repeated row",
        ),
        (
            history(2).replace("0.25", "0.5"),
            "seed2.csv: expected accuracy = correct / n; got 0.5 for 1 of 4 (line 2: 'm,2",
        ),
        (
            history(2).replace("1.5", "nan"),
            "expected numbers in every row of column 'loss', at least 0; got 'nan' in line 2",
        ),
        (history(2).replace(",1.5", "").replace(",loss", ""), "seed2.csv: expected the column 'loss'"),
        ("model,seed\n", "seed2.csv: expected the column 'epoch'; got 'model,seed'"),
        ("", "seed2.csv: expected a CSV table; the file is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0", "seed2.csv: expected a CSV table in UTF-8; got a file with zero bytes"),
    ],
)
def test_a_damaged_table_among_good_ones_is_named(
    second: str | bytes, message: str, tables: Tables, fails: Fails, tmp_path: Path
) -> None:
    found = fails("collect", tables(history(1), second), output=tmp_path / "o.csv")
    assert message in found
    assert "delete" not in found


def test_a_mistyped_path_is_never_to_be_deleted(tables: Tables, fails: Fails, tmp_path: Path) -> None:
    settings = tables(history(1))
    for path in (tmp_path, tmp_path / "typo.csv", Path("a\0b")):
        settings["series"]["flexible"] = [str(path)]
        message = fails("collect", settings, output=tmp_path / "o.csv")
        assert "expected a table here; " in message
        assert "check the path" in message


@pytest.mark.parametrize("series", [{}, [], {"a": []}, {"a": "h.csv"}, {"a": [1]}, "h.csv"])
def test_series_that_are_no_lists_of_files_are_shown(
    series: Any, fails: Fails, told: dict[str, Any], tmp_path: Path
) -> None:
    settings = {"family": "history", "figure": "fig4b", "protocol": "paper", "series": series, **told}
    message = fails("collect", json.dumps(settings), output=tmp_path / "o.csv")
    assert "series: expected each label with a list of CSV files; got " in message


def test_an_unknown_family_is_named(tables: Tables, fails: Fails, tmp_path: Path) -> None:
    settings = tables(history(1)) | {"family": "histroy"}
    message = fails("collect", settings, output=tmp_path / "o")
    assert "family: expected a family; got 'histroy'; did you mean 'history'?" in message


def test_what_was_run_is_written_beside_the_rows(call: Call, tables: Tables, tmp_path: Path) -> None:
    assert call("collect", tables(history(1)), output=tmp_path / "o.csv") == 0
    (series,) = read_facts(tmp_path / "o.facts.json").series
    assert (series.model, series.seeds, series.network) == ("m", (1,), "small")
    assert (series.training_images, series.scored_images, series.classes) == (2, 4, 2)
    assert (series.content, series.title) == ("generated", "drawn objects")
    assert series.recipe == {"epochs": 2, "batch_size": 4}


@pytest.mark.parametrize("part", ["weights", "subset", "manifests"])
def test_a_run_that_does_not_say_what_it_was_is_named(
    part: str, tables: Tables, fails: Fails, tmp_path: Path
) -> None:
    settings = tables(history(1))
    run = settings["runs"]["flexible"][0]
    gone = str(tmp_path / "gone")
    run[part] = [gone] if part == "manifests" else gone
    assert gone in fails("collect", settings, output=tmp_path / "o.csv")


def test_every_row_is_paired_with_that_of_its_own_seed(
    call: Call, told: dict[str, Any], tmp_path: Path
) -> None:
    """It gained the images that it alone is right about ("1"), and lost those that the reference alone is."""
    head = "model,seed,protocol,epsilon,draw,n,correct,accuracy"
    right = {"flexible": {1: ("1110", "1000"), 2: ("0111", "0001")},
             "baseline": {1: ("0010", "0001"), 2: ("1111", "1111")}}  # fmt: skip
    series: dict[str, list[str]] = {}
    for name, seeds in right.items():
        for seed, (clean, attacked) in seeds.items():
            path = tmp_path / f"{name}{seed}.csv"
            lines = [
                f"{name},{seed},paper,{epsilon},0,4,{bits.count('1')},{bits.count('1') / 4}"
                for epsilon, bits in ((0.0, clean), (0.1, attacked))
            ]
            path.write_text("\n".join([head, *lines, ""]))
            outcomes = np.array([[bit == "1" for bit in bits] for bits in (clean, attacked)])
            write_outcomes(outcomes_path(path), outcomes, "digest")
            series.setdefault(name, []).append(str(path))
    asked = {"family": "fgsm", "figure": "fig4d", "protocol": "paper", "series": series, **told}
    asked |= {"runs": dict.fromkeys(series, told["runs"]["flexible"]), "paired": "baseline"}
    assert call("collect", asked, output=tmp_path / "o.csv") == 0
    rows = read_rows(tmp_path / "o.csv").set_index(["series", "seed", "epsilon"])[["gained", "lost"]]
    assert {key: tuple(row) for key, row in zip(rows.index, rows.to_numpy().tolist(), strict=True)} == {
        ("flexible", 1, 0.0): (2, 0),
        ("flexible", 1, 0.1): (1, 1),
        ("flexible", 2, 0.0): (0, 1),
        ("flexible", 2, 0.1): (0, 3),
        **{("baseline", seed, epsilon): (0, 0) for seed in (1, 2) for epsilon in (0.0, 0.1)},
    }


AUDITED = (
    "model,seed,protocol,check,epsilon,n,correct,accuracy,share,evidence\n"
    'm,1,paper,clean,0.1,4,2,0.5,nan,"{""chance"":[0.1]}"\n'
)
CLEAN = (
    "model,seed,protocol,epsilon,draw,n,correct,accuracy\nm,1,paper,0.0,0,4,2,0.5\nm,1,paper,0.1,0,4,1,0.25\n"
)
NOISY = (
    "model,seed,protocol,noise,epsilon,draw,n,correct,accuracy\n"
    "m,1,paper,uniform,0.0,0,4,2,0.5\nm,1,paper,uniform,0.1,0,4,2,0.5\n"
)


def test_rows_of_several_families_say_their_own_and_are_plain_elsewhere(
    call: Call, told: dict[str, Any], tmp_path: Path
) -> None:
    paths = {name: tmp_path / f"{name}.csv" for name in ("fgsm", "noise")}
    for name, content in (("fgsm", CLEAN), ("noise", NOISY)):
        paths[name].write_text(content)
    asked = {"family": "fgsm", "figure": "layers", "protocol": "paper", **told}
    asked |= {"series": {"flexible": [str(paths["fgsm"])]}}
    asked |= {"also": {"noise": {"flexible": [str(paths["noise"])]}}}
    assert call("collect", asked, output=tmp_path / "o.csv") == 0
    rows = read_rows(tmp_path / "o.csv")
    assert rows["family"].tolist() == ["fgsm", "fgsm", "noise", "noise"]
    assert rows["noise"].tolist() == ["none", "none", "uniform", "uniform"]
    assert rows["accuracy"].tolist() == [0.5, 0.25, 0.5, 0.5]
    assert rows["draw"].tolist() == [0, 0, 0, 0]


def test_text_that_another_family_measures_is_none_and_no_empty_cell(
    call: Call, told: dict[str, Any], tmp_path: Path
) -> None:
    paths = {name: tmp_path / f"{name}.csv" for name in ("fgsm", "audit")}
    for name, content in (("fgsm", CLEAN), ("audit", AUDITED)):
        paths[name].write_text(content)
    asked = {"family": "fgsm", "figure": "layers", "protocol": "paper", **told}
    asked |= {
        "series": {"flexible": [str(paths["fgsm"])]},
        "also": {"audit": {"flexible": [str(paths["audit"])]}},
    }
    assert call("collect", asked, output=tmp_path / "o.csv") == 0
    rows = read_rows(tmp_path / "o.csv")
    assert rows["evidence"].tolist() == ["none", "none", '{"chance":[0.1]}']
    assert rows["check"].tolist() == ["none", "none", "clean"]
    assert rows["share"].isna().all()
    (one,) = of_family(rows, "audit").to_dict("records")
    assert one["evidence"] == '{"chance":[0.1]}'
    assert "draw" not in one
    assert set(of_family(rows, "fgsm")) & {"check", "share", "evidence", "family"} == set()
