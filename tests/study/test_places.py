"""Published rows, notes of failures, caches and the variables of jobs: small things that depend on places."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from flexnet.errors import ConfigError, DataError
from flexnet.files import write_json
from flexnet.study import unfinished
from flexnet.study.caches import cache_variables
from flexnet.study.labels import require_labels
from flexnet.study.places import Places, job_variables
from flexnet.study.published import config_of, notes_of, run_of, runs_of

CONFIG = {"sources": {}, "datasets": {}, "recipes": {}, "models": {}, "note": "Then."}
TODAY = CONFIG | {"note": "Today."}


def rows(folder: Path, *figures: str) -> None:
    for figure in figures:
        path = folder / f"results/rows/paper/{figure}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("figure\n")


def test_a_users_published_rows_take_the_place_of_the_checkouts(tmp_path: Path) -> None:
    checkout, here = tmp_path / "checkout", tmp_path / "here"
    rows(checkout / "published/laptop", "fig3")
    rows(checkout / "published/paper", "fig3")
    (here / "published/laptop/figures").mkdir(parents=True)  # drawn here from the checkout's rows
    assert Places(checkout, here).published() == {
        "laptop": checkout / "published/laptop",
        "paper": checkout / "published/paper",
    }
    rows(here / "published/laptop", "fig4b")
    rows(here / "sub/published/own", "fig4b")
    assert Places(checkout, here).published()["laptop"] == here / "published/laptop"
    assert Places(checkout, here).published("sub/published")["own"] == here / "sub/published/own"


def test_paths_are_shown_as_the_user_would_write_them(tmp_path: Path) -> None:
    places = Places(tmp_path / "checkout", tmp_path / "here")
    assert places.shown(tmp_path / "here/config/config.yaml") == "config/config.yaml"
    assert places.shown(tmp_path / "checkout/x") == str(tmp_path / "checkout/x")


def test_published_rows_tell_the_configuration_of_their_own_run(tmp_path: Path) -> None:
    runs = [
        {"config": CONFIG, "sha256": {"results/rows/paper/fig3.csv": ""}},
        {"config": CONFIG | {"note": "Later."}, "sha256": {"results/rows/paper/fig4b.csv": ""}},
        {"config": CONFIG | {"note": "Replaced."}, "sha256": {}},
    ]
    write_json(tmp_path / "provenance.json", {"runs": runs})
    assert config_of(tmp_path, "paper", "fig3", TODAY)["note"] == "Then."
    assert config_of(tmp_path, "paper", "fig4b", None)["note"] == "Later."
    assert config_of(tmp_path, "release", "fig3", TODAY)["note"] == "Today."
    assert notes_of(tmp_path, TODAY) == ["Then.", "Later."]
    with pytest.raises(ConfigError, match=r"expected provenance\.json to tell how these rows were made"):
        config_of(tmp_path, "release", "fig3", None)


def test_of_several_runs_behind_a_table_that_of_a_seed_is_found(tmp_path: Path) -> None:
    table = {"results/rows/paper/fig3.csv": ""}
    runs = [
        {"config": CONFIG, "sha256": table, "networks": {"one": {"data": {f"seed{seed}": ""}}}}
        for seed in (1, 2)
    ]
    write_json(tmp_path / "provenance.json", {"runs": [*runs, {"config": CONFIG, "sha256": {"other": ""}}]})
    assert run_of(tmp_path, "paper", "fig3") == runs[0]
    assert run_of(tmp_path, "paper", "fig3", ("one", 1)) == runs[0]
    assert run_of(tmp_path, "paper", "fig3", ("one", 2)) == runs[1]
    assert run_of(tmp_path, "paper", "fig3", ("one", 3)) == runs[0]  # runs of before told no seeds
    assert run_of(tmp_path, "release", "fig3", ("one", 2)) is None


def test_rows_without_provenance_are_those_of_the_scale_of_their_name(tmp_path: Path) -> None:
    assert runs_of(tmp_path) == []
    assert config_of(tmp_path, "paper", "fig3", TODAY) == TODAY
    assert notes_of(tmp_path, TODAY) == ["Today."]
    assert notes_of(tmp_path, None) == []


HALF = '{"runs": [{"sha256": {"a": "b"}, "config": {"seed": 0}, "%s": "laptop"}]}'


@pytest.mark.parametrize(
    "text",
    [
        *("{", "[]", '{"runs": [{"config": {}}]}', '{"runs": 3}'),
        *(HALF % part for part in ("machine", "networks", "wall_time")),
    ],
)
def test_a_damaged_provenance_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "provenance.json").write_text(text)
    with pytest.raises(ConfigError, match=r"provenance\.json: expected the runs of published rows"):
        runs_of(tmp_path)


def test_rows_in_the_place_of_others_are_refused() -> None:
    table = pd.DataFrame({"figure": ["fig3"], "protocol": ["release"]})
    require_labels(table, "fig3", "release", "x.csv")
    require_labels(table.drop(columns="protocol"), "fig3", "paper", "x.csv")
    with pytest.raises(DataError, match=r"x\.csv: expected rows whose protocol is 'paper'"):
        require_labels(table, "fig3", "paper", "x.csv")
    with pytest.raises(DataError, match=r"whose figure is 'fig4b'"):
        require_labels(table, "fig4b", "release", "x.csv")


def test_failures_are_noted_until_the_job_succeeds(tmp_path: Path) -> None:
    assert unfinished.noted(tmp_path / "none") == []
    unfinished.note(tmp_path, ["b", "a"])
    unfinished.note(tmp_path, ["a", "b"])
    unfinished.note(tmp_path, ["c d/é%2F.csv"])
    unfinished.note(tmp_path, [])
    assert unfinished.noted(tmp_path) == ["a", "b", "c d/é%2F.csv"]
    unfinished.forget(tmp_path, ["a", "b"])
    unfinished.forget(tmp_path, ["never"])
    assert unfinished.noted(tmp_path) == ["c d/é%2F.csv"]


def test_caches_leave_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    assert cache_variables({"HOME": str(tmp_path / "new")}, tmp_path / "here") == {}
    (tmp_path / "file").touch()
    broken = {"HOME": str(tmp_path / "file/home"), "MPLCONFIGDIR": "/mine"}
    assert cache_variables(broken, tmp_path / "here") == {
        "XDG_CACHE_HOME": str(tmp_path / "here"),
        "TRITON_CACHE_DIR": str(tmp_path / "here/triton"),
    }


def test_jobs_find_their_python_and_their_scripts(tmp_path: Path) -> None:
    found = job_variables(tmp_path, {"PATH": "/usr/bin"}, Path("/env/bin/python"))
    assert found == {"PATH": "/env/bin:/usr/bin", "FLEXNET_SCRIPTS": str(tmp_path / "workflow/scripts")}
    assert job_variables(tmp_path, found, Path("/env/bin/python")) == found


def test_a_scale_is_not_called_like_a_folder_of_the_project(tmp_path: Path) -> None:
    places = Places(tmp_path, tmp_path)
    (tmp_path / "notes").mkdir()
    places.require_free("notes", "config/scales/notes.yaml")  # an empty folder holds nothing of value
    (tmp_path / "notes/plan.md").touch()
    with pytest.raises(ConfigError, match=r"^config/scales/notes\.yaml: .* notes, with plan\.md"):
        places.require_free("notes", "config/scales/notes.yaml")
    (tmp_path / "notes/results").mkdir()  # it is the scale's own
    places.require_free("notes", "config/scales/notes.yaml")


def test_git_ignores_what_any_scale_makes_and_nothing_of_the_project(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    (tmp_path / ".gitignore").write_text((root / ".gitignore").read_text())
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    made = [f"{scale}/{part}/x" for scale in ("demo", "trial") for part in ("figures", "logs", "results")]
    kept = ["flexnet/figures/x.py", "tests/figures/x.py", "published/laptop/results/x", "trial.yaml"]
    for name in (*made, *kept):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    told = subprocess.run(
        ["git", "check-ignore", *made, *kept], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert told.stdout.split() == made
