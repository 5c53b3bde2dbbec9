"""Print what makes jobs run again, as the documentation shows it; the tests try every line.

With `--measure`, write into docs/reruns.md how long a plan of everything takes and what ten typical edits
make run again. Nothing is trained for that: in a copy of this checkout empty files stand for finished ones,
and Snakemake takes note of them as made.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
WORDS = {
    "prepare_data": "data",
    "choose_subset": "choice of images",
    "train": "training",
    "evaluate": "evaluation",
    "collect_rows": "rows",
    "describe": "descriptions",
    "draw_figure": "figures",
    "judge_claims": "ledger of claims",
}
PAGE = ROOT / "docs/reruns.md"
MARK = "<!-- measured -->"  # what follows it on the page is replaced
PARTS = ("Snakefile", "workflow", "config", "profiles", "flexnet")
# Shards that stand for the real ones: of their names alone a plan takes note.
SHARDS = {
    **dict.fromkeys(("cifar10", "fashion_mnist", "mnist"), ("train", "test")),
    "imagenette": ("train", "val"),
    "cifar10g": tuple(
        f"{style}{ending}"
        for style in ("contours", "line_drawings", "silhouettes")
        for ending in ("", "_inverted")
    ),
}


def table(changes: dict[str, dict[str, Any]]) -> str:
    """The table as Markdown: a change, and what runs again."""
    lines = [f"| {change} | {runs_again(told)} |" for change, told in changes.items()]
    return "\n".join(["| change of | what runs again |", "| --- | --- |", *lines])


def runs_again(told: dict[str, Any]) -> str:
    """The kinds of jobs that run again, in words."""
    return ", ".join(WORDS[rule] for rule in told.get("runs", {})) or "nothing"


def typical() -> dict[str, dict[str, Any]]:
    """The ten edits that people make."""
    text = (ROOT / "tools/typical.yaml").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return found


class Finished:
    """A copy of this checkout in which some targets count as finished."""

    def __init__(self, folder: Path, *targets: str) -> None:
        self.folder, self.targets = folder, targets
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
            copy(ROOT / part, folder / part)
        for name, splits in SHARDS.items():
            for split in splits:
                path = folder / f"mirror/{name}/{split}-00000-of-00001.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()

    def snakemake(self, *arguments: str) -> str:
        """What Snakemake prints.

        Raises:
            RuntimeError: with that, if it fails.
        """
        foreign = ("FLEXNET_", "SNAKEMAKE_", "PYTHON")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        mirror = {"FLEXNET_DATA_MIRROR": str(self.folder / "mirror"), "PYTHONPATH": str(self.folder)}
        command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments, "--", *self.targets]
        done = subprocess.run(
            command, cwd=self.folder, env=kept | mirror, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def finish(self) -> None:
        """Let empty files stand for everything that the targets need."""
        for line in self.snakemake("--dry-run", "--summary").splitlines():
            cells = line.split("\t")
            if len(cells) > 4 and cells[0] != "output_file":
                path = self.folder / cells[0]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        self.snakemake("--touch", "--forceall")

    def plan(self) -> dict[str, int]:
        """Number of jobs of each rule that would run; those that only stand for others are left out."""
        said = self.snakemake("--dry-run")
        stats = said.partition("Job stats:")[2].partition("\n\n")[0]
        counts = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", stats, re.MULTILINE)}
        return {rule: counts[rule] for rule in WORDS if rule in counts}

    @contextmanager
    def edited(self, file: str, old: str, new: str) -> Iterator[None]:
        """Replace the first of some text in a file for a while.

        Raises:
            ValueError: if the text is not there.
        """
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        if old not in text:
            raise ValueError(f"{file}: expected {old!r} in it; there is none; correct tools/typical.yaml")
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")


def measured(finished: Finished) -> tuple[dict[str, int], float]:
    """The plan of what is there, and the seconds of one processor that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    counts = finished.plan()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return counts, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measured_page() -> str:
    """What docs/reruns.md says of plans and edits: measured now, on this machine."""
    with TemporaryDirectory() as folder:
        finished = Finished(Path(folder), "all")
        finished.plan()  # reads all modules, which later plans find read
        everything, seconds = measured(finished)
        finished.finish()
        nothing, again = measured(finished)
        rows = []
        for name, told in typical().items():
            with finished.edited(*told["edit"]):
                rows.append(f"| {name} | {told['says']} | {_told(finished.plan())} |")
    total = sum(everything.values())
    return MEASURED.format(
        seconds=seconds,
        total=f"{total:,}",
        everything=_told(everything),
        again=again,
        nothing=_told(nothing),
        rows="\n".join(rows),
    )


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {WORDS[rule]}" for rule, count in counts.items()) or "nothing"


MEASURED = """
## How long a plan takes

Measured by `python tools/reruns.py --measure`, as the next table: at the papers' scale, under every protocol,
in seconds of one processor core.

| plan | seconds | jobs that would run |
| --- | --- | --- |
| everything, nothing is there yet | {seconds:.1f} | {total}: {everything} |
| everything is there and nothing was edited | {again:.1f} | {nothing} |

## Ten typical edits

Each is made where everything at the papers' scale is finished; the tests make them where two figures are. A
plan says at most what runs: a job whose inputs come out as they were before is not run after all.

| edit | in words | what runs again |
| --- | --- | --- |
{rows}
"""


if __name__ == "__main__":
    if sys.argv[1:] == ["--measure"]:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(text.partition(MARK)[0] + f"{MARK}\n{measured_page()}", encoding="utf-8")
    elif sys.argv[1:]:
        sys.exit("usage: python tools/reruns.py [--measure]")
    else:
        print(table(yaml.safe_load((ROOT / "tests/workflow/reruns.yaml").read_text(encoding="utf-8"))))
