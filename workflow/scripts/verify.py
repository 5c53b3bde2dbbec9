"""Train published networks again and compare every row: do they repeat, to the last image?

    python workflow/scripts/verify.py laptop small-baseline:1 hmax-conv:1
    python workflow/scripts/verify.py laptop vgg16-random:1 --folder ../check --cores 2

Each network is named by its model and seed. It is trained and scored in a folder of its own, by the code and
the configuration of this checkout, and compared with every published row of it. The exit status is 0 only if
all rows repeat. Another processor, a GPU, another number of threads or version of PyTorch may round
otherwise: where the provenance names another machine, that is said. So may code whose arithmetic changed
since: then the published rows are older than the code and should be made again.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The package of this checkout, wherever Python is started and whatever else is called flexnet there.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from flexnet.config import inherited, read_yaml, series_of
from flexnet.errors import ConfigError, DataError
from flexnet.families.registry import families, families_of
from flexnet.jobs import run_job
from flexnet.study.circumstances import changed, circumstances
from flexnet.study.hardware import machine
from flexnet.study.joins import rows_file
from flexnet.study.labels import labels_of, tables_below
from flexnet.study.published import config_of, run_of, told_from
from flexnet.study.written import written
from flexnet.tables.columns import CONDITIONS, ROWS, rows_of
from flexnet.tables.frames import read_checked

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
HOME = "verified"  # the scale on the spot that networks are trained at
ROUNDING = ("processor", "gpu", "torch")  # what else decides how numbers are rounded


@dataclass(frozen=True)
class Subject:
    """A published table that holds rows of a network, and the file that they come from when made again."""

    model: str
    seed: int
    table: Path
    made: str
    family: str


def subjects(scale: str, networks: Sequence[str]) -> Iterator[Subject]:
    """What to make again for networks that are named `model:seed`.

    Raises:
        ConfigError: if a network is not named so, or no published table holds it.
    """
    figures = read_yaml(ROOT / "config/figures.yaml")
    folder = ROOT / "published" / scale
    for network in networks:
        model, _, seed = network.partition(":")
        if not seed.isdigit():
            raise ConfigError(f"network: expected model:seed, such as hmax-conv:1; got {network!r}")
        found = list(_of_network(folder, figures, model, int(seed)))
        if not found:
            raise ConfigError(f"{network}: expected a network with rows below {folder}; there are none of it")
        yield from found


def _of_network(folder: Path, figures: dict[str, Any], model: str, seed: int) -> Iterator[Subject]:
    for table in tables_below(folder):
        protocol, name = labels_of(table)
        figure = figures.get(name)
        if figure is None or model not in series_of(figure, protocol).values():
            continue
        rows = read_checked(table, ROWS)
        if not ((rows["model"] == model) & (rows["seed"] == seed)).any():
            continue
        for family in families_of(figure):
            made = rows_file(family, f"{HOME}/", protocol, model, seed)
            yield Subject(model, seed, table, made, family.name)


def require_same_settings(scale: str, subject: Subject) -> None:
    """Check that the network is configured as when its rows were published.

    Raises:
        ConfigError: naming the parts that differ.
    """
    today = inherited(written(ROOT, scale))
    protocol, figure = labels_of(subject.table)
    then = config_of(ROOT / "published" / scale, protocol, figure, today)
    family = families()[subject.family]
    with told_from(ROOT / "published" / scale):
        # What a protocol of that time did not say to a family was said in its code.
        asking = [family] if family.applies(then["protocols"][protocol]) else []
        before = circumstances(then, protocol, [subject.model], asking)
    other = changed(before, circumstances(today, protocol, [subject.model], asking))
    if other:
        raise ConfigError(
            f"{subject.model}: expected it to be configured as when it was published; other by now:"
            f" {'; '.join(other)}; check out the commit that its provenance names, or publish anew"
        )


def make(scale: str, wanted: Sequence[Subject], folder: Path, cores: int) -> None:
    """Train and score the networks in a folder.

    Raises:
        DataError: if a job fails.
    """
    seeds: dict[str, int] = {}
    for subject in wanted:
        seeds[subject.model] = max(subject.seed, seeds.get(subject.model, 0))
    models = ", ".join(f"{model}: {{seeds: {seed}}}" for model, seed in seeds.items())
    only = sorted({subject.seed for subject in wanted})
    like = "" if scale == "paper" else f"like: {scale}, "
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += sorted({subject.made for subject in wanted})
    command += ["--directory", str(folder), "--cores", str(cores), "--quiet", "rules", "host"]
    command += ["--config", f"scales={{{HOME}: {{{like}models: {{{models}}}}}}}", f"only_seeds={only}"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise DataError(f"{folder}: expected all jobs to succeed; see their messages above")


def differences(subject: Subject, folder: Path) -> tuple[int, list[str]]:
    """Number of published rows of a network, and a line for each that does not repeat."""
    published = read_checked(subject.table, ROWS)
    if "family" in published.columns:
        published = published[published["family"] == subject.family]
    again = read_checked(folder / subject.made, rows_of(families()[subject.family]))
    conditions = [name for name in CONDITIONS if name in published.columns and name in again.columns]
    expected, found = (_answers(rows, subject, conditions) for rows in (published, again))
    lines = []
    for condition, answers in expected.items():
        where = ", ".join(f"{name} {value}" for name, value in zip(conditions, condition, strict=True))
        if found.get(condition) != answers:
            got = "no row" if condition not in found else "{1} of {0}".format(*found[condition])
            lines.append(f"{where}: {answers[1]} of {answers[0]} published, {got} now")
    return len(expected), lines


def elsewhere(scale: str, subject: Subject) -> list[str]:
    """In what the machine that made a published table differs from this one, where that decides roundings."""
    network = subject.model, subject.seed
    run, here = run_of(ROOT / "published" / scale, *labels_of(subject.table), network) or {}, machine()
    told = run.get("machine")
    there = told if isinstance(told, dict) else {}
    return [
        f"{key} {there[key]}, here {here[key]}" for key in ROUNDING if there.get(key, here[key]) != here[key]
    ]


def _answers(rows: "pd.DataFrame", subject: Subject, conditions: list[str]) -> dict[Any, tuple[int, int]]:
    """Images and right answers of one network by condition; one network may stand in several series."""
    own = rows[(rows["model"] == subject.model) & (rows["seed"] == subject.seed)]
    keys = own[conditions].itertuples(index=False, name=None)
    return {
        key: (int(n), int(correct)) for key, n, correct in zip(keys, own["n"], own["correct"], strict=True)
    }


def verify(scale: str, networks: Sequence[str], folder: Path, cores: int) -> None:
    """Make networks again and say of each published table whether its rows repeat.

    Raises:
        ConfigError: if a network is not published, or configured otherwise by now.
        DataError: if a row does not repeat.
    """
    wanted = list(subjects(scale, networks))
    for subject in wanted:
        require_same_settings(scale, subject)
    make(scale, wanted, folder, cores)
    broken, others = 0, set[str]()
    for subject in wanted:
        count, lines = differences(subject, folder)
        name = f"{subject.model} seed {subject.seed}, {subject.table.relative_to(ROOT)}"
        print(f"{name}: {count - len(lines)} of {count} rows repeat")
        for line in lines[:5]:
            print(f"  {line}")
        broken += len(lines)
        others.update(elsewhere(scale, subject) if lines else ())
    if broken:
        hint = (
            f"some were made elsewhere ({'; '.join(sorted(others))}), where numbers may be rounded otherwise:"
            " verify networks that were made on such a machine as this one"
            if others
            else "their provenance names no other machine, so the arithmetic changed since: make the rows"
            " again and publish them"
        )
        raise DataError(f"expected every published row to repeat; {broken} do not; {hint}")


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scale", help="name of the published scale")
    parser.add_argument("networks", nargs="+", help="model:seed of each network to make again")
    parser.add_argument("--folder", type=Path, help="where (default: a temporary folder)")
    parser.add_argument("--cores", type=int, default=1, help="CPU cores")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.folder or Path(temporary)).resolve()
        return run_job("verify", None, lambda: verify(given.scale, given.networks, folder, given.cores))


if __name__ == "__main__":
    sys.exit(main())
