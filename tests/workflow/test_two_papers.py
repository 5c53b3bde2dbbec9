"""Two papers side by side in one run: figures of one stem, each with files, rows and a module of its own."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

# A figure of another paper that looks like the first of this one, with the numbers of another layer.
MODULE = '''"""A figure of another paper."""

from flexnet.figures.fig1 import draw, read, summarise_rows

__all__ = ["NAME", "draw", "read", "summarise_rows"]

NAME = "third/fig1"
'''
ROW = """
third/fig1:
  family: worked
  network: another network
  series: { other: vgg16-redrawn }
  example: { kernel_size: 2, input_size: 4, seed: 7 }
  caption: "Of another paper: {network}, {protocol} protocol."
"""
FIGURES = ("figures/fig1", "figures/third/fig1", "figures/release/third/fig1")


def add_paper(project: Any) -> None:
    """Add the figure to a copy: its module, and its row in the registry."""
    folder = project.folder / "flexnet/figures/third"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""Figures of another paper."""\n')
    (folder / "fig1.py").write_text(MODULE)
    registry = project.folder / "config/figures.yaml"
    registry.write_text(registry.read_text() + ROW)


@pytest.fixture(scope="module")
def finished(new_project: Callable[[], Any]) -> Any:
    """A copy in which the first figure was drawn, then the paper was added, and all were asked for."""
    project = new_project()
    assert project.make("figures/fig1.pdf") == {"describe": 1, "draw_figure": 1}
    add_paper(project)
    counts = project.make(*(f"{figure}.pdf" for figure in FIGURES))
    assert counts == {"describe": 2, "draw_figure": 2}  # what stood is not made again
    return project


def test_each_figure_has_files_of_its_own(finished: Any) -> None:
    for figure in FIGURES:
        for suffix in ("pdf", "png", "md", "csv"):
            assert (finished.folder / f"{figure}.{suffix}").is_file()
    ours, theirs, release = ((finished.folder / f"{figure}.md").read_text() for figure in FIGURES)
    assert ours.startswith("The Flexible Layer, with the numbers of a real layer")
    assert theirs == "Of another paper: another network, paper protocol.\n"
    assert release == "Of another paper: another network, release protocol.\n"


def test_rows_say_and_hold_what_their_path_does(finished: Any) -> None:
    rows = {
        (protocol, figure): pd.read_csv(finished.folder / f"results/rows/{protocol}/{figure}.csv")
        for protocol, figure in (
            ("paper", "fig1"),
            ("paper", "third/fig1"),
            ("release", "third/fig1"),
        )
    }
    for (protocol, figure), table in rows.items():
        assert set(table["figure"]) == {figure}
        assert set(table["protocol"]) == {protocol}
    ours, theirs, _ = rows.values()
    assert set(ours["series"]) == {"flexible"}
    assert set(theirs["series"]) == {"other"}
    assert len(theirs) < len(ours)  # a smaller example


def test_nothing_is_made_twice_and_each_figure_hangs_on_its_own_module(finished: Any) -> None:
    targets = [f"{figure}.pdf" for figure in FIGURES]
    assert finished.plan(*targets) == {}
    module = "flexnet/figures/third/fig1.py"
    with finished.edited(module, "NAME = ", "HEIGHT = 1\nNAME = "):
        assert finished.plan(*targets) == {"draw_figure": 2}
        assert finished.plan(targets[0]) == {}


def test_named_targets_and_scales_hold_both(finished: Any) -> None:
    done = finished.snakemake("--dry-run", "demo")
    assert done.returncode == 0, done.stdout
    for figure in ("demo/figures/fig1.pdf", "demo/figures/third/fig1.pdf"):
        assert f"Drawing {figure}" in done.stdout


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("release/fig1", "release/fig1: expected a name that does not begin like"),
        ("demo/fig1", "demo/fig1: expected a name that does not begin like"),
        ("third/fig2", "expected a figure that flexnet/figures/ draws; got 'third/fig2'"),
    ],
)
def test_a_name_that_would_be_mistaken_stops_the_run(finished: Any, name: str, words: str) -> None:
    with finished.edited("config/figures.yaml", "third/fig1:", f"{name}:"):
        done = finished.snakemake("--dry-run", "figures/fig1.pdf")
    assert done.returncode == 1
    assert words in done.stdout
    assert "Traceback" not in done.stdout
