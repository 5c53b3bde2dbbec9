"""Keep the rows of a finished scale in published/<scale>/, with their provenance.

    python workflow/scripts/publish.py laptop "snakemake laptop --cores 2"

Figures are then redrawn from them without training: `snakemake published/laptop/figures/fig4c.pdf`.
"""

import argparse
import csv
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flexnet.config import lay_over, read_yaml
from flexnet.errors import ConfigError
from flexnet.files import write_json
from flexnet.jobs import run_job

ROOT = Path(__file__).resolve().parent.parent.parent


def rows_of(home: Path) -> list[Path]:
    """Files of rows below a scale's directory.

    Raises:
        ConfigError: if there are none.
    """
    files = sorted(home.glob("results/rows/*/*.csv"))
    if not files:
        raise ConfigError(
            f"{home}/results/rows: expected rows of finished figures; got none; run the scale first"
        )
    return files


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


def wall_seconds(home: Path) -> dict[str, dict[str, float]]:
    """Number of jobs and summed seconds of each kind of job and model, from their benchmarks."""
    sums: dict[str, dict[str, float]] = {}
    for path in sorted(home.glob("logs/*/**/*.benchmark.tsv")):
        with path.open(encoding="utf-8") as stream:
            seconds = float(next(csv.DictReader(stream, delimiter="\t"))["s"])
        name = "/".join(path.relative_to(home / "logs").parts[:-1])
        entry = sums.setdefault(name, {"jobs": 0, "seconds": 0.0})
        entry["jobs"] += 1
        entry["seconds"] = round(entry["seconds"] + seconds, 1)
    return sums


def commit() -> str:
    """Commit of the code, marked if the tree has changes."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def publish(scale: str, command: str) -> None:
    """Copy the rows and write the provenance; say what was kept."""
    home = ROOT if scale == "paper" else ROOT / scale
    layer = {} if scale == "paper" else read_yaml(ROOT / f"config/scales/{scale}.yaml")
    target = ROOT / "published" / scale
    digests = {}
    for source in rows_of(home):
        copy = target / source.relative_to(home)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        digests[str(copy.relative_to(target))] = hashlib.sha256(copy.read_bytes()).hexdigest()
    provenance = {
        "command": command,
        "commit": commit(),
        "config": lay_over(read_yaml(ROOT / "config/config.yaml"), layer),
        "machine": machine(),
        "wall_time": wall_seconds(home),
        "sha256": digests,
    }
    write_json(target / "provenance.json", provenance)
    print(f"published/{scale}: {len(digests)} tables")


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scale", help="name of the scale")
    parser.add_argument("command", help="the command that made the rows")
    arguments = parser.parse_args()
    return run_job("publish", None, lambda: publish(arguments.scale, arguments.command))


if __name__ == "__main__":
    sys.exit(main())
