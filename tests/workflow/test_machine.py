"""This machine: each job on a GPU of its own, what is typed, and places that cannot be written."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from read_only import read_only_folder

# In the place of the real stages: it takes its time and writes when it ran, and on which card.
STUB = """\
import sys, time
from pathlib import Path

from flexnet.cards import take_card

stage, given = sys.argv[1], dict(zip(sys.argv[2::2], sys.argv[3::2]))
start = time.time()
if stage == "train":
    card = take_card()
    time.sleep(1)
for key in ("--output", "--weights", "--history"):
    if key in given:
        Path(given[key]).write_text("x")
if stage == "data":
    Path(given["--output"]).with_suffix(".json").write_text("x")
if stage == "train":
    with Path("times").open("a") as stream:
        stream.write(f"{start} {time.time()} {card}\\n")
"""
TRAINED = [f"demo/results/models/{name}/seed1.history.csv" for name in ("vgg16-baseline", "small-baseline")]
MORE = [f"demo/results/models/{name}/seed1.history.csv" for name in ("vgg16-flexible", "vgg16-random")]
TWO_CARDS = """\
echo "GPU 0: NVIDIA H100 (UUID: GPU-aa)"
echo "GPU 1: NVIDIA H100 (UUID: GPU-bb)"
"""


@pytest.fixture(scope="module")
def with_gpu(new_project: Callable[[], Any]) -> Any:
    """A copy on a machine that shows a GPU, whose stages only wait."""
    project = new_project()
    (project.folder / "workflow/scripts/stage.py").write_text(STUB)
    tool = project.folder / "bin/nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    (project.folder / "other").mkdir()
    (project.folder / "other/config.yaml").write_text("resources:\n  - mem_mb=64000\n")
    return project


@pytest.mark.parametrize(
    ("options", "at_once"),
    [
        ([], 1),
        (["--resources", "mem_mb=64000"], 1),
        (["--set-resource-scopes", "mem_mb=local"], 1),
        (["--workflow-profile", "none"], 1),
        (["--profile", "other"], 1),
        (["--resources", "gpu=2"], 2),
        (["--resources", "mem_mb=64000", "gpu=2"], 2),
        (["--config", "device=cpu"], 2),
    ],
    ids=["plain", "memory", "scopes", "no profile", "other profile", "two", "two and memory", "cpu"],
)
def test_two_jobs_never_share_a_gpu_unless_more_are_named(
    options: list[str], at_once: int, with_gpu: Any
) -> None:
    (_, first_end, _), (second_start, _, _) = trained(with_gpu, *options, "--", *TRAINED)
    assert (2 if second_start < first_end else 1) == at_once


@pytest.mark.parametrize(
    ("options", "at_once", "cards"),
    [
        ([], 2, {"GPU-aa", "GPU-bb"}),
        (["--resources", "gpu=1"], 1, {"GPU-aa"}),
        (["--resources", "gpu=4"], 4, {"GPU-aa", "GPU-bb"}),
        (["--config", "device=cuda:1"], 1, {"None"}),
    ],
    ids=["plain", "one at a time", "two on each", "one named"],
)
def test_jobs_spread_over_the_cards_of_a_machine(
    options: list[str], at_once: int, cards: set[str], with_gpu: Any
) -> None:
    with with_gpu.edited("bin/nvidia-smi", "#!/bin/sh\n", f"#!/bin/sh\n{TWO_CARDS}"):
        jobs = trained(with_gpu, *options, "--", *TRAINED, *MORE)
    assert len(jobs) == 4
    assert {card for _, _, card in jobs} == cards
    for moment, _, _ in jobs:
        beside = [card for start, end, card in jobs if start <= moment < end]
        assert len(beside) <= at_once
        assert max(beside.count(card) for card in beside) <= -(-at_once // len(cards))


def trained(project: Any, *options: str) -> list[tuple[float, float, str]]:
    """When each training job began and ended, and on which card, in the order of their beginning."""
    times = project.folder / "times"
    times.unlink(missing_ok=True)
    path = f"{project.folder / 'bin'}:/usr/bin:/bin"
    typed = ("--cores", "4", "--forcerun", "train", *options)
    done = project.snakemake(*typed, PATH=path, TMPDIR=str(project.folder))
    assert done.returncode == 0, done.stdout
    lines = [line.split() for line in times.read_text().splitlines()]
    return sorted((float(start), float(end), card) for start, end, card in lines)


# --- what is typed ----------------------------------------------------------------------------------


def test_what_is_typed_wins_over_a_scale(project: Any) -> None:
    target = "laptop/results/models/small-baseline/seed1.history.csv"
    options = ("--cores", "16", "--dry-run", "--printshellcmds", target)
    assert "--threads 1 " in project.snakemake(*options).stdout
    typed = project.snakemake(*options, "--config", "threads=1_0", "download=no")
    assert "--threads 10 " in typed.stdout


def test_a_path_of_digits_arrives_as_typed(project: Any) -> None:
    done = project.snakemake("data/cifar10/test.json", "--config", "data_mirror=2024_01", "download=off")
    assert done.returncode == 1
    assert "there is no folder 2024_01\n" in done.stdout
    assert "download: not allowed (download=no)" in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--configfile", "config/scales/laptop.yaml"], "laptop.yaml: datasets, evidence, models, note, "),
        (["--config", "recipes={vgg: {epochs: 3}}"], "--config: recipes: expected keys of this machine"),
        (["--config", "seed=1_000"], "--config: seed: expected keys of this machine"),
        (["--config", "threds=8"], "--config: top level: unknown key 'threds'; expected"),
        (["--config", "threads=8", "--config", "device=cpu"], "expected --config once"),
    ],
)
def test_what_would_be_called_by_a_wrong_name_stops(options: list[str], message: str, project: Any) -> None:
    done = project.snakemake("--dry-run", "figures/fig2.pdf", *options)
    assert done.returncode == 1
    assert message in done.stdout
    assert "Traceback" not in done.stdout


def test_a_scale_named_on_the_spot_has_its_own_name_in_captions(project: Any) -> None:
    scale = "scales={trial: {like: demo, models: {vgg16-baseline: {options: {width: 0.5}}}}}"
    done = project.snakemake("-n", "-p", "trial/figures/fig2.pdf", "demo/figures/fig2.pdf", "--config", scale)
    assert done.returncode == 0, done.stdout
    for name, width in (("trial", "0.5"), ("demo", "0.125")):
        assert f'"scale":"{name}"' in done.stdout
        assert f'"width":{width}' in done.stdout


# --- places that cannot be written ------------------------------------------------------------------


def test_a_home_that_cannot_be_written_is_no_obstacle(new_project: Callable[[], Any], tmp_path: Path) -> None:
    project = new_project()
    (tmp_path / "file").touch()
    command = ("-m", "snakemake", "--cores", "1", "demo/figures/fig1.pdf")
    done = project.run(*command, HOME=str(tmp_path / "file/home"), XDG_CACHE_HOME="")
    assert done.returncode == 0, done.stdout
    assert str(tmp_path) not in done.stdout
    assert (project.folder / ".snakemake/cache").is_dir()
    assert (project.folder / "demo/figures/fig1.pdf").exists()


def test_a_checkout_that_may_only_be_read_serves_another_folder(
    new_project: Callable[[], Any], tmp_path: Path
) -> None:
    project = new_project()
    command = ("-m", "snakemake", "--cores", "1", "demo/figures/fig1.pdf")
    with read_only_folder(project.folder):
        told = project.run(*command)
        advice = next(line for line in told.stdout.splitlines() if line.startswith("flexnet: "))
        (words,) = re.findall(r"&& snakemake (.*) TARGET --cores 2$", advice)
        done = project.run(*command, *shlex.split(words), folder=tmp_path)
    assert told.returncode == 1
    assert f"files can be made; got {project.folder}, which may only be read" in advice
    assert "Traceback" not in told.stdout
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "demo/figures/fig1.pdf").exists()
