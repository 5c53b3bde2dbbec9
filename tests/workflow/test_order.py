"""The order of the registry, from config/figures.yaml through Snakemake to captions, tables and panels."""

from typing import Any

import pandas as pd
import pytest


@pytest.fixture(scope="module")
def finished(project: Any) -> Any:
    """A copy with a schematic of the demo, and published rows drawn, whose series lie in another order."""
    counts = project.make("demo/figures/fig2.csv", "published/laptop/figures/fig3.md")
    assert counts == {"describe": 1, "draw_figure": 2}
    return project


def order(path: Any) -> list[str]:
    return list(dict.fromkeys(pd.read_csv(path)["series"]))


def test_rows_and_tables_are_in_the_order_of_the_registry(finished: Any) -> None:
    demo = finished.folder / "demo"
    assert order(demo / "results/rows/paper/fig2.csv") == ["single", "all"]
    assert order(demo / "figures/fig2.csv") == ["single", "all"]


def test_published_rows_are_drawn_in_the_order_of_the_registry(finished: Any) -> None:
    home = finished.folder / "published/laptop"
    assert order(home / "figures/fig3.csv") == ["low", "high"]
    assert "Trained at T = 0.1; Trained at T = 0.6." in (home / "figures/fig3.md").read_text()


def test_another_order_in_the_registry_draws_again_and_computes_nothing(finished: Any) -> None:
    series = "series: { low: small-low, high: small-high }"
    with finished.edited("config/figures.yaml", series, "series: { high: small-high, low: small-low }"):
        assert finished.make("published/laptop/figures/fig3.md") == {"draw_figure": 1}
        text = (finished.folder / "published/laptop/figures/fig3.md").read_text()
    assert "Trained at T = 0.6; Trained at T = 0.1." in text
