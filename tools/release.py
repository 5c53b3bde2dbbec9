"""Whether the checkout agrees with itself, and may be released: `python tools/release.py [v1.2.3]`.

Version, changelog, citation, locks and the conda file must agree. With the name of a tag it must be that of
the version, and the changelog must have the version's date and nothing left under "Unreleased". What is wrong
is printed, one line each; the exit status is 0 only where nothing is.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
ENTRY = re.compile(r"^## \[([^\]]+)\](?: - (\S+))?$", re.MULTILINE)
PIN = re.compile(r"^[\w.-]+==[^\\\n]+", re.MULTILINE)
# What conda calls otherwise.
CONDA = {"pytorch": "torch"}


def problems(root: Path, tag: str | None = None) -> list[str]:
    """What does not agree in a checkout, and with a tag what keeps it from being released."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    version = project["project"]["version"]
    found = [*_versions(root, version), *_locks(root, project), *_conda(root)]
    return found + list(_release(root, version, tag)) if tag is not None else found


def _versions(root: Path, version: str) -> Iterator[str]:
    code = re.search(r'^__version__ = "([^"]+)"$', (root / "flexnet/__init__.py").read_text(), re.MULTILINE)
    entries = [name for name, _ in ENTRY.findall((root / "CHANGELOG.md").read_text(encoding="utf-8"))]
    said = {
        "flexnet/__init__.py": code[1] if code else None,
        "CITATION.cff": str(yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))["version"]),
        "CHANGELOG.md": next((name for name in entries if name != "Unreleased"), None),
    }
    for path, found in said.items():
        if found != version:
            yield f"{path}: expected version {version}, that of pyproject.toml; got {found}"
    if entries[:1] != ["Unreleased"]:
        yield f"CHANGELOG.md: expected the entry [Unreleased] first; got {entries[:1]}"


def _locks(root: Path, project: Mapping[str, Any]) -> Iterator[str]:
    """Every dependency is locked, at a version that its declaration allows."""
    groups: Mapping[str, Sequence[str]] = project["dependency-groups"]
    study = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["workflow"]]
    declared = {
        ("all", "torch"): [*study, *(line for name in ("test", "oracle") for line in groups[name])],
        ("slurm",): project["project"]["optional-dependencies"]["slurm"],
        ("docs",): groups["docs"],
    }
    for files, lines in declared.items():
        pins: dict[str, list[str]] = {}
        for pin in _pins(root, files):
            pins.setdefault(canonicalize_name(pin.name), []).append(_version(pin))
        for wanted in map(Requirement, lines):
            locked = pins.get(canonicalize_name(wanted.name), [])
            # A lock has several versions of what differs from one Python to the next.
            if not any(wanted.specifier.contains(version, prereleases=True) for version in locked):
                where = " or ".join(f"requirements/{name}.lock" for name in files)
                yield f"{where}: expected {wanted}; got {', '.join(locked) or 'nothing'}; run tools/lock.py"


def _pins(root: Path, names: Sequence[str]) -> Iterator[Requirement]:
    """The locked packages of some locks."""
    for name in names:
        text = (root / f"requirements/{name}.lock").read_text(encoding="utf-8")
        yield from (Requirement(line.strip()) for line in PIN.findall(text))


def _version(pin: Requirement) -> str:
    return next(iter(pin.specifier)).version


def _conda(root: Path) -> Iterator[str]:
    """The conda file names the versions that are locked for its Python, as far as it names any."""
    path = "workflow/envs/flexnet.yaml"
    lines = yaml.safe_load((root / path).read_text(encoding="utf-8"))["dependencies"]
    said = {name: version for name, _, version in (line.partition("=") for line in lines)}
    python = {"python_full_version": f"{said.pop('python')}.0"}
    pins = {
        canonicalize_name(pin.name): Version(_version(pin))
        for pin in _pins(root, ("all", "torch"))
        if pin.marker is None or pin.marker.evaluate(python)
    }
    for name, version in said.items():
        locked = pins.get(canonicalize_name(CONDA.get(name, name)))
        if locked is None:
            yield f"{path}: expected packages that are locked; got {name}"
        elif version and locked.release[: len(Version(version).release)] != Version(version).release:
            yield f"{path}: expected {name} {locked}, as it is locked; got {version}"


def _release(root: Path, version: str, tag: str) -> Iterator[str]:
    if tag != f"v{version}":
        yield f"tag: expected v{version}, the version of pyproject.toml; got {tag}"
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    left = text.partition("## [Unreleased]")[2].partition("\n## [")[0]
    if re.search(r"^[*-] ", left, re.MULTILINE):
        yield f"CHANGELOG.md: expected nothing under [Unreleased]; move its entries below [{version}]"
    date = dict(ENTRY.findall(text)).get(version, "")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        yield f"CHANGELOG.md: expected a date, as in '## [{version}] - 2026-01-31'; got {date or 'none'}"


def main(arguments: Sequence[str]) -> int:
    """Print what is wrong."""
    if len(arguments) > 1:
        sys.exit("release: expected at most the name of a tag, such as v1.2.3")
    found = problems(ROOT, *arguments)
    print("\n".join(f"release: {line}" for line in found) or "release: all agrees")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
