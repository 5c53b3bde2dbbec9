import subprocess
import sys

import pytest

from flexnet.errors import ConfigError
from flexnet.figures.registry import load, names


def test_all_figures_are_found():
    assert names() == ["claims", "fig4b", "fig4c", "fig4d"]


@pytest.mark.parametrize("name", ["claims", "fig4b", "fig4c", "fig4d"])
def test_a_figure_offers_what_it_must(name):
    module = load(name)
    assert name == module.NAME
    assert callable(module.summarise_rows)
    assert callable(module.draw)


@pytest.mark.parametrize("name", ["fig9z", "style", "../claims"])
def test_an_unknown_figure_lists_the_known(name):
    with pytest.raises(ConfigError, match=r"known are \['claims', 'fig4b', 'fig4c', 'fig4d'\]"):
        load(name)


def test_drawing_imports_neither_torch_nor_other_figures():
    code = (
        "import sys; from flexnet.figures.registry import load; load('fig4d');"
        "heavy = {'torch', 'seaborn', 'scipy.stats', 'matplotlib.pyplot', 'flexnet.figures.fig4c'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
