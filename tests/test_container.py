"""The container file: its steps are understood, and what they need is there; CI takes them for real."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

import container
import environment

ROOT = Path(__file__).parents[1]
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def checkout(folder: Path, text: str) -> Path:
    (folder / "Containerfile").write_text(text)
    (folder / ".dockerignore").write_text("# a comment\n*\n!/kept\n!/file\n**/__pycache__\n")
    (folder / "kept/__pycache__").mkdir(parents=True)
    (folder / "kept/inside").write_text("inside\n")
    (folder / "file").write_text("file\n")
    (folder / "other").write_text("other\n")
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "base").mkdir()
    return tmp_path / "base"


def test_steps_are_taken_in_their_folders_with_their_variables(tmp_path: Path, base: Path) -> None:
    text = (
        f"# a comment\nFROM docker.io/library/python:{HERE}-slim\nWORKDIR /opt/it\nCOPY . .\n"
        'RUN cat file \\\n  kept/inside > both\nENV PLACE="/opt/it/bin:$HOME"\nWORKDIR /work\n'
        'RUN echo "$PLACE" > place && cp /opt/it/both .\n'
        'ENTRYPOINT ["sh", "-c"]\nCMD ["touch started"]\n'
    )
    image = container.built(checkout(tmp_path, text), base)
    assert sorted(path.name for path in (base / "opt/it").iterdir()) == ["both", "file", "kept"]
    assert [path.name for path in (base / "opt/it/kept").iterdir()] == ["inside"]
    assert (base / "work/both").read_text() == "file\ninside\n"
    assert (base / "work/place").read_text() == f"{base}/opt/it/bin:{image.environment['HOME']}\n"
    assert (base / "work/started").is_file()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("RUN exit 3\n", r"expected `sh -ec exit 3` to succeed; it ended with 3"),
        ("RUN false; true\n", r"ended with 1"),
        ("ADD https://example.org .\n", r"expected one of .*'WORKDIR'\]; got ADD"),
        ("COPY a b\n", r"COPY: expected `\. \.`; got a b"),
        ("FROM python:2.7\n", rf"FROM: expected an image of Python {HERE}.*; got python:2\.7"),
        ('ENTRYPOINT ["sh"]\nCMD ["-c", "exit 4"]\n', r"ended with 4"),
    ],
)
def test_a_step_that_fails_or_is_unknown_stops(text: str, told: str, tmp_path: Path, base: Path) -> None:
    with pytest.raises(SystemExit, match=told):
        container.built(checkout(tmp_path, text), base)


def test_a_context_without_what_it_names_stops(tmp_path: Path) -> None:
    folder = checkout(tmp_path, "")
    (folder / "file").unlink()
    with pytest.raises(SystemExit, match=r"missing: \['file'\]"):
        container.context(folder)


def test_the_container_holds_what_the_environment_and_the_workflow_need() -> None:
    kept = container.context(ROOT)
    needed = {
        "Snakefile",
        "workflow",
        "config",
        "profiles",
        "flexnet",
        "published",
        "pyproject.toml",
        "tools",
    }
    # What pyproject.toml names, without which the package cannot be installed.
    assert needed | {"README.md", "LICENSE"} <= set(kept)
    assert {path.relative_to(ROOT).parts[0] for path in environment.LOCKS.values()} <= set(kept)
    known = [word for word, _ in container.steps((ROOT / "Containerfile").read_text(encoding="utf-8"))]
    assert set(known) <= set(container.KNOWN)
    assert known[0] == "FROM"
    assert known[-1] == "CMD"
