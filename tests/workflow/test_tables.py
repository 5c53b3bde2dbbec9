"""Table 2 and a schematic of a tiny scale, run for real: files, numbers, and what is left alone."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

SCALE = """\
threads: 1
note: Made by a test.
datasets:
  fashion-mnist: { source: shapes28, per_class: 20, test_per_class: 5 }
recipes:
  small: { epochs: 2, batch_size: 50, learning_rate: 0.02 }
models:
  small-baseline: { seeds: 2, options: { width: 0.25 } }
  small-flexible: { at_test: { interventions: [shuffled] } }
"""
MODELS = {
    "baseline": "small-baseline",
    "uniform": "small-uniform",
    "flexible": "small-flexible",
    "above": "small-above",
}


@pytest.fixture(scope="module")
def finished(new_project: Callable[[], Any]) -> Any:
    """A copy in which Table 2 and Figure 1 of the tiny scale were made."""
    project = new_project()
    (project.folder / "config/scales/tiny.yaml").write_text(SCALE)
    counts = project.make("tiny/figures/table2.csv", "tiny/figures/fig1.pdf", "--config", "device=cpu")
    assert counts == {
        "prepare_data": 2,
        "choose_subset": 2,
        "train": 8,
        "evaluate": 4,
        "collect_rows": 1,
        "describe": 1,
        "draw_figure": 2,
    }
    return project


@pytest.mark.parametrize("figure", ["table2", "fig1"])
def test_each_is_there_as_pdf_and_png_with_caption_and_numbers(figure: str, finished: Any) -> None:
    figures = finished.folder / "tiny/figures"
    assert (figures / f"{figure}.pdf").read_bytes().startswith(b"%PDF-")
    assert (figures / f"{figure}.png").stat().st_size > 10_000
    # A schematic shows what a layer is, at whatever scale.
    said = "Scale: tiny; protocol: paper." in (figures / f"{figure}.md").read_text()
    assert said == (figure != "fig1")
    assert len(pd.read_csv(figures / f"{figure}.csv")) > 4


def test_the_table_holds_the_means_of_the_scored_seeds(finished: Any) -> None:
    table = pd.read_csv(finished.folder / "tiny/figures/table2.csv").set_index(["series", "epsilon"])
    assert set(table.index) == {(series, epsilon) for series in MODELS for epsilon in (0.0, 0.1)}
    assert (table["n"] == 2).all()
    assert (table["n_images"] == 50).all()
    for series, model in MODELS.items():
        rows = pd.read_csv(finished.folder / f"tiny/results/interventions/paper/{model}/all.csv")
        rows = rows[(rows["protocol"] == "paper") & (rows["intervention"] == "trained")]
        for epsilon, found in rows.groupby("epsilon"):
            assert table.loc[(series, epsilon), "mean"] == pytest.approx(found["accuracy"].mean())


def test_clean_accuracy_is_that_of_the_last_epoch(finished: Any) -> None:
    for model in MODELS.values():
        rows = pd.read_csv(finished.folder / f"tiny/results/interventions/paper/{model}/all.csv")
        clean = rows.query("protocol == 'paper' and intervention == 'trained' and epsilon == 0").set_index(
            "seed"
        )
        for seed in (1, 2):
            history = pd.read_csv(finished.folder / f"tiny/results/models/{model}/seed{seed}.history.csv")
            last = history[(history["split"] == "test") & (history["epoch"] == 2)]
            assert clean["correct"][seed] == last["correct"].item()


def test_the_caption_of_a_table_holds_the_table(finished: Any) -> None:
    text = (finished.folder / "tiny/figures/table2.md").read_text()
    assert "| Network |" in text
    assert text.count("\n| Standard") == 2  # and its reverse


def test_another_intervention_scores_one_model_again_and_trains_none(finished: Any) -> None:
    with finished.edited("config/scales/tiny.yaml", "interventions: [shuffled]", "interventions: [redrawn]"):
        counts = finished.plan("tiny/figures/table2.csv")
    # The reversed network is like the flexible one, so its interventions change as well.
    assert counts["evaluate"] == 2
    assert "train" not in counts
    assert finished.plan("tiny/figures/table2.csv", "tiny/figures/fig1.pdf") == {}
