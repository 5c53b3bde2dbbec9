"""Keep the rows of a finished scale in published/<scale>/, with their provenance.

    python workflow/scripts/publish.py laptop "snakemake laptop --cores 2"
    python workflow/scripts/publish.py laptop "snakemake laptop/figures/fig3.pdf --cores 2" fig3

Figures are then redrawn from them without training: `snakemake published/laptop/figures/fig4c.pdf`.
Rows published earlier stay with the provenance of their own run, unless this one replaces them.
"""

import argparse
import csv
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flexnet.config import lay_over, read_yaml
from flexnet.errors import ConfigError
from flexnet.files import atomic_path, read_json, write_json
from flexnet.jobs import run_job
from flexnet.statistics.columns import ROWS
from flexnet.statistics.values import read_values

ROOT = Path(__file__).resolve().parent.parent.parent


def rows_of(home: Path, figures: Sequence[str]) -> list[Path]:
    """Files of rows of some figures (all if none is named) below a scale's directory.

    Raises:
        ConfigError: if there are none of a figure.
    """
    files = sorted(home.glob("results/rows/*/*.csv"))
    for figure in figures or [""]:
        if not any(figure in ("", path.stem) for path in files):
            raise ConfigError(
                f"{home}/results/rows: expected rows of {figure or 'finished figures'}; got none; "
                "run the scale first"
            )
    return [path for path in files if not figures or path.stem in figures]


def models_of(files: Sequence[Path]) -> set[str]:
    """Models that rows are of, after a check of every row: what is published is not damaged.

    Raises:
        DataError: naming the file, the line and what is wrong with it.
    """
    return {str(model) for path in files for model in read_values(path, ROWS).values["model"]}


def processor() -> str:
    """Name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def machine() -> dict[str, Any]:
    """Describe this machine and its software."""
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    packages = ("torch", "numpy", "snakemake", "matplotlib")
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(pages * page / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def wall_seconds(home: Path, models: Collection[str]) -> dict[str, dict[str, float]]:
    """Number of jobs and summed seconds of each kind of job and model, from their benchmarks."""
    sums: dict[str, dict[str, float]] = {}
    for path in sorted(home.glob("logs/*/**/*.benchmark.tsv")):
        parts = str(path.relative_to(home / "logs")).removesuffix(".benchmark.tsv").split("/")
        name = "/".join(part for part in parts if not part.startswith("seed"))
        if name.split("/")[-1] not in models:
            continue
        with path.open(encoding="utf-8") as stream:
            seconds = float(next(csv.DictReader(stream, delimiter="\t"))["s"])
        entry = sums.setdefault(name, {"jobs": 0, "seconds": 0.0})
        entry["jobs"] += 1
        entry["seconds"] = round(entry["seconds"] + seconds, 1)
    return sums


def commit() -> str:
    """Commit of the code, marked if files of the tree have changes; rows published before do not count."""
    changes = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!published")
    return git("rev-parse", "HEAD") + ("-dirty" if changes else "")


def git(*arguments: str) -> str:
    """Output of a git command in the checkout."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def copy_rows(files: Sequence[Path], home: Path, target: Path) -> dict[str, str]:
    """Copy tables of rows; return the SHA-256 of each by its path below the target."""
    digests = {}
    for source in files:
        place = source.relative_to(home)
        with atomic_path(target / place) as temporary:
            shutil.copyfile(source, temporary)
        digests[str(place)] = hashlib.sha256((target / place).read_bytes()).hexdigest()
    return digests


def earlier_runs(provenance: Path, replaced: Collection[str]) -> list[dict[str, Any]]:
    """Runs published before, without the tables that are replaced now."""
    runs = read_json(provenance)["runs"] if provenance.exists() else []
    for run in runs:
        run["sha256"] = {table: digest for table, digest in run["sha256"].items() if table not in replaced}
    return [run for run in runs if run["sha256"]]


def publish(scale: str, command: str, figures: Sequence[str]) -> None:
    """Copy the rows and write the provenance; say what was kept."""
    home = ROOT if scale == "paper" else ROOT / scale
    layer = {} if scale == "paper" else read_yaml(ROOT / f"config/scales/{scale}.yaml")
    files, target = rows_of(home, figures), ROOT / "published" / scale
    models = models_of(files)
    digests = copy_rows(files, home, target)
    run = {
        "command": command,
        "commit": commit(),
        "config": lay_over(read_yaml(ROOT / "config/config.yaml"), layer),
        "machine": machine(),
        "wall_time": wall_seconds(home, models),
        "sha256": digests,
    }
    provenance = target / "provenance.json"
    write_json(provenance, {"runs": [*earlier_runs(provenance, digests), run]})
    print(f"published/{scale}: {len(digests)} tables")


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scale", help="name of the scale")
    parser.add_argument("command", help="the command that made the rows")
    parser.add_argument("figures", nargs="*", help="names of the figures whose rows are kept (default: all)")
    given = parser.parse_args()
    return run_job("publish", None, lambda: publish(given.scale, given.command, given.figures))


if __name__ == "__main__":
    sys.exit(main())
