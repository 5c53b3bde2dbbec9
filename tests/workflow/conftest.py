"""Copies of the workflow in which Snakemake runs, so that no test touches this checkout."""

import compileall
import json
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from flexnet.readings import Readings

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "workflow", "config", "profiles", "flexnet", "published")
SECONDS = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        here = item.path.parent == Path(__file__).parent
        if here and {"project", "finished", "new_project"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("workflow")


@dataclass(frozen=True)
class Project:
    """A copy of what a checkout holds, with nothing made yet."""

    folder: Path

    @classmethod
    def copy(cls, folder: Path) -> "Project":
        for part in filter(lambda name: (ROOT / name).exists(), PARTS):
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(ROOT / part, folder / part)
        for made in folder.glob("published/*/figures"):
            shutil.rmtree(made)
        # Once here instead of in each of its jobs; by content, because an edit may be as quick as a clock.
        compiled = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(folder / "flexnet", quiet=1, invalidation_mode=compiled)
        keep_readings(folder)
        return cls(folder)

    @property
    def environment(self) -> dict[str, str]:
        """The caller's, without its settings for flexnet; the copy's package precedes the installed one."""
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("FLEXNET_", "SNAKEMAKE_"))
        }
        return kept | {"PYTHONPATH": str(self.folder)}

    def run(
        self, *command: str, folder: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy or another folder; standard error joins standard output."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=folder or self.folder,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def snakemake(
        self, *arguments: str, folder: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake, like `run` but from a process that has imported it."""
        request = {
            "arguments": ["--cores", "2", *arguments],
            "folder": str(folder or self.folder),
            "environment": self.environment | variables,
            "seconds": SECONDS,
        }
        with tempfile.NamedTemporaryFile("r", encoding="utf-8") as output:
            waiting = starter()
            print(json.dumps(request | {"output": output.name}), file=waiting.stdin, flush=True)
            code = int(waiting.stdout.readline())
            return subprocess.CompletedProcess(request["arguments"], code, output.read())

    def plan(self, *arguments: str) -> dict[str, int]:
        """Number of jobs of each rule that Snakemake would run."""
        return self.make("--dry-run", *arguments)

    def make(self, *arguments: str) -> dict[str, int]:
        """Run Snakemake, which must succeed without a warning; number of jobs of each rule."""
        done = self.snakemake(*arguments)
        assert done.returncode == 0, done.stdout
        for complaint in ("Warning", "Traceback", "no GPU found"):
            assert complaint not in done.stdout, done.stdout
        return self.counts(done.stdout)

    @staticmethod
    def counts(output: str) -> dict[str, int]:
        """Number of jobs of each rule that Snakemake's output tells."""
        return job_counts(output)

    @contextmanager
    def edited(self, file: str, old: str, new: str) -> Iterator[None]:
        """Replace the first `old` in a file, and put the file back afterwards."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} does not hold {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")

    @contextmanager
    def added(self, file: str, text: str) -> Iterator[None]:
        """Write a new file, and remove it afterwards."""
        path = self.folder / file
        assert not path.exists()
        path.write_text(text, encoding="utf-8")
        try:
            yield
        finally:
            path.unlink()


@cache
def starter() -> subprocess.Popen[str]:
    """The process that starts Snakemake for all copies; it ends when its input does."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("warm.py"))], stdin=pipe, stdout=pipe, text=True
    )


@pytest.fixture(scope="session", autouse=True)
def starter_ends() -> Iterator[None]:
    yield
    if starter.cache_info().currsize:
        with starter():
            pass


def keep_readings(folder: Path) -> None:
    """Read the modules once for all copies, as a checkout that has been used holds them."""
    found = Readings()
    found.use(folder / ".snakemake/cache/readings.json")
    for path in (ROOT / "flexnet").rglob("*.py"):
        found.of(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    found.keep()


def job_counts(output: str) -> dict[str, int]:
    """Read Snakemake's table of jobs by rule; empty if there is nothing to do."""
    if "Job stats:" not in output:
        assert "Nothing to be done" in output, output
        return {}
    lines = output.split("Job stats:")[-1].split("\n\n")[0].splitlines()[3:]
    counts = {rule: int(count) for rule, count in (line.split() for line in lines)}
    assert counts.pop("total") == sum(counts.values())
    return counts


@pytest.fixture(scope="session")
def new_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Project]:
    """Make a fresh copy."""
    template = Project.copy(tmp_path_factory.mktemp("template")).folder

    def make() -> Project:
        folder = tmp_path_factory.mktemp("project")
        shutil.copytree(template, folder, dirs_exist_ok=True)
        return Project(folder)

    return make


@pytest.fixture(scope="module")
def project(new_project: Callable[[], Project]) -> Project:
    """A clean copy that the tests of a module share; none of them makes anything in it."""
    return new_project()
