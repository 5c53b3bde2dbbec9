"""What a job is told beyond its section: tables of the package, and files of the user's own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flexnet.corruptions import constants
from flexnet.errors import ConfigError
from flexnet.study import jobs
from flexnet.study.configuration import Given, load_figures, load_scales
from flexnet.study.cost import Task, task_seconds
from flexnet.study.places import Places
from flexnet.study.study import Study
from flexnet.yaml_files import read_yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    here = tmp_path_factory.mktemp("here")
    places = Places(ROOT, here)
    scales = load_scales(places, read_yaml(ROOT / "workflow/schemas/config.schema.yaml"), Given())
    figures = load_figures(places, read_yaml(ROOT / "workflow/schemas/figures.schema.yaml"), scales)
    return Study(scales, figures, {}, here)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    constants._tables.cache_clear()
    yield
    constants._tables.cache_clear()


def settings(study: Study, model: str = "resnet20", **section: Any) -> dict[str, Any]:
    config = study.base
    rules = {**config["protocols"]["paper"], "corruptions": section}
    asked = Study({"": {**config, "protocols": {"paper": rules}}}, study.figures, {}, study.here)
    told = jobs.evaluate_settings(asked, "", "corruptions", "paper", model)
    found: dict[str, Any] = json.loads(told)
    return found


def test_constants_are_those_of_the_images_of_a_model(study: Study) -> None:
    told = settings(study)["settings"]["constants"]
    assert told["fog"][4] == constants.constants_of("fog", 5, 32)
    assert len(told) == 19


def test_constants_of_larger_images_are_those_of_their_size(study: Study) -> None:
    told = jobs.told_section(study, "laptop/", "corruptions", "paper", "vgg16-imagenette")["constants"]
    sizes = [constants.constants_of("glass_blur", 5, side) for side in (64, 32)]
    assert told["glass_blur"][4] == sizes[0] != sizes[1]


def test_a_changed_constant_changes_the_jobs_that_use_it_and_no_other(
    study: Study, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[dict[str, Any]] = [
        {},
        {"corruptions": ["fog"]},
        {"corruptions": ["fog"], "severities": [1, 2]},
        {"corruptions": ["snow"]},
        {"corruptions": ["fog"], "constants": "imagenet"},
    ]
    before = [settings(study, **section) for section in asked]
    text = constants.TABLES.read_text(encoding="utf-8")
    assert text.count("[1.5, 1.75]") == 1  # fog of CIFAR-10-C at severity 5
    changed = tmp_path / "severities.yaml"
    changed.write_text(text.replace("[1.5, 1.75]", "[1.5, 1.76]"), encoding="utf-8")
    monkeypatch.setattr(constants, "TABLES", changed)
    constants._tables.cache_clear()
    after = [settings(study, **section) for section in asked]
    assert [old != new for old, new in zip(before, after, strict=True)] == [True, True, False, False, False]


def test_other_families_are_told_what_they_were(study: Study) -> None:
    for family in ("fgsm", "noise", "sweep", "interventions"):
        section = jobs.section_of(study, "", family, "paper")
        assert jobs.told_section(study, "", family, "paper", "vgg16-baseline") == section
        assert jobs.own_files(study, "", family, "paper") == []


def test_a_set_of_ones_own_is_an_input_and_its_missing_file_is_named(study: Study, tmp_path: Path) -> None:
    def files(folder: Path) -> list[str]:
        section = {"corruptions": ["fog"], "folder": str(folder)}
        rules = {**study.base["protocols"]["paper"], "corruptions": section}
        asked = Study({"": {**study.base, "protocols": {"paper": rules}}}, study.figures, {}, study.here)
        return jobs.own_files(asked, "", "corruptions", "paper")

    with pytest.raises(
        ConfigError, match="protocols.paper.corruptions: expected a corrupted set in the folder"
    ):
        files(tmp_path / "none")
    for name in ("labels", "fog"):
        with pytest.raises(ConfigError, match=f"missing are .*'{name}.npy'"):
            files(tmp_path)
        np.save(tmp_path / f"{name}.npy", np.zeros(1))
    assert files(tmp_path) == [str(tmp_path / "fog.npy"), str(tmp_path / "labels.npy")]


def test_a_training_is_told_the_recipe_of_its_own_scale(study: Study) -> None:
    told = {
        home: json.loads(jobs.train_settings(study, home, "small-baseline", "1"))["recipe"]
        for home in ("", "laptop/", "demo/")
    }
    assert told == {home: study.config(home)["recipes"]["small"] for home in told}
    assert len({recipe["epochs"] for recipe in told.values()}) == 3


def test_an_evaluation_is_told_what_its_models_row_says_to_its_family_and_to_no_other(study: Study) -> None:
    def asked(family: str, model: str) -> Any:
        return json.loads(jobs.evaluate_settings(study, "", family, "paper", model))["asked"]

    kinds = ["shuffled", "redrawn", "normal(-0.5,0.1)", "normal(0.5,0.1)", "normal(1,0.1)"]
    assert asked("interventions", "small-flexible") == kinds
    assert asked("fgsm", "small-flexible") is None
    assert asked("interventions", "small-baseline") is None


def test_all_conditions_are_reckoned_with(study: Study) -> None:
    def seconds(family: str) -> float:
        said = {"home": "laptop/", "model": "vgg16-baseline", "family": family, "protocol": "paper"}
        found = task_seconds(study, Task("evaluate", {**said, "seeds": "seed1"}))
        assert found is not None
        return found

    assert seconds("corruptions") > 3 * seconds("fgsm")
