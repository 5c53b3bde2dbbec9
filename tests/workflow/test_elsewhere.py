"""From another folder, and as a module: each finds what belongs to it, the workflow and its user."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DRAWN = ("demo/figures/fig1.pdf", "published/laptop/figures/fig4c.pdf")
MODULE = """
module flexnet:
    snakefile: "{checkout}/workflow/Snakefile"
    {more}

use rule * from flexnet as flexnet_*
"""


@pytest.fixture(scope="module")
def checkout(new_project: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A checkout whose path has blanks and whose package is not installed."""
    project = new_project()
    folder = tmp_path_factory.mktemp("a place") / "check out"
    shutil.move(project.folder, folder)
    return type(project)(folder)


def snakemake(checkout: Any, here: Path, *arguments: str) -> str:
    """Run Snakemake in the user's folder; the package that is installed is not the checkout's."""
    here.mkdir(exist_ok=True)
    done = checkout.snakemake(*arguments, folder=here, PYTHONPATH="")
    assert done.returncode == 0, done.stdout
    return str(done.stdout)


def from_elsewhere(checkout: Any, here: Path, *arguments: str) -> str:
    return snakemake(checkout, here, "--snakefile", str(checkout.folder / "Snakefile"), *arguments)


def everything(checkout: Any) -> list[Path]:
    """What lies in a checkout, but for compiled modules."""
    return sorted(path for path in checkout.folder.rglob("*") if "__pycache__" not in path.parts)


def test_figures_are_made_in_the_working_directory(checkout: Any, tmp_path: Path) -> None:
    before = everything(checkout)
    here = tmp_path / "else where"
    here.mkdir()
    # A package of that name beside the results is not the workflow's.
    (here / "flexnet").mkdir()
    (here / "flexnet/__init__.py").write_text("raise RuntimeError('a foreign package')\n")
    options = ("--directory", str(here), "--snakefile", "Snakefile")
    made = snakemake(checkout, checkout.folder, *options, *DRAWN)
    assert checkout.counts(made) == {"describe": 1, "draw_figure": 2}
    for target in DRAWN:
        assert (here / target).read_bytes().startswith(b"%PDF-")
    caption = (here / "published/laptop/figures/fig4c.md").read_text()
    assert "Scale: laptop; protocol: paper." in caption
    assert everything(checkout) == before
    assert "Nothing to be done" in from_elsewhere(checkout, here, *DRAWN)


def test_the_whole_demo_has_the_same_plan_as_in_the_checkout(checkout: Any, tmp_path: Path) -> None:
    counts = checkout.counts(from_elsewhere(checkout, tmp_path, "--dry-run", "demo"))
    assert counts == checkout.plan("demo")
    catalogue = str(checkout.folder / "workflow/Snakefile")
    assert checkout.counts(snakemake(checkout, tmp_path, "-s", catalogue, "--dry-run", "demo")) == counts


def test_what_the_user_has_of_his_own_comes_from_the_working_directory(checkout: Any, tmp_path: Path) -> None:
    for name, text in {
        "config.yaml": "recipes: {vgg: {epochs: 77}}\n",
        "scales/own.yaml": "like: laptop\nnote: His own.\n",
    }.items():
        path = tmp_path / "config" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    rows = tmp_path / "published/mine/results/rows/paper"
    rows.mkdir(parents=True)
    shutil.copy(checkout.folder / "published/laptop/results/rows/paper/fig4c.csv", rows)
    (tmp_path / "published/mine/provenance.json").write_text(
        (checkout.folder / "published/laptop/provenance.json").read_text()
    )
    model = "results/models/vgg16-baseline/seed1.history.csv"
    targets = (model, f"own/{model}", "own/figures/fig1.pdf", "published/mine/figures/fig4c.pdf")
    plan = from_elsewhere(checkout, tmp_path, "--dry-run", "--printshellcmds", *targets)
    assert '"epochs":77' in plan
    assert '"epochs":15' in plan  # the checkout's laptop scale, which the user's is like
    assert '"note":"His own."' in plan
    assert checkout.counts(plan)["draw_figure"] == 2


def test_a_wrong_key_is_named_with_the_users_file(checkout: Any, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("devise: cpu\n")
    snakefile = str(checkout.folder / "Snakefile")
    done = checkout.run("-m", "snakemake", "-n", "-s", snakefile, folder=tmp_path, PYTHONPATH="")
    assert done.returncode == 1
    assert "config/config.yaml, line 1: top level: unknown key 'devise'" in done.stdout
    assert "Traceback" not in done.stdout


def module(checkout: Any, here: Path, more: str = "", before: str = "") -> None:
    text = before + MODULE.format(checkout=checkout.folder, more=more)
    (here / "Snakefile").write_text(text)


def test_as_a_module_it_makes_what_another_workflow_asks_for(checkout: Any, tmp_path: Path) -> None:
    own = f"""
rule mine:
    input: {list(DRAWN)}
    output: "mine.txt"
    shell: "echo done > {{output}}"
"""
    (tmp_path / "config").mkdir()  # of the other workflow
    (tmp_path / "config/config.yaml").write_text("samples: other.tsv\n")
    module(checkout, tmp_path, before=own)
    counts = {"mine": 1, "flexnet_describe": 1, "flexnet_draw_figure": 2}
    assert checkout.counts(snakemake(checkout, tmp_path)) == counts
    assert (tmp_path / "mine.txt").exists()
    plan = checkout.counts(snakemake(checkout, tmp_path, "--dry-run", "--forceall", "flexnet_demo"))
    assert plan == {f"flexnet_{rule}": count for rule, count in checkout.plan("--forceall", "demo").items()}


def test_as_a_module_it_takes_configuration_and_a_prefix(checkout: Any, tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("threads: 3\nrecipes: {vgg: {epochs: 77}}\n")
    more = 'prefix: "sub"\n    config: config'
    module(checkout, tmp_path, more, before='configfile: "my.yaml"\n')
    made = snakemake(checkout, tmp_path, *(f"sub/{target}" for target in DRAWN))
    assert checkout.counts(made) == {"flexnet_describe": 1, "flexnet_draw_figure": 2}
    assert {path.name for path in tmp_path.glob("[!.]*")} == {"Snakefile", "my.yaml", "sub"}
    model = "sub/results/models/vgg16-baseline/seed1.history.csv"
    rows = "sub/demo/results/rows/paper/fig4b.csv"
    plan = snakemake(checkout, tmp_path, "--dry-run", "--printshellcmds", model, rows)
    assert '"epochs":77' in plan
    files = re.findall(r'"series":\{.*?\}', plan)
    assert files
    assert all(name.startswith("sub/demo/") for name in re.findall(r'"([^"]*\.csv)"', files[0]))


def test_plain_snakemake_of_a_workflow_that_is_only_the_module_makes_everything(
    checkout: Any, tmp_path: Path
) -> None:
    module(checkout, tmp_path)
    counts = checkout.counts(snakemake(checkout, tmp_path, "--dry-run"))
    assert counts["flexnet_default"] == counts["flexnet_judge_claims"] == 1
