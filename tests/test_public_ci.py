"""What the public CI runs is there: the two commands of the README on both systems, and what takes CI."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/test.yaml").read_text(encoding="utf-8"))
JOBS: dict[str, Any] = WORKFLOW["jobs"]


def commands(job: str) -> list[str]:
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def test_the_two_commands_of_the_readme_run_on_linux_and_macos() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {"make demo", "make test"} <= {
        line.split("`")[1] for line in readme.splitlines() if line[:3] == "| `"
    }
    assert JOBS["commands"]["strategy"]["matrix"]["os"] == ["ubuntu-latest", "macos-latest"]
    assert JOBS["commands"]["runs-on"] == "${{ matrix.os }}"
    assert {"make demo", "make test"} <= set(commands("commands"))
    assert commands("docs") == ["make docs"]


def test_it_runs_for_every_change_and_release() -> None:
    when = WORKFLOW[True]  # YAML reads `on` as true
    assert set(when) == {"push", "pull_request"}
    assert when["push"] == {"branches": ["main"], "tags": ["v*"]}
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_every_target_and_script_that_it_names_exists() -> None:
    told = " ".join(command for job in JOBS for command in commands(job))
    made = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"make (\w+)", told)) <= made
    files = re.findall(r"(?:python|-f) (\S+)", told)
    assert {"tools/container.py", "tools/release.py", "Containerfile"} <= set(files)
    assert [name for name in files if not name.startswith("-") and not (ROOT / name).is_file()] == []
    (conda,) = (
        step["with"] for step in JOBS["environments"]["steps"] if "micromamba" in step.get("uses", "")
    )
    assert (ROOT / conda["environment-file"]).is_file()


def test_every_job_has_a_python_that_is_tested_and_ends() -> None:
    versions = {
        step["with"]["python-version"]
        for job in JOBS.values()
        for step in job["steps"]
        if "setup-python" in step.get("uses", "")
    }
    assert versions == {"3.11"}
    image = (ROOT / "Containerfile").read_text(encoding="utf-8")
    assert "python:3.11-slim" in image
    assert all("uses" in step or "run" in step for job in JOBS.values() for step in job["steps"])
