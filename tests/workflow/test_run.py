"""A tiny scale run for real: its figures and numbers, what makes its jobs run again, its report."""

import csv
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from PIL import Image

from flexnet.config import lay_over

ROOT = Path(__file__).parents[2]
SCALE = """\
threads: 1
note: Made by a test.
datasets:
  cifar10: { source: shapes32, per_class: 20, test_per_class: 10 }
recipes:
  vgg: { epochs: 2, batch_size: 50, learning_rate: 0.02 }
  other: { like: vgg }
models:
  vgg16-baseline: { seeds: 2, options: { width: 0.125, dropout: 0.125 } }
  vgg16-random: { recipe: other }
protocols:
  paper: { fgsm: { epsilons: [0, 0.1, 0.5], draws: 2 } }
"""
TARGETS = ("tiny/figures/fig4b.pdf", "tiny/figures/fig4d.pdf")
MODELS = {"baseline": "vgg16-baseline", "flexible": "vgg16-flexible", "random": "vgg16-random"}
TRAINED = {"train": 6, "evaluate": 6, "collect_rows": 2, "draw_figure": 2}


@pytest.fixture(scope="module")
def finished(new_project: Callable[[], Any]) -> Any:
    """A copy in which both figures of the tiny scale were made."""
    project = new_project()
    (project.folder / "config/scales/tiny.yaml").write_text(SCALE)
    path = project.folder / "config/config.yaml"
    fewer = path.read_text().replace("train: 4000", "train: 400").replace("test: 1000", "test: 500")
    path.write_text(fewer)
    counts = project.make(*TARGETS, "--config", "device=cpu")
    assert counts == {"prepare_data": 2, "choose_subset": 2, **TRAINED}
    return project


def rows_of(folder: Path, pattern: str) -> list[dict[str, str]]:
    rows = []
    for path in sorted(folder.glob(pattern)):
        with path.open(newline="") as stream:
            rows += list(csv.DictReader(stream))
    assert rows, pattern
    return rows


# --- what was made ---------------------------------------------------------------------------------


@pytest.mark.parametrize("figure", ["fig4b", "fig4d"])
def test_each_figure_is_there_as_pdf_and_png_with_caption_and_table(figure: str, finished: Any) -> None:
    figures = finished.folder / "tiny/figures"
    assert (figures / f"{figure}.pdf").read_bytes().startswith(b"%PDF-")
    with Image.open(figures / f"{figure}.png") as image:
        assert image.width > 900
        assert len(image.convert("L").histogram()) - image.convert("L").histogram().count(0) > 10
    caption = (figures / f"{figure}.md").read_text()
    reduced = "VGG16 (with 0.125 of its width and 0.125 of its dropout rates) on drawn objects"
    words = [reduced, "100 test images", "n = 2", "Scale: tiny; protocol: paper."]
    for part in [*words, "Baseline; Flexible; Flexible (random)", "Made by a test.\n"]:
        assert part in caption
    assert (finished.folder / f"tiny/figures/{figure}.csv").is_file()


def test_the_table_of_accuracies_is_that_of_the_histories(finished: Any) -> None:
    table = pd.read_csv(finished.folder / "tiny/figures/fig4b.csv")
    assert set(zip(table["series"], table["epoch"], strict=True)) == {(s, e) for s in MODELS for e in (1, 2)}
    assert (table["n"] == 2).all()
    assert (table["n_images"] == 100).all()
    for row in table.to_dict("records"):
        history = rows_of(finished.folder, f"tiny/results/models/{MODELS[row['series']]}/*.history.csv")
        seeds = [
            float(one["accuracy"])
            for one in history
            if one["split"] == "test" and int(one["epoch"]) == row["epoch"]
        ]
        assert row["mean"] == pytest.approx(sum(seeds) / 2)
        # Seeds that agree by luck show no spread, and no error is given.
        expected = abs(seeds[0] - seeds[1]) / 2 or math.nan
        assert row["sem"] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_the_table_under_attack_is_in_range_and_starts_at_the_last_epoch(finished: Any) -> None:
    table = pd.read_csv(finished.folder / "tiny/figures/fig4d.csv")
    assert set(zip(table["series"], table["epsilon"], strict=True)) == {
        (series, epsilon) for series in MODELS for epsilon in (0.0, 0.1, 0.5)
    }
    assert (table["n"] == 2).all()
    assert table["mean"].between(0, 1).all()
    learned = pd.read_csv(finished.folder / "tiny/figures/fig4b.csv").query("epoch == 2")
    clean = table.query("epsilon == 0").set_index("series")["mean"]
    for series in ("baseline", "flexible"):  # without random masks the same images give the same answers
        expected = learned.set_index("series")["mean"][series]
        assert clean[series] == pytest.approx(expected)


def test_repeats_belong_to_the_random_model_alone(finished: Any) -> None:
    draws = {
        model: {row["draw"] for row in rows_of(finished.folder, f"tiny/results/fgsm/paper/{model}/*.csv")}
        for model in MODELS.values()
    }
    assert draws == {"vgg16-baseline": {"0"}, "vgg16-flexible": {"0"}, "vgg16-random": {"0", "1"}}


def test_every_seed_has_its_own_training_images_and_all_share_the_scored_ones(finished: Any) -> None:
    folder = finished.folder / "tiny/results/subsets/cifar10"
    first, second = (json.loads((folder / f"seed{seed}.json").read_text()) for seed in (1, 2))
    assert len(first["training"]) == len(second["training"]) == 200
    assert first["training"] != second["training"]
    assert first["scored"] == second["scored"]


def test_every_job_left_a_log_and_no_job_left_anything_half_done(finished: Any) -> None:
    logs = {
        path.relative_to(finished.folder).as_posix() for path in finished.folder.glob("tiny/logs/**/*.log")
    }
    assert {f"tiny/logs/train/{model}/seed{seed}.log" for model in MODELS.values() for seed in (1, 2)} <= logs
    assert {
        f"tiny/logs/fgsm/paper/{model}/seed{seed}.log" for model in MODELS.values() for seed in (1, 2)
    } <= logs
    assert len(logs) == 6 + 6 + 2 + 2 + 2
    log = (finished.folder / "tiny/logs/train/vgg16-random/seed2.log").read_text()
    assert "vgg16-random seed 2: 2/2 epochs" in log
    made = [path.name for path in finished.folder.glob("tiny/**/*")]
    assert not [name for name in made if ".part" in name or name.endswith(".checkpoint")]


# --- what makes jobs run again ---------------------------------------------------------------------

# What docs/reruns.md shows as a table, too.
RERUNS: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "reruns.yaml").read_text())


@pytest.mark.parametrize("change", RERUNS)
def test_a_change_reruns_what_depends_on_it_and_nothing_else(change: str, finished: Any) -> None:
    told = RERUNS[change]
    with ExitStack() as stack:
        for file, old, new in told.get("edits", []):
            stack.enter_context(finished.edited(file, old, new))
        for file, text in told.get("files", {}).items():
            stack.enter_context(finished.added(file, text))
        assert finished.plan(*TARGETS, *told.get("arguments", [])) == told.get("runs", {})


CENTURY = 100 * 365 * 24 * 3600


@pytest.mark.parametrize("clock", ["right", "set back", "turning back"])
def test_new_times_on_every_file_rerun_nothing(clock: str, finished: Any) -> None:
    """As after a checkout or a copy; prepared images are larger than what Snakemake compares by content.

    Or under a clock that was set back: files are from the future, or older than what they were made of.
    """
    files = [path for path in finished.folder.rglob("*") if path.is_file() and ".snakemake" not in path.parts]
    assert len(files) > 150
    for place, path in enumerate(sorted(files, key=lambda path: path.stat().st_mtime_ns)):
        moments = {
            "right": None,
            "set back": 2 * (time.time() + CENTURY,),
            "turning back": 2 * (1e9 - place,),
        }
        os.utime(path, moments[clock])
    try:
        assert finished.plan(*TARGETS) == {}
    finally:
        for path in files:
            os.utime(path)


def results(folder: Path) -> dict[str, bytes]:
    """Everything that was made, but for logs."""
    parts = [*folder.glob("results/**/*"), *folder.glob("figures/*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in parts if path.is_file()}


def test_a_table_with_one_other_digit_is_named_and_not_drawn(finished: Any) -> None:
    figure = finished.folder / "tiny/figures/fig4d.pdf"
    before = figure.read_bytes()
    with finished.edited("tiny/results/rows/paper/fig4d.csv", ",0.5,", ",0.4,"):
        done = finished.snakemake("--forcerun", "draw_figure", "--", "tiny/figures/fig4d.pdf")
    assert done.returncode == 1
    assert "fig4d.csv: expected the bytes that a job of this workflow wrote; got others" in done.stdout
    assert "Traceback" not in done.stdout
    assert figure.read_bytes() == before
    assert finished.make("tiny/figures/fig4d.pdf")["draw_figure"] == 1
    assert finished.plan(*TARGETS) == {}


def _trains_the_second(models: Path) -> bool:
    done = {path.name for path in models.glob("seed*.safetensors")}  # not those that are being written
    return bool(done) and any(path.stem not in done for path in models.glob("*.lock"))


def test_a_run_that_is_killed_between_two_trainings_ends_with_the_same_figures(finished: Any) -> None:
    folder, before = finished.folder / "tiny", results(finished.folder / "tiny")
    models = folder / "results/models/vgg16-random"
    lost = ("results/models/vgg16-random/*", "results/fgsm/paper/vgg16-random/*", "results/rows/paper/*")
    for path in (path for pattern in (*lost, "figures/*") for path in folder.glob(pattern)):
        path.unlink()
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *TARGETS, "--config", "device=cpu"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    run = subprocess.Popen(command, cwd=finished.folder, env=finished.environment, **quiet)
    try:
        deadline = time.monotonic() + 120
        while not _trains_the_second(models):
            assert run.poll() is None
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    (done,) = models.glob("seed*.safetensors")
    written = done.stat().st_mtime_ns
    finished.snakemake("--unlock", *TARGETS)
    counts = finished.make(*TARGETS, "--config", "device=cpu")
    assert counts["train"] == 1
    assert (counts["collect_rows"], counts["draw_figure"]) == (2, 2)
    assert done.stat().st_mtime_ns == written  # not trained twice
    assert results(folder) == before
    assert finished.plan(*TARGETS) == {}


def test_results_move_to_another_machine_without_training_again(
    finished: Any, new_project: Callable[[], Any]
) -> None:
    """Copied as by `cp -r`: every file gets a new time, in no order that means anything."""
    other = new_project()
    for place in ("config", "data", "tiny", ".snakemake"):
        shutil.copytree(
            finished.folder / place, other.folder / place, copy_function=shutil.copy, dirs_exist_ok=True
        )
    assert other.plan(*TARGETS) == {}
    with other.edited(
        "config/scales/tiny.yaml", "other: { like: vgg }", "other: { like: vgg, momentum: 0.8 }"
    ):
        assert other.plan(*TARGETS) == {"train": 2, "evaluate": 2, "collect_rows": 2, "draw_figure": 2}


# --- beyond ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("targets", [TARGETS, ("tiny",), ()], ids=["named", "scale", "plain"])
def test_the_report_holds_figures_and_captions(targets: tuple[str, ...], finished: Any) -> None:
    """Whatever is asked for, it packs what there is: of this scale two figures, of the others none."""
    done = finished.snakemake("--report", "report.zip", "--", *targets)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("\nAdding ") == 2
    with zipfile.ZipFile(finished.folder / "report.zip") as archive:
        names = [Path(name).name for name in archive.namelist()]
        text = archive.read("report/report.html").decode()
    assert {"fig4b.pdf", "fig4d.pdf", "report.html"} <= set(names)
    for figure in ("fig4b", "fig4d"):
        assert f"{figure} at tiny scale, paper protocol." in text
    assert text.count("Made by a test.") >= 2
    assert "Figures and claims of the Flexible Layer and push-pull papers" in text


def test_published_rows_give_the_same_table_and_the_claims_without_training(finished: Any) -> None:
    home = finished.folder / "published/tiny/results/rows/paper"
    home.mkdir(parents=True)
    for figure in ("fig4b", "fig4d"):
        shutil.copy(finished.folder / f"tiny/results/rows/paper/{figure}.csv", home)
    targets = ("published/tiny/figures/fig4b.pdf", "published/tiny/figures/claims.pdf")
    assert finished.make(*targets) == {"draw_figure": 1, "judge_claims": 1}
    tables = [finished.folder / f"{place}tiny/figures/fig4b.csv" for place in ("published/", "")]
    assert tables[0].read_bytes() == tables[1].read_bytes()
    ledger = pd.read_csv(finished.folder / "published/tiny/results/claims.csv")
    assert set(ledger["scale"]) == {"tiny"}
    assert set(ledger["protocol"]) == {"paper", "release", "corrected"}
    measured = ledger[ledger["n"] > 0]
    assert len(measured) > 0
    assert set(measured["protocol"]) == {"paper"}
    assert (finished.folder / "published/tiny/figures/claims.md").read_text().count("tiny") >= 1
    assert finished.plan(*targets, *TARGETS) == {}


def test_rows_are_published_from_one_clean_commit_only(finished: Any, tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        name = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        subprocess.run(["git", *name, *arguments], cwd=finished.folder, check=True, capture_output=True)

    def publish() -> str:
        return finished.run("workflow/scripts/publish.py", "tiny", "snakemake tiny", "fig4b").stdout

    ignored = (ROOT / ".gitignore").read_text() + "tiny/\n*.zip\n"
    (finished.folder / ".gitignore").write_text(ignored)
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "as it ran")
    target = finished.folder / "published/tiny/provenance.json"
    with finished.edited("config/scales/tiny.yaml", "seeds: 2", "seeds: 1"):
        assert "expected a clean commit" in publish()
        git("commit", "-qam", "another configuration")
        assert "Snakemake would make some of them again" in publish()
    assert not target.exists()
    git("commit", "-qam", "as it ran")
    assert "published/tiny: 1 tables" in publish()
    (run,) = json.loads(target.read_text())["runs"]
    assert set(run["networks"]) == set(MODELS.values())
    assert all(len(told["data"]) == 2 for told in run["networks"].values())


def test_seeds_that_are_run_one_by_one_are_published_as_all_at_once(finished: Any) -> None:
    """Follows the one above, whose commit it needs. No network is trained or asked again."""
    published = finished.folder / "published/tiny"
    rows = published / "results/rows/paper/fig4b.csv"
    whole = rows.read_bytes()
    shutil.rmtree(published)
    for seed in (2, 1):
        kept = ("tiny/figures/fig4b.pdf", "--config", "device=cpu", f"only_seeds=[{seed}]")
        assert finished.make(*kept) == {"collect_rows": 1, "draw_figure": 1}
        caption = (finished.folder / "tiny/figures/fig4b.md").read_text()
        assert "n = 1" in caption
        assert f"Made by a test. Of each network's seeds, {seed} alone." in caption
        publish = ("workflow/scripts/publish.py", "tiny", f"seed {seed}", "fig4b", "--seeds")
        assert "Snakemake would make some of them again" in finished.run(*publish, str(3 - seed)).stdout
        assert "published/tiny: 1 tables" in finished.run(*publish, str(seed)).stdout
    assert rows.read_bytes() == whole
    runs = json.loads((published / "provenance.json").read_text())["runs"]
    assert [run["command"] for run in runs] == ["seed 2", "seed 1"]
    assert [{*told["data"]} for run in runs for told in run["networks"].values()] == 3 * [{"seed2"}] + 3 * [
        {"seed1"}
    ]
    last = finished.snakemake("-n", "tiny/figures/fig4b.pdf", "--config", "only_seeds=[3]")
    assert last.returncode == 1
    assert "only_seeds: expected a seed of vgg16-baseline among them, which has 2; got [3]" in last.stdout
    assert "Traceback" not in last.stdout
    assert finished.make(*TARGETS, "--config", "device=cpu") == {"collect_rows": 1, "draw_figure": 1}


def test_published_networks_that_are_trained_again_are_compared_row_by_row(
    finished: Any, tmp_path: Path
) -> None:
    home = finished.folder / "published/tiny/results/rows/paper"
    home.mkdir(parents=True, exist_ok=True)
    for figure in ("fig4b", "fig4d"):
        shutil.copy(finished.folder / f"tiny/results/rows/paper/{figure}.csv", home)

    def verify(*networks: str) -> str:
        return finished.run("workflow/scripts/verify.py", "tiny", *networks, "--folder", str(tmp_path)).stdout

    said = verify("vgg16-random:2")
    assert "vgg16-random seed 2, published/tiny/results/rows/paper/fig4b.csv: 4 of 4 rows repeat" in said
    assert "paper/fig4d.csv: 6 of 6 rows repeat" in said
    rows = (home / "fig4b.csv").read_text().splitlines(keepends=True)
    place = next(i for i, row in enumerate(rows) if ",vgg16-random,2,2,test," in row)
    cells = dict(zip(rows[0].strip().split(","), rows[place].strip().split(","), strict=True))
    cells["correct"] = str(int(cells["correct"]) + 1)
    cells["accuracy"] = str(int(cells["correct"]) / int(cells["n"]))
    rows[place] = ",".join(cells.values()) + "\n"
    (home / "fig4b.csv").write_text("".join(rows))
    said = verify("vgg16-random:2")
    assert "fig4b.csv: 3 of 4 rows repeat" in said
    assert f"epoch 2, split test: {cells['correct']} of 100 published" in said
    assert "expected every published row to repeat; 1 do not" in said
    assert "vgg16-random:9: expected a network with rows below" in verify("vgg16-random:9")
    with finished.edited(
        "config/scales/tiny.yaml", "other: { like: vgg }", "other: { like: vgg, momentum: 0.8 }"
    ):
        provenance = {
            "runs": [{"sha256": {"results/rows/paper/fig4b.csv": ""}, "config": recorded(finished)}]
        }
        (home.parents[2] / "provenance.json").write_text(json.dumps(provenance))
        assert "other by now: vgg16-random: recipe" in verify("vgg16-random:2")


def recorded(project: Any) -> Any:
    """The configuration of the tiny scale as a run records it."""
    main = yaml.safe_load((project.folder / "config/config.yaml").read_text())
    return lay_over(main, yaml.safe_load(SCALE))
