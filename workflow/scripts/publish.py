"""Keep the rows of a finished scale in published/<scale>/, with their provenance.

    python workflow/scripts/publish.py laptop "snakemake laptop --cores 2"
    python workflow/scripts/publish.py laptop "snakemake laptop/figures/fig3.pdf --cores 2" fig3
    python workflow/scripts/publish.py laptop "snakemake laptop --cores 2" --checkout ../long-run
    python workflow/scripts/publish.py laptop "snakemake laptop --config 'only_seeds=[3,4]'" --seeds 3 4

Figures are then redrawn from them without training: `snakemake published/laptop/figures/fig4c.pdf`.
Rows published earlier stay with the provenance of their own run, unless this one replaces them. With
`--seeds`, rows of a run that was kept to some seeds come beside those of others, if all were made in one way.

Rows are taken from one clean commit only, that of the checkout in which they were made: nothing that they
depend on may have changed since, which Snakemake must confirm, and every trained network must carry the
digest of the code of that commit.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# The package of this checkout, wherever Python is started and whatever else is called flexnet there.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from flexnet.config import read_yaml
from flexnet.errors import ConfigError, DataError
from flexnet.families.registry import family_of
from flexnet.files import write_json
from flexnet.jobs import run_job
from flexnet.study.hardware import machine
from flexnet.study.joining import copy_rows, join_rows
from flexnet.study.labels import labels_of, tables_below
from flexnet.study.published import PROVENANCE, runs_of
from flexnet.study.written import written
from flexnet.tables.columns import ROWS
from flexnet.tables.facts import facts_path, read_facts
from flexnet.tables.values import read_values
from flexnet.weights import read_metadata

ROOT = Path(__file__).resolve().parent.parent.parent
# Run in a checkout, it prints the digest of the code that trains each network there.
DIGESTS = """
import json, sys
from flexnet.study.jobs import training_code
networks = json.loads(sys.argv[1])
print(json.dumps({name: training_code(*networks[name]) for name in networks}))
"""


def tables_of(home: Path, figures: Sequence[str], schematics: Collection[str] = ()) -> list[Path]:
    """Files of rows of some figures (all if none is named) below a scale's directory.

    Args:
        home: the directory.
        figures: their names, such as `fig3` or `pushpull/fig1`.
        schematics: figures that show modules: nothing of them was run, so nothing is published.

    Raises:
        ConfigError: if there are none of a figure.
    """
    found = {path: labels_of(path)[1] for path in tables_below(home)}
    found = {path: name for path, name in found.items() if name not in schematics}
    for figure in figures or [""]:
        if not any(figure in ("", name) for name in found.values()):
            raise ConfigError(
                f"{home}/results/rows: expected rows of {figure or 'finished figures'}; got none; "
                "run the scale first"
            )
    return [path for path, name in found.items() if not figures or name in figures]


def schematics_of(figures: Mapping[str, Any]) -> set[str]:
    """Names of the figures of a registry that show modules."""
    return {name for name, row in figures.items() if family_of(row["family"]).subject == "modules"}


def networks_of(files: Sequence[Path]) -> dict[str, set[int]]:
    """Models that rows are of, and their seeds, after a check of every row: what is published is not damaged.

    Raises:
        DataError: naming the file, the line and what is wrong with it.
    """
    found: dict[str, set[int]] = {}
    for path in files:
        for model, seed in read_values(path, ROWS).keys(["model", "seed"]):
            found.setdefault(str(model), set()).add(int(str(seed)))
    return found


def wall_seconds(home: Path, networks: Mapping[str, Collection[int]]) -> dict[str, dict[str, float]]:
    """Number of jobs and summed seconds of each kind of job for the seeds of a model, by benchmarks."""
    sums: dict[str, dict[str, float]] = {}
    for path in sorted(home.glob("logs/*/**/*.benchmark.tsv")):
        model, job = path.parent.name, path.name.removesuffix(".benchmark.tsv")
        if model not in networks or job not in {"all", *(f"seed{seed}" for seed in networks[model])}:
            continue
        with path.open(encoding="utf-8") as stream:
            seconds = float(next(csv.DictReader(stream, delimiter="\t"))["s"])
        entry = sums.setdefault(str(path.parent.relative_to(home / "logs")), {"jobs": 0, "seconds": 0.0})
        entry["jobs"] += 1
        entry["seconds"] = round(entry["seconds"] + seconds, 1)
    return sums


def run_in(checkout: Path, *command: str) -> str:
    """Output of a command in a checkout, by the checkout's own package; Snakemake's log counts as its own.

    Raises:
        DataError: if the command fails.
    """
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise DataError(f"{checkout}: expected `{' '.join(command[:4])} ...` to succeed; got: {last}")
    return (done.stdout if "snakemake" not in command else done.stdout + done.stderr).strip()


def commit(checkout: Path) -> str:
    """Commit of a checkout; rows published before do not count as a change.

    Raises:
        DataError: if files of the tree have changes, so that no commit says what made the rows.
    """
    changes = run_in(checkout, "git", "status", "--porcelain", "--", ".", ":!published")
    if changes:
        raise DataError(
            f"{checkout}: expected a clean commit; got changes in\n{changes}\ncommit them and let the scale"
            " run again, or run it in a clone of its own"
        )
    return run_in(checkout, "git", "rev-parse", "HEAD")


def require_current(checkout: Path, files: Sequence[Path], seeds: Collection[int] = ()) -> None:
    """Let Snakemake confirm that rows come from the code, settings and images of the checkout as it is.

    Raises:
        DataError: if it would run a job again.
    """
    names = [str(path.relative_to(checkout)) for path in files]
    kept = ["--config", f"only_seeds={sorted(seeds)}".replace(" ", "")] if seeds else []
    plan = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", *names, *kept]
    if "Nothing to be done" not in run_in(checkout, *plan):
        raise DataError(
            f"{checkout}: expected rows of this commit; Snakemake would make some of them again: see"
            f" `snakemake --dry-run {' '.join(names)}`; run the scale and publish then"
        )


def trained_by(home: Path, networks: Mapping[str, Collection[int]]) -> dict[str, dict[str, Any]]:
    """What trained networks, seeds by model, say of themselves: code, images per seed, resumed seeds.

    Raises:
        DataError: if the seeds of a model were trained by different code, or say nothing of it.
    """
    found = {}
    for model in sorted(networks):
        folder = home / "results/models" / model
        told = {
            f"seed{seed}": read_metadata(folder / f"seed{seed}.safetensors")
            for seed in sorted(networks[model])
        }
        codes = {metadata.get("code", "") for metadata in told.values()}
        if len(codes) != 1 or not all(codes):
            raise DataError(f"{home}: expected all seeds of {model} from one state of the code; got {codes}")
        first = next(iter(told.values()))
        said: dict[str, Any] = {
            key: first[key] for key in ("network", "options", "recipe", "checkpoint") if key in first
        }
        found[model] = {
            **said,
            "code": codes.pop(),
            "data": {seed: metadata.get("data") for seed, metadata in told.items()},
            "resumed": [seed for seed in told if "resuming after" in log_of(home, model, seed)],
        }
    return found


def log_of(home: Path, model: str, seed: str) -> str:
    """Log of a training job, empty if there is none."""
    path = home / f"logs/train/{model}/{seed}.log"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def require_code(checkout: Path, trained: dict[str, dict[str, Any]]) -> None:
    """Check that networks were trained by the code of the checkout.

    Raises:
        DataError: naming the model, the digest that it carries and that of the code.
    """
    networks = {
        model: [told["network"], json.loads(told["options"]), json.loads(told["recipe"])]
        for model, told in trained.items()
        if "recipe" in told
    }
    digests = json.loads(run_in(checkout, sys.executable, "-c", DIGESTS, json.dumps(networks)))
    for model, digest in digests.items():
        if trained[model]["code"] != digest:
            raise DataError(
                f"{model}: expected networks trained by the code of {checkout}, digest {digest}; got"
                f" {trained[model]['code']}; let the scale run again"
            )


def kept_runs(
    runs: Sequence[dict[str, Any]], made: Mapping[str, str], *, joined: bool
) -> list[dict[str, Any]]:
    """Runs published before, without tables that are replaced now, or with what they became by joining."""
    for run in runs:
        tables = run["sha256"].items()
        run["sha256"] = {
            table: made.get(table, digest) for table, digest in tables if joined or table not in made
        }
    return [run for run in runs if run["sha256"]]


def other_code(kept: Sequence[Mapping[str, Any]], run: Mapping[str, Any]) -> Iterator[str]:
    """Networks whose other seeds, in the tables of this run, come from another state of the training code."""
    for earlier in kept:
        if set(earlier["sha256"]) & set(run["sha256"]):
            for model, told in run["networks"].items():
                code = earlier.get("networks", {}).get(model, told)["code"]
                if code != told["code"]:
                    yield (
                        f"{model}: seeds of commit {earlier['commit'][:7]} were trained by other code, digest"
                        f" {code}, than these, {told['code']}; the provenance tells both"
                    )


def publish(
    scale: str, command: str, figures: Sequence[str], checkout: Path = ROOT, seeds: Collection[int] = ()
) -> None:
    """Copy the rows that were made in a checkout and write the provenance; say what was kept.

    Args:
        scale: whose rows they are.
        command: that made them.
        figures: whose rows are kept; all if none is named.
        checkout: where they were made.
        seeds: training seeds that the run was kept to, of which published tables grow; none if it had all.

    Raises:
        ConfigError: if a figure has no rows.
        DataError: if the rows are not those of the checkout's commit, or not made as those that they join.
    """
    home = checkout if scale == "paper" else checkout / scale
    target, registry = ROOT / "published" / scale, read_yaml(checkout / "config/figures.yaml")
    earlier = runs_of(target)  # read before anything is written: a damaged file stops here
    made_at, files = commit(checkout), tables_of(home, figures, schematics_of(registry))
    require_current(checkout, files, seeds)
    networks = networks_of(files)
    trained = trained_by(home, networks)
    require_code(checkout, trained)
    config = written(checkout, scale)
    told = [facts_path(path) for path in files]
    for path in told:
        read_facts(path)
    if seeds:
        digests = join_rows(files, home, target, config, registry)
    else:
        digests = copy_rows([*files, *told], home, target)
    run = {
        "command": command,
        "commit": made_at,
        "config": config,
        "machine": machine(),
        "networks": trained,
        "wall_time": wall_seconds(home, networks),
        "sha256": digests,
    }
    kept = kept_runs(earlier, digests, joined=bool(seeds))
    write_json(target / PROVENANCE, {"runs": [*kept, run]})
    for line in other_code(kept, run):
        print(line)
    print(f"published/{scale}: {len(files)} tables")


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scale", help="name of the scale")
    parser.add_argument("command", help="the command that made the rows")
    parser.add_argument("figures", nargs="*", help="names of the figures whose rows are kept (default: all)")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="where they were made (default: here)")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=(), help="the run was kept to these: add them"
    )
    given = parser.parse_args()
    told = given.scale, given.command, given.figures, given.checkout.resolve(), given.seeds
    return run_job("publish", None, lambda: publish(*told))


if __name__ == "__main__":
    sys.exit(main())
