"""Run the steps of the Containerfile in an empty folder, without an engine: `python tools/container.py`.

Folders of the image become folders of the empty one, the base image becomes the Python that runs this, which
must be of the same version. Whatever the file copies, runs and starts is copied, run and started, so that a
step that an engine would fail at fails here, but for what the base image itself lacks.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FROM = re.compile(r"\S*python:(\d+\.\d+)\S*")


def steps(text: str) -> Iterator[tuple[str, str]]:
    """The instructions of a Containerfile with what follows them; continued lines are joined."""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


def context(root: Path) -> list[str]:
    """The folders and files that .dockerignore leaves of a checkout.

    Raises:
        SystemExit: if it does not begin with all, or names what is not there.
    """
    lines = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    kept = [rule.removeprefix("!/") for rule in rules if rule.startswith("!/")]
    lacking = [name for name in kept if not (root / name).exists()]
    if rules[:1] != ["*"] or lacking:
        sys.exit(
            f"container: .dockerignore: expected `*` and then what is kept and exists; missing: {lacking}"
        )
    return kept


@dataclass
class Image:
    """What the steps have made so far.

    Attributes:
        root: the checkout.
        base: the empty folder, which stands for the root of the image.
        folder: the working directory in the image.
        environment: variables.
        entry: the command that it starts.
    """

    root: Path
    base: Path
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    entry: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)

    def step(self, word: str, rest: str) -> None:
        """Take one step.

        Raises:
            SystemExit: if it fails, or is none of those that are known here.
        """
        known = {name: getattr(self, f"_{name.lower()}") for name in KNOWN}
        if word not in known:
            sys.exit(f"container: expected one of {sorted(known)}; got {word}")
        print(f"container: {word} {rest}", flush=True)
        known[word](rest)

    def placed(self, text: str) -> str:
        """A text with the folders of the image as they are here."""
        for folder in sorted(self.folders, key=len, reverse=True):
            text = re.sub(rf"(?<![\w./]){re.escape(folder)}(?![\w-])", f"{self.base}{folder}", text)
        return text

    def run(self, command: Sequence[str]) -> None:
        """Run a command in the working directory.

        Raises:
            SystemExit: if it fails.
        """
        where = self.base / self.folder.lstrip("/")
        program = shutil.which(command[0], path=self.environment["PATH"]) or command[0]
        done = subprocess.run([program, *command[1:]], cwd=where, env=self.environment, check=False)
        if done.returncode:
            sys.exit(f"container: expected `{' '.join(command)}` to succeed; it ended with {done.returncode}")

    def _from(self, rest: str) -> None:
        wanted, here = FROM.fullmatch(rest), f"{sys.version_info.major}.{sys.version_info.minor}"
        if wanted is None or wanted[1] != here:
            sys.exit(f"container: FROM: expected an image of Python {here}, which runs this; got {rest}")

    def _workdir(self, rest: str) -> None:
        self.folder = rest
        self.folders.append(rest)
        (self.base / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _copy(self, rest: str) -> None:
        if rest != ". .":
            sys.exit(f"container: COPY: expected `. .`; got {rest}")
        ignored = shutil.ignore_patterns("__pycache__", "figures", "logs")
        for name in context(self.root):
            source, target = self.root / name, self.base / self.folder.lstrip("/") / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=ignored if name == "published" else CACHES)
            else:
                shutil.copy2(source, target)

    def _run(self, rest: str) -> None:
        self.run(["sh", "-ec", self.placed(rest)])

    def _env(self, rest: str) -> None:
        name, _, value = rest.partition("=")
        value = self.placed(value.strip('"'))
        self.environment[name] = re.sub(r"\$(\w+)", lambda known: self.environment.get(known[1], ""), value)

    def _entrypoint(self, rest: str) -> None:
        self.entry = [self.placed(word) for word in json.loads(rest)]

    def _cmd(self, rest: str) -> None:
        self.run([*self.entry, *(self.placed(word) for word in json.loads(rest))])


KNOWN = ("FROM", "WORKDIR", "COPY", "RUN", "ENV", "ENTRYPOINT", "CMD")
CACHES = shutil.ignore_patterns("__pycache__")


def built(root: Path, base: Path) -> Image:
    """Take every step of a checkout's Containerfile in an empty folder."""
    image = Image(root, base)
    for word, rest in steps((root / "Containerfile").read_text(encoding="utf-8")):
        image.step(word, rest)
    return image


def main() -> None:
    """Build, and then start what was built with another command than its own."""
    with tempfile.TemporaryDirectory() as folder:
        image = built(ROOT, Path(folder))
        image.run([*image.entry, "published/laptop/figures/fig4c.pdf", "--cores", "1"])
    print("container: all steps succeed")


if __name__ == "__main__":
    main()
