import subprocess
import sys

import pytest

from flexnet.errors import ConfigError
from flexnet.figures.names import drawn
from flexnet.figures.registry import body_of, load

FIGURES = [
    "audit", "audit_small", "claims", "corruptions", "fig1", "fig2", "fig2b", "fig3", "fig4a", "fig4b",
    "fig4c", "fig4c_long", "fig4c_start", "fig4d", "fig4d_controls", "fig4d_losses", "fig5", "fig5_errors",
    "fig5a", "fig5b", "fig5c", "fig6", "fig6_colour", "figS1", "fourier_heatmap", "layers", "noise",
    "pushpull/fig1", "pushpull/fig2", "pushpull/fig3", "pushpull/fig4", "pushpull/fig4_raw",
    "pushpull/fig5", "pushpull/fig5_raw", "pushpull/fig6", "pushpull/fig7", "pushpull/fig7_published",
    "pushpull/table1", "pushpull/table2", "pushpull/table2_published", "pushpull/table3",
    "pushpull/table3_published", "pushpull/table4", "pushpull/table5", "table1", "table2",
    "table2_controls", "table2_precision", "table3", "table3_suite",
]  # fmt: skip


def test_all_figures_are_found():
    assert drawn() == FIGURES


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_offers_what_it_must(name):
    module = load(name)
    assert name == module.NAME
    assert callable(module.summarise_rows)
    assert callable(module.draw)


@pytest.mark.parametrize("name", ["fig9z", "style", "../claims"])
def test_an_unknown_figure_lists_the_known(name):
    with pytest.raises(ConfigError, match=r"known are \['audit', .*'claims', .*'fig1', .*'table3_suite'\]"):
        load(name)


def test_only_tables_audits_and_figures_of_numbers_have_a_body(make_facts, history_rows):
    figure = load("fig4b")
    assert body_of(figure, figure.summarise_rows(history_rows), make_facts()) == ""
    assert [name for name in drawn() if hasattr(load(name), "body")] == [
        "audit",
        "audit_small",
        "claims",
        "fig4c_long",
        "fig4c_start",
        "fig5_errors",
        "fig5b",
        "fig6",
        "fig6_colour",
        "fourier_heatmap",
        "layers",
        *(name for name in FIGURES if name.startswith("pushpull/table")),
        "table1",
        "table2",
        "table2_controls",
        "table2_precision",
        "table3",
        "table3_suite",
    ]


def test_drawing_imports_neither_torch_nor_other_figures():
    code = (
        "import sys; from flexnet.figures.registry import load; load('fig4d');"
        "heavy = {'torch', 'scipy.stats', 'matplotlib.pyplot', 'flexnet.figures.fig4c'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
