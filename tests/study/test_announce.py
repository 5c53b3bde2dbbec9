"""What is told before the first job: the command with other targets, missing data, costs."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flexnet.study import announce, cost, speeds
from flexnet.study.configuration import Given, load_figures, load_scales
from flexnet.study.cost import Task, figure_tasks
from flexnet.study.places import Places
from flexnet.study.retyped import Command, typed
from flexnet.study.study import Study
from flexnet.study.suggest import is_offered
from flexnet.yaml_files import read_yaml

ROOT = Path(__file__).parents[2]
ASKED = Command(("snakemake", "figures/fig4d.pdf", "--cores", "8"), ("figures/fig4d.pdf",))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    places = Places(ROOT, tmp_path_factory.mktemp("here"))
    scales = load_scales(places, read_yaml(ROOT / "workflow/schemas/config.schema.yaml"), Given())
    figures = load_figures(places, read_yaml(ROOT / "workflow/schemas/figures.schema.yaml"), scales)
    rows = {"published/laptop/": ROOT / "published/laptop"}
    return Study(scales, figures, rows, places.here)


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speeds, "_MEASURED", {})


def as_the_table(runs: dict[str, dict[str, Any]]) -> dict[str, float]:
    """A machine as fast as that of the table."""
    return {key: speeds.speeds().get(key, 1.0) for key in runs}


def half_as_fast(runs: dict[str, dict[str, Any]]) -> dict[str, float]:
    return {key: 2 * seconds for key, seconds in as_the_table(runs).items()}


def test_a_command_can_be_pasted() -> None:
    words = (".venv/bin/snakemake", "figures/fig4d.pdf", "--config", "data_mirror=/a b", "--cores", "8")
    other = Command(words, ("figures/fig4d.pdf",)).instead(["laptop/figures/fig4d.pdf"])
    assert shlex.split(other) == [words[0], "laptop/figures/fig4d.pdf", *words[2:]]


def test_a_command_is_told_as_its_user_can_type_it(tmp_path: Path) -> None:
    program = tmp_path / "snakemake"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    words = ("demo", "-c", "2")
    on_path = typed([str(program), *words], ["demo"], sys.executable, str(tmp_path))
    assert on_path == Command(("snakemake", *words), ("demo",))
    assert typed([str(program), *words], [], sys.executable, "/nowhere").words == (str(program), *words)
    module = typed(["/x/snakemake/__main__.py", *words], ["demo"], "/bin/python", "")
    assert module.words == ("/bin/python", "-m", "snakemake", *words)


def test_work_of_hours_is_told_with_what_is_sooner(study: Study) -> None:
    tasks = figure_tasks(study, "", "paper", "fig4d")
    (words,) = announce.notices(study, tasks, ASKED, 2, as_the_table)
    seconds = cost.together(study, "", tasks, 2)
    assert seconds is not None
    assert f"at paper scale will take about {cost.in_words(seconds)} on 2 cores" in words
    lines = [line.split("    ")[0].strip() for line in words.splitlines()[1:]]
    assert lines == [
        f"snakemake {home}figures/fig4d.pdf --cores 8"
        for home in ("published/laptop/", "demo/", "laptop/", "night/")
    ]


def test_a_slower_machine_takes_as_much_longer(study: Study) -> None:
    tasks = figure_tasks(study, "laptop/", "paper", "fig4b")
    seconds = cost.together(study, "laptop/", tasks, 2)
    assert seconds is not None
    (words,) = announce.notices(study, tasks, Command(("snakemake",), ()), 2, half_as_fast)
    assert f"about {cost.in_words(2 * seconds)} on 2 cores" in words


@pytest.mark.parametrize(
    ("home", "figure", "cores", "said"),
    [
        ("", "fig4b", 2, "Each job has 2 threads: --config threads=1"),
        ("", "fig4b", 8, "Each job has 4 threads: --config threads=1"),
        ("", "fig4b", 1, None),
        ("laptop/", "fig4b", 2, None),  # one thread each as it is
    ],
)
def test_jobs_that_could_run_side_by_side_are_told(
    study: Study, home: str, figure: str, cores: int, said: str | None
) -> None:
    (words,) = announce.notices(study, figure_tasks(study, home, "paper", figure), ASKED, cores, as_the_table)
    assert said in words if said else "threads" not in words


def test_one_training_alone_is_not_told_of_others(study: Study) -> None:
    training = next(task for task in figure_tasks(study, "", "paper", "fig4b") if task.rule == "train")
    (words,) = announce.notices(study, [training], ASKED, 2, as_the_table)
    assert "1 training run at paper scale" in words
    assert "threads" not in words


def test_little_work_is_not_even_timed(study: Study) -> None:
    def never(runs: dict[str, dict[str, Any]]) -> None:
        raise AssertionError(runs)

    tasks = figure_tasks(study, "demo/", "paper", "fig3")
    assert list(announce.notices(study, tasks, ASKED, 2, never)) == []
    scored = [task for task in figure_tasks(study, "", "paper", "fig4d") if task.rule != "train"]
    assert list(announce.notices(study, scored, ASKED, 2, never)) == []


def test_a_machine_that_cannot_be_timed_is_told_nothing(study: Study) -> None:
    tasks = figure_tasks(study, "", "paper", "fig4d")
    assert list(announce.notices(study, tasks, ASKED, 2, lambda runs: None)) == []


def test_missing_data_are_told_with_what_needs_none(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("FLEXNET_DATA_MIRROR", "FLEXNET_TORCHVISION_ROOT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("FLEXNET_DOWNLOAD", "0")
    prepared = [Task("prepare_data", {"source": "cifar10", "split": "train"}), Task("train", {"home": ""})]
    words = announce.missing_data(study, prepared, ASKED)
    assert words is not None
    assert "expected cifar10/train; found in none of these places" in words
    assert "snakemake published/laptop/figures/fig4d.pdf --cores 8" in words
    drawn = [Task("prepare_data", {"source": "shapes32", "split": "train"})]
    assert announce.missing_data(study, drawn, ASKED) is None
    other = announce.missing_data(study, prepared, Command(("snakemake", "all"), ("all",)))
    assert other is not None and "snakemake demo" in other


def test_everything_of_a_scale_may_be_under_some_protocols(study: Study) -> None:
    assert study.config("demo/")["everything_under"] == ["paper"]
    for home, protocols in (("demo/", ["paper"]), ("laptop/", study.protocols)):
        for figure in study.figures:
            showing = [name for name in study.protocols if study.is_part(home, figure, name)]
            found = [name for name in study.protocols if study.in_everything(home, figure, name)]
            assert found == ([name for name in showing if name in protocols] or showing[:1])
    assert study.in_everything("demo/", "table3_suite", "corrected")  # nobody else asks it


def test_a_scale_may_make_some_series_of_a_figure(study: Study) -> None:
    twins = {"resnet20": "resnet20", "resnet20-pushpull": "resnet20-pushpull"}
    for figure in ("pushpull/table2", "pushpull/table3", "pushpull/fig7"):
        assert study.series("laptop/", figure, "paper") == twins
        tasks = figure_tasks(study, "laptop/", "paper", figure)
        assert {task.wildcards["model"] for task in tasks if task.rule == "train"} == set(twins)
        for home in ("", "published/laptop/"):
            assert study.series(home, figure, "paper") == study.figures[figure]["series"]
    assert len(study.series("laptop/", "pushpull/table4", "paper")) == 10


def test_a_choice_of_series_does_not_bind_a_figure_that_has_none_of_them(study: Study) -> None:
    own = {"pushpull/table2": {"series": {"mine": "resnet14"}}}
    assert replace(study, figures=own).series("laptop/", "pushpull/table2", "paper") == {"mine": "resnet14"}


def test_everything_of_a_scale_may_be_some_figures(study: Study) -> None:
    named = study.config("night/")["everything_of"]
    found = [name for name in study.figures if study.in_everything("night/", name, "paper")]
    assert sorted(found) == sorted(named) == ["audit", "fig4b", "fig4d", "table3"]
    assert study.shown("night/", "fig4c", "paper")  # and is made when it is named
    offered = [name for name in study.figures if is_offered(study, "night/", "paper", name)]
    assert sorted(offered) == sorted(named)
    assert is_offered(study, "laptop/", "paper", "fig4c")
