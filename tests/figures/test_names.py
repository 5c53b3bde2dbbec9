"""A figure's name is the path of its module: `fig1` and `pushpull/fig1` are two."""

from pathlib import Path

import pytest

from flexnet.errors import ConfigError
from flexnet.figures import names
from flexnet.figures.registry import load


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules: two figures of one stem, a helper, and a copy that kept the name of another."""
    for name, text in {
        "fig1": 'NAME = "fig1"\n',
        "audit": 'NAME: Final = "audit"\n',
        "figS1": 'NAME = "figS1"\n',
        "style": 'INK = "#000"\n',
        "pushpull/__init__": '"""Another paper."""\n',
        "pushpull/fig1": 'NAME = "pushpull/fig1"\n',
        "pushpull/fig2": 'NAME = "fig1"\n',
    }.items():
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(names, "FOLDER", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_figures_are_the_modules_that_are_called_as_their_path_says() -> None:
    assert names.drawn() == ["audit", "fig1", "figS1", "pushpull/fig1"]
    assert names.module_of("pushpull/fig1") == "flexnet.figures.pushpull.fig1"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("name", "said"),
    [("fig1", "fig1"), ("pushpull/fig1", "pushpull/fig1"), ("pushpull/fig2", "fig1"), ("style", "")],
)
def test_what_a_module_calls_itself_is_read(name: str, said: str) -> None:
    assert names.said_by(name) == said


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "name", ["fig2", "pushpull", "pushpull/fig3", "figs1", "pushpull/../fig1", "../x", ""]
)
def test_no_other_path_is_a_module(name: str) -> None:
    assert names.said_by(name) is None


@pytest.mark.usefixtures("folder")
def test_a_copy_that_kept_the_name_of_another_is_not_drawn_for_it() -> None:
    with pytest.raises(
        ConfigError, match=r"figures\.pushpull\.fig2: expected NAME = 'pushpull/fig2'.*got 'fig1'"
    ):
        load("pushpull/fig2")
