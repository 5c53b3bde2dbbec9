"""Figures of two papers side by side: everything that is keyed by a figure is keyed by its whole path."""

from pathlib import Path
from typing import Any

import pytest

from flexnet import config as settings
from flexnet.errors import ConfigError, DataError
from flexnet.figures import names
from flexnet.files import write_json
from flexnet.study.cost import kept
from flexnet.study.drawing import figure_settings, ledger_rows, ledger_settings, words_of
from flexnet.study.figures import name_problems
from flexnet.study.labels import labels_of, table_of, tables_below
from flexnet.study.places import Places
from flexnet.study.published import config_of
from flexnet.study.study import Study
from flexnet.study.targets import everything, figure_at, published_figures

ROOT = Path(__file__).parents[2]
SCHEMA = settings.read_yaml(ROOT / "workflow/schemas/figures.schema.yaml")
FIGURES = settings.read_yaml(ROOT / "config/figures.yaml")
CONFIG = settings.inherited(settings.read_yaml(ROOT / "config/config.yaml"))
TWO = {"fig4d": FIGURES["fig4d"], "pushpull/fig4d": FIGURES["fig4d"] | {"network": "ResNet-20"}}


def study(here: Path, *published: str) -> Study:
    """A study of two figures of one stem, some of whose rows are published."""
    for figure in published:
        path = here / "published/laptop" / table_of("paper", figure)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("figure\n")
    return Study({"": CONFIG}, TWO, {"published/laptop/": here / "published/laptop"}, here)


# --- rows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("figure", ["fig1", "pushpull/fig1", "a/b/c"])
@pytest.mark.parametrize("home", ["", "laptop/", "/else/results/rows/paper/published/laptop/"])
def test_the_path_of_rows_says_protocol_and_figure(figure: str, home: str) -> None:
    assert labels_of(home + table_of("release", figure)) == ("release", figure)


@pytest.mark.parametrize(
    "path",
    [
        *("results/rows/fig1.csv", "rows/paper/fig1.csv", "results/rows/paper/fig1.facts.json"),
        *("results/rows/paper/.csv", "other-results/rows/paper/fig1.csv", "fig1.csv"),
    ],
)
def test_rows_elsewhere_are_refused(path: str) -> None:
    with pytest.raises(DataError, match="expected rows at results/rows/<protocol>/<figure>.csv"):
        labels_of(path)


def test_all_rows_of_a_scale_are_found_and_nothing_half_written(tmp_path: Path) -> None:
    found = [table_of("paper", figure) for figure in ("fig1", "pushpull/fig1")]
    for table in [*found, "results/rows/paper/.fig1.7.part.csv", "results/rows/paper/fig1.facts.json"]:
        (tmp_path / table).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / table).touch()
    assert [str(path.relative_to(tmp_path)) for path in tables_below(tmp_path)] == sorted(found)


def test_published_rows_of_a_figure_in_a_folder_alone_are_published(tmp_path: Path) -> None:
    study(tmp_path, "pushpull/fig4d")
    assert Places(tmp_path / "checkout", tmp_path).published() == {"laptop": tmp_path / "published/laptop"}


# --- what is made of them --------------------------------------------------------------------------


def test_files_of_two_figures_of_one_stem_are_four_times_apart(tmp_path: Path) -> None:
    made = study(tmp_path)
    targets = [target for target in everything(made, "") if target.endswith("fig4d.pdf")]
    assert sorted(targets) == sorted(
        f"figures/{variant}{figure}.pdf" for variant in ("", "release/", "corrected/") for figure in TWO
    )
    rows = [made.rows_file("", "release", figure) for figure in TWO]
    assert rows == ["results/rows/release/fig4d.csv", "results/rows/release/pushpull/fig4d.csv"]
    assert set(rows) <= set(ledger_rows(made, ""))
    assert '"pushpull/fig4d"' in ledger_settings(made, "")
    told = [figure_settings(made, "", "", figure) for figure in TWO]
    assert ["ResNet-20" in text for text in told] == [False, True]


@pytest.mark.parametrize(("there", "other"), [list(TWO), list(TWO)[::-1]])
def test_published_rows_of_one_figure_are_not_those_of_the_other(
    there: str, other: str, tmp_path: Path
) -> None:
    made = study(tmp_path, there)
    assert made.is_published("published/laptop/", "paper", there)
    assert not made.is_published("published/laptop/", "paper", other)
    ledger = ["published/laptop/figures/claims.pdf", "published/laptop/figures/claims.csv"]
    judged = ledger if there == "fig4d" else []  # a claim is judged by fig4d, and none by the other
    assert published_figures(made) == [f"published/laptop/figures/{there}.pdf", *judged]
    assert ledger_rows(made, "published/laptop/") == [f"published/laptop/{table_of('paper', there)}"]
    asked = [f"figures/{variant}{figure}.png" for variant in ("", "release/") for figure in TWO]
    assert kept(made, "published/laptop/", [*asked, "figures/claims.pdf", "results/claims.csv"]) == [
        f"published/laptop/figures/{there}.png",
        *judged[:1],
    ]


def test_a_target_is_one_figure_under_one_protocol(tmp_path: Path) -> None:
    made = study(tmp_path)
    assert figure_at(made, "figures/fig4d.pdf") == ("paper", "fig4d")
    assert figure_at(made, "figures/pushpull/fig4d.md") == ("paper", "pushpull/fig4d")
    assert figure_at(made, "figures/release/pushpull/fig4d.pdf") == ("release", "pushpull/fig4d")
    for other in (
        "figures/pushpull/release/fig4d.pdf",
        "figures/claims.pdf",
        "fig4d.pdf",
        "demo/figures/fig4d.pdf",
    ):
        assert figure_at(made, other) is None


def test_the_provenance_of_one_figure_is_not_that_of_the_other(tmp_path: Path) -> None:
    config = {"sources": {}, "datasets": {}, "recipes": {}, "models": {}}
    runs = [
        {"config": config | {"note": figure}, "sha256": {table_of("paper", figure): ""}} for figure in TWO
    ]
    write_json(tmp_path / "provenance.json", {"runs": runs})
    assert [config_of(tmp_path, "paper", figure, None)["note"] for figure in TWO] == list(TWO)


# --- names that would be mistaken ------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["fig1", "figS1", "audit", "layers", "fourier_heatmap", "pushpull/fig1", "a/b/c2"]
)
def test_words_and_paths_are_names(name: str) -> None:
    settings.check({name: FIGURES["fig4d"]}, SCHEMA, "figures.yaml")


@pytest.mark.parametrize(
    "name",
    ["Fig1", "1fig", "fig-1", "fig1.pdf", "fig 1", "a//b", "/fig1", "a/", "../fig1", "a/../b", "a/B", ""],
)
def test_what_is_no_path_of_a_module_is_refused(name: str) -> None:
    with pytest.raises(
        ConfigError, match="expected a name of letters, digits and _ that starts with a small"
    ):
        settings.check({name: FIGURES["fig4d"]}, SCHEMA, "figures.yaml")


@pytest.mark.parametrize(
    "name",
    ["claims", "release", "release/fig1", "paper/fig1", "mild/fig1", "demo", "demo/fig1", "results/rows/x"],
)
def test_a_figure_called_like_a_folder_with_another_meaning_is_refused_at_load(name: str) -> None:
    mild = CONFIG | {"protocols": CONFIG["protocols"] | {"mild": CONFIG["protocols"]["paper"]}}
    figures = {name: FIGURES["fig4d"]}
    with pytest.raises(
        ConfigError, match=f"figures.yaml: {name}: expected a name that does not begin like the"
    ):
        settings.check_figures(figures, CONFIG, "figures.yaml", {"": CONFIG, "demo/": mild})


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (["pushpull", "pushpull/fig1"], "pushpull: expected a name that is no folder of another figure"),
        (["figS1", "figs1"], "figs1: expected names that differ in more than capital letters; got 'figS1'"),
        (["a/Fig1", "a/fig1"], "a/fig1: expected names that differ"),
    ],
)
def test_two_names_that_make_one_module_or_file_are_refused(figures: list[str], words: str) -> None:
    (problem,) = map(str, name_problems(figures, []))
    assert problem.startswith(words)


def test_names_that_only_look_alike_are_not_refused() -> None:
    alike = ["fig1", "fig10", "pushpull/fig1", "pushpull2", "releases/fig1", "push/fig1", "demonstration"]
    assert not list(name_problems(alike, ["release", "demo"]))


def test_a_figure_without_a_module_of_its_own_is_refused_at_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The module of `fig1` draws no `pushpull/fig1`, nor does a copy that says it were `fig1`."""
    figures: dict[str, Any] = {"pushpull/fig4d": FIGURES["fig4d"]}
    with pytest.raises(
        ConfigError, match=r"expected a figure that flexnet/figures/ draws; got 'pushpull/fig4d'"
    ):
        settings.check_figures(figures, CONFIG)
    monkeypatch.setattr(names, "FOLDER", tmp_path)
    module = tmp_path / "pushpull/fig4d.py"
    module.parent.mkdir()
    module.write_text('NAME = "fig4d"\n')
    with pytest.raises(ConfigError, match=r"expected NAME = 'pushpull/fig4d' in .*; got 'fig4d'"):
        settings.check_figures(figures, CONFIG)
    module.write_text('NAME = "pushpull/fig4d"\n')
    settings.check_figures(figures, CONFIG)


def test_a_schematic_is_called_what_it_is_at_each_scale(tmp_path: Path) -> None:
    half = {"models": {"vgg16-baseline": {"options": {"width": 0.5, "dropout": 0.25}}}}
    base = settings.read_yaml(ROOT / "config/config.yaml")
    scales = {"": CONFIG, "mine/": settings.inherited(settings.lay_over(base, half))}
    made = Study(scales, FIGURES, {}, tmp_path)
    assert words_of(made, "", "fig2", "paper")["network"] == "VGG16"
    reduced = "VGG16 (with 0.5 of its width and 0.25 of its dropout rates)"
    assert words_of(made, "mine/", "fig2", "paper")["network"] == reduced
    # Of a figure that shows runs, these say it.
    assert words_of(made, "mine/", "fig4b", "paper")["network"] == "VGG16"
