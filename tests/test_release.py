"""The release check finds what does not agree, and says where."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

import release

ROOT = Path(__file__).parents[1]
FILES = (
    "pyproject.toml",
    "CHANGELOG.md",
    "CITATION.cff",
    "flexnet/__init__.py",
    "workflow/envs/flexnet.yaml",
    *(path.relative_to(ROOT).as_posix() for path in (ROOT / "requirements").glob("*.lock")),
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the check reads."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


def edit(checkout: Path, name: str, old: str, new: str) -> None:
    path = checkout / name
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{name} does not hold {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_this_checkout_agrees_with_itself() -> None:
    done = subprocess.run([sys.executable, "tools/release.py"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "release: all agrees\n"), done.stdout


VERSION = release.ENTRY.findall((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))[1][0]


VERSIONS = f"expected version {VERSION}, .*; got 9.9.9"
CONDA = "workflow/envs/flexnet.yaml"
TORCH, SLURM, DOCS = (f"requirements/{name}.lock" for name in ("torch", "slurm", "docs"))


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("CITATION.cff", f"\nversion: {VERSION}", "\nversion: 9.9.9", VERSIONS),
        ("flexnet/__init__.py", f'= "{VERSION}"', '= "9.9.9"', VERSIONS),
        ("CHANGELOG.md", f"## [{VERSION}]", "## [9.9.9]", VERSIONS),
        ("CHANGELOG.md", "## [Unreleased]", "## Later", r"expected the entry \[Unreleased\] first"),
        (CONDA, "pytorch=", "pytorch=1.", "expected pytorch .* as it is locked; got 1"),
        (CONDA, "python=3.11", "python=3.12", "expected numpy .* as it is locked; got 2"),
        (CONDA, "- tqdm", "- left-pad", "expected packages that are locked; got left-pad"),
        (TORCH, "torch==2", "torch==1", "expected torch>=.*; got 1"),
        (SLURM, "slurm==2", "slurm==1", "expected snakemake-executor-plugin-slurm>=.*; got 1"),
        (DOCS, "\nmkdocs-material==", "\nother==", "expected mkdocs-material.*; got nothing"),
    ],
)
def test_what_disagrees_is_named(name: str, old: str, new: str, told: str, checkout: Path) -> None:
    assert release.problems(checkout) == []
    edit(checkout, name, old, new)
    found = release.problems(checkout)
    assert any(name in line and re.search(told, line) for line in found), found


def test_a_dependency_that_is_declared_and_not_locked_is_named(checkout: Path) -> None:
    edit(checkout, "pyproject.toml", '    "tqdm>=4.66",', '    "tqdm>=4.66",\n    "left-pad>=1",')
    (found,) = release.problems(checkout)
    assert found.endswith("torch.lock: expected left-pad>=1; got nothing; run tools/lock.py")
    edit(checkout, "pyproject.toml", '"left-pad>=1"', '"pandas>=99"')
    assert "expected pandas>=99; got " in release.problems(checkout)[0]


def test_a_release_needs_its_tag_its_date_and_an_empty_list(checkout: Path) -> None:
    path = checkout / "CHANGELOG.md"
    head, _, rest = path.read_text(encoding="utf-8").partition("## [Unreleased]")
    released = "## [" + rest.partition("\n## [")[2]
    path.write_text(f"{head}## [Unreleased]\n\n{released}", encoding="utf-8")
    assert release.problems(checkout, f"v{VERSION}") == []
    assert release.problems(checkout, "v9.9.9") == [
        f"tag: expected v{VERSION}, the version of pyproject.toml; got v9.9.9"
    ]
    edit(checkout, "CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n### Added\n\n* A thing.\n")
    assert "nothing under [Unreleased]" in release.problems(checkout, f"v{VERSION}")[0]
    assert release.problems(checkout) == []
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(?m)^(## \[\d[^\]]*\]) - \S+$", r"\1", text), encoding="utf-8")
    assert any("expected a date" in line for line in release.problems(checkout, f"v{VERSION}"))
