"""What the project says of itself agrees, and what pip installs is the package alone, and works."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

import flexnet
from flexnet.claims.catalogue import packaged_papers

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


# --- what is said -----------------------------------------------------------------------------------


def test_one_version_everywhere() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[([^\]]+)\]", changelog, re.MULTILINE)
    assert versions[0] == "Unreleased"
    assert PROJECT["version"] == flexnet.__version__ == CITATION["version"] == versions[1]


def test_one_oldest_snakemake_everywhere() -> None:
    """Before 9.17 it does not tell whether a Snakefile is used as a module."""
    said = re.search(r'min_version\("([0-9.]+)"\)', (ROOT / "Snakefile").read_text(encoding="utf-8"))
    assert said is not None
    assert f"snakemake>={said[1]}" in PROJECT["optional-dependencies"]["workflow"]
    assert said[1] == "9.17"


def test_one_licence_everywhere() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["license"] == CITATION["license"] == "MIT"
    assert PROJECT["license-files"] == ["LICENSE"]
    assert licence.startswith("MIT License\n\nCopyright (c) ")
    assert PROJECT["authors"][0]["name"].lower() in licence.replace("the flexnet", "The flexnet").lower()
    assert "MIT" in README
    assert "LICENSE" in README


def test_the_citation_has_what_the_format_demands() -> None:
    assert CITATION["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "version"} <= set(CITATION)
    assert CITATION["type"] == "software"
    assert CITATION["authors"] == [{"name": PROJECT["authors"][0]["name"]}]
    assert CITATION["keywords"] == PROJECT["keywords"]
    for reference in CITATION["references"]:
        assert {"type", "title", "authors"} <= set(reference)
        assert all(set(author) == {"given-names", "family-names"} for author in reference["authors"])


def test_both_papers_are_cited_as_the_readme_and_the_claims_name_them() -> None:
    flexible, push_pull = CITATION["references"]
    assert [reference["year"] for reference in (flexible, push_pull)] == [2024, 2020]
    dois = [f"https://doi.org/{reference['doi']}" for reference in (flexible, push_pull)]
    assert list(PROJECT["urls"].values()) == dois
    assert flexible["title"] in " ".join(README.split())
    assert flexible["doi"] in README
    assert "flexible-layer" in packaged_papers()
    document = yaml.safe_load((ROOT / "flexnet/claims/flexible-layer.yaml").read_text(encoding="utf-8"))
    assert document["title"] == flexible["title"]
    assert document["authors"] == ", ".join(author["family-names"] for author in flexible["authors"])
    for author in push_pull["authors"]:
        assert author["family-names"] in README


def test_the_catalogue_of_workflows_finds_what_it_needs() -> None:
    settings = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))["usage"]
    assert settings["mandatory-flags"] == {"desc": None, "flags": None}
    deployment = settings["software-stack-deployment"]
    assert deployment["conda"] is (ROOT / "workflow/envs/flexnet.yaml").is_file()
    assert deployment["apptainer"] is ("container:" in (ROOT / "Snakefile").read_text(encoding="utf-8"))
    assert settings["report"] is deployment["report"] is True
    for needed in ("workflow/Snakefile", "config/README.md"):
        assert (ROOT / needed).is_file()
    assert all(word in README.lower() for word in ("snakemake", "workflow"))


def test_the_guide_names_files_that_exist() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(
        r"(?:^|[`(\s])((?:flexnet|config|workflow|tests|tools|requirements|published)/[\w./-]*)", guide
    )
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_what_is_locked_is_what_is_declared() -> None:
    """Every dependency has its lock; changes of other metadata need no new locks."""
    locked = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "requirements").glob("*.lock"))
    names = {name.lower() for name in re.findall(r"^([\w.-]+)==", locked, re.MULTILINE)}
    extras = PROJECT["optional-dependencies"].values()
    declared = [*PROJECT["dependencies"], *(name for extra in extras for name in extra)]
    assert {re.split(r"[<>=!~\[]", name)[0] for name in declared} <= names


# --- what is installed ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the checkout, built without network."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("flexnet", "workflow", "config", "tests", "benchmarks", "published", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "Snakefile"):
        shutil.copy2(ROOT / name, folder)
    code = "from setuptools.build_meta import build_wheel; build_wheel('out')"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True)
    (built,) = (folder / "out").glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = {
        path for path in (ROOT / "flexnet").rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    metadata = {name for name in names if ".dist-info/" in name}
    assert names - metadata == {path.relative_to(ROOT).as_posix() for path in package}
    assert any(name.endswith("licenses/LICENSE") for name in metadata)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which pip installed the wheel."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def run(installed: Path, *command: str, cwd: Path) -> Any:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_the_installed_command_works_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    program = str(installed / "bin" / "flexnet")
    done = run(installed, program, "--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"flexnet {flexnet.__version__}\n")
    series = {"network": "small", "options": {"width": 0.25}}
    settings = json.dumps(
        {"family": "description", "figure": "fig2", "protocol": "paper", "series": {"small": series}}
    )
    done = run(
        installed, program, "stage", "describe", "--settings", settings, "--output", "d.csv", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "d.csv").read_text().startswith("figure,protocol,series,network,")


def test_the_installed_package_brings_its_data(installed: Path, tmp_path: Path) -> None:
    code = (
        "import flexnet; from flexnet.claims.catalogue import load_claims\n"
        "print(flexnet.__file__, len(load_claims('flexible-layer')))"
    )
    done = run(installed, sys.executable, "-c", code, cwd=tmp_path)
    path, count = done.stdout.split()
    assert Path(path).is_relative_to(installed)
    assert int(count) > 10
