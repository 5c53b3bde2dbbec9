"""What is part of everything, figures of several families, and what is told of figures in folders."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flexnet import config as settings
from flexnet.errors import ConfigError
from flexnet.study.cost import figure_tasks
from flexnet.study.drawing import figure_note, figure_settings, ledger_rows
from flexnet.study.joins import collect_settings, family_files
from flexnet.study.listing import finished_words
from flexnet.study.study import Study
from flexnet.study.suggest import is_offered
from flexnet.study.targets import everything

ROOT = Path(__file__).parents[2]
BASE = settings.read_yaml(ROOT / "config/config.yaml")
FIGURES = settings.read_yaml(ROOT / "config/figures.yaml")
DEMO = settings.read_yaml(ROOT / "config/scales/demo.yaml")
CONFIG = settings.resolve(BASE)
STUDY = Study(
    {"": CONFIG, "demo/": settings.resolve(settings.lay_over(BASE, DEMO))},
    FIGURES,
    {},
    Path("/nowhere"),
)


def test_what_needs_files_of_others_is_offered_and_never_part_of_everything() -> None:
    imported = [name for name in FIGURES if name.endswith("_published")]
    assert len(imported) == 3
    for home in STUDY.scales:
        for name in imported:
            assert f"{home}figures/{name}.pdf" not in everything(STUDY, home)
            assert not [path for path in ledger_rows(STUDY, home) if path.endswith(f"/{name}.csv")]
            assert is_offered(STUDY, home, "paper", name)


def test_protocols_and_scales_that_a_figure_names_are_kept_to() -> None:
    assert "figures/pushpull/table3.pdf" in everything(STUDY, "")
    assert "figures/corrected/pushpull/table3.pdf" not in everything(STUDY, "")
    assert "demo/figures/pushpull/table3.pdf" not in everything(STUDY, "demo/")
    assert is_offered(STUDY, "demo/", "paper", "pushpull/table3")
    assert "demo/figures/pushpull/table5.pdf" in everything(STUDY, "demo/")
    assert [name for name in everything(STUDY, "") if "layers" in name] == ["figures/corrected/layers.pdf"]
    assert not [name for name in everything(STUDY, "demo/") if "layers" in name]


def test_a_figure_of_several_families_joins_the_rows_of_each() -> None:
    files = family_files(STUDY, "demo/", "corrected", "layers")["push-pull"]
    assert files == [
        "demo/results/corruptions/corrected/resnet20-layers-pushpull/all.csv",
        "demo/results/noise/corrected/resnet20-layers-pushpull/seed1.csv",
        "demo/results/fgsm/corrected/resnet20-layers-pushpull/seed1.csv",
        "demo/results/audit/corrected/resnet20-layers-pushpull/all.csv",
    ]
    told = collect_settings(STUDY, "demo/", "corrected", "layers")
    assert '"family":"corruptions"' in told.replace(" ", "")
    assert '"space":"pixel"' in told.replace(" ", "")  # that of the attack
    assert "also" not in collect_settings(STUDY, "demo/", "paper", "fig4d")
    asked = [task.wildcards["family"] for task in figure_tasks(STUDY, "demo/", "corrected", "layers")
             if task.rule == "evaluate"]  # fmt: skip
    assert {family: asked.count(family) for family in asked} == dict.fromkeys(
        ("corruptions", "noise", "fgsm", "audit"), 11
    )
    nobody = replace(
        STUDY, scales={"": CONFIG | {"protocols": {"corrected": {"corruptions": {}, "fgsm": {}}}}}
    )
    assert not nobody.shown("", "layers", "corrected")


def test_families_in_several_units_are_no_figure_and_none_is_offered() -> None:
    got = "got noise in 'normalised', fgsm in 'normalised', audit in 'pixel'; ask for it under corrected"
    for ask in (family_files, collect_settings):
        with pytest.raises(ConfigError, match=got):
            ask(STUDY, "demo/", "paper", "layers")
    protocols = {name: sections for name, sections in CONFIG["protocols"].items() if name != "corrected"}
    alone = replace(STUDY, scales={"": CONFIG | {"protocols": protocols}})
    with pytest.raises(ConfigError, match="in 'pixel'; give their sections one space"):
        collect_settings(alone, "", "paper", "layers")
    for home in STUDY.scales:
        for protocol in STUDY.protocols:
            for figure in FIGURES:
                if is_offered(STUDY, home, protocol, figure) and not STUDY.is_schematic(figure):
                    collect_settings(STUDY, home, protocol, figure)
    assert not is_offered(STUDY, "demo/", "paper", "layers")


def test_bands_are_those_of_the_protocol_and_intervals_where_it_says_nothing() -> None:
    def band(study: Study, protocol: str) -> str:
        told: dict[str, str] = json.loads(collect_settings(study, "", protocol, "fig4d"))
        return told["band"]

    assert [band(STUDY, name) for name in ("paper", "release", "corrected")] == ["sem", "sem", "interval"]
    silent = {key: value for key, value in CONFIG["protocols"]["paper"].items() if key != "band"}
    config = CONFIG | {"protocols": CONFIG["protocols"] | {"paper": silent}}
    assert band(replace(STUDY, scales={"": config}), "paper") == "interval"


def test_a_drawing_is_told_whether_its_scale_is_evidence() -> None:
    told = [json.loads(figure_settings(STUDY, home, "", "fig4d"))["words"] for home in ("", "demo/")]
    assert [words["evidence"] for words in told] == [True, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"also": ["noisy"]}, "layers.also.0: expected a family"),
        (
            {"also": ["history"]},
            "layers.also.0: expected a family that counts answers of models; got 'history'",
        ),
        ({"also": ["corruptions"]}, "layers.also: expected each family once"),
        ({"also": ["sweep"]}, "expected a model that says at_test.sweep"),
        ({"protocols": ["corect"]}, "layers.protocols: expected a protocol"),
    ],
)
def test_what_a_figure_cannot_show_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        settings.check_figures({"layers": FIGURES["layers"] | change}, CONFIG)


def test_a_person_is_told_of_a_figure_by_its_path_and_not_by_its_last_word() -> None:
    paths = ["demo/figures/pushpull/fig1.pdf", "demo/figures/fig1.pdf", "demo/figures/corrected/layers.pdf"]
    lines = finished_words(STUDY, paths).splitlines()
    shown = {line.split()[0]: line for line in lines if line.strip().startswith("demo/")}
    assert FIGURES["pushpull/fig1"]["shows"] in shown[paths[0]]
    assert FIGURES["fig1"]["shows"] in shown[paths[1]]
    assert FIGURES["layers"]["shows"] in shown[paths[2]]


def test_a_run_that_keeps_to_some_seeds_is_told_by_its_captions_and_costs_less(tmp_path: Path) -> None:
    """What is published is no share of it, even where no provenance tells how it was made."""
    kept = CONFIG | {"only_seeds": [3, 5]}
    part = Study({"": kept}, FIGURES, {"published/paper/": tmp_path}, ROOT)
    files = family_files(part, "", "paper", "fig4d")["baseline"]
    assert files == [f"results/fgsm/paper/vgg16-baseline/seed{seed}.csv" for seed in (3, 5)]
    words = "Of each network's seeds, 3, 5 alone."
    assert figure_note(part, "", "", "fig4d") == part.note("") == words
    assert figure_note(part, "published/paper/", "", "fig4d") == part.note("published/paper/") == ""
    trained = [task for task in figure_tasks(part, "", "paper", "fig4d") if task.rule == "train"]
    assert {task.wildcards["seed"] for task in trained} == {"3", "5"}
