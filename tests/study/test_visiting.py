"""Models that are judged on other datasets: what jobs are told, what they wait for, and what does not fit."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from flexnet.errors import ConfigError
from flexnet.study import jobs
from flexnet.study.configuration import Given, load_figures, load_scales
from flexnet.study.places import Places
from flexnet.study.rows import row_problems
from flexnet.study.study import Study
from flexnet.yaml_files import read_yaml

ROOT = Path(__file__).parents[2]
ASKED = ("drawings", "paper")
STYLES = ("contours", "line_drawings", "silhouettes")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    here = tmp_path_factory.mktemp("here")
    places = Places(ROOT, here)
    scales = load_scales(places, read_yaml(ROOT / "workflow/schemas/config.schema.yaml"), Given())
    figures = load_figures(places, read_yaml(ROOT / "workflow/schemas/figures.schema.yaml"), scales)
    return Study(scales, figures, {}, here)


def changed(study: Study, **changes: Any) -> Study:
    """The study with other rows: datasets__cifar10_grey=... changes the row cifar10-grey."""
    config = copy.deepcopy(study.base)
    for path, value in changes.items():
        section, name = path.replace("_", "-").split("--")
        config[section][name] = value
    return Study({"": config}, study.figures, {}, study.here)


def settings(study: Study, home: str = "", model: str = "vgg16-grey") -> dict[str, Any]:
    told = jobs.evaluate_settings(study, home, *ASKED, model)
    found: dict[str, Any] = json.loads(told)["settings"]
    return found


def test_a_job_is_told_files_titles_and_classes_of_all_six_sets(study: Study) -> None:
    told = settings(study)
    assert set(told["judged_on"]) == {f"{style}{end}" for style in STYLES for end in ("", "_inverted")}
    assert told["judged_on"]["line_drawings_inverted"] == {
        "arrays": "data/cifar10g-line-drawings-inverted/line_drawings_inverted.safetensors",
        "subset": "results/subsets/cifar10g-line-drawings-inverted/seed1.json",
        "title": "CIFAR-10G inverted line drawings",
    }
    assert told["classes"][:3] == ["airplane", "automobile", "bird"]


@pytest.mark.parametrize("home", ["demo/", "laptop/"])
def test_other_scales_judge_on_images_of_their_own_size(study: Study, home: str) -> None:
    told = settings(study, home)["judged_on"]["contours"]
    size = {"demo/": "shapes28-contours", "laptop/": "cifar10g-contours-64"}[home]
    assert told["arrays"] == f"data/{size}/contours.safetensors"
    assert told["subset"].startswith(home)


def test_jobs_wait_for_images_manifests_and_choices_of_the_sets(study: Study) -> None:
    images, choices = (find(study, "", *ASKED) for find in (jobs.visited_images, jobs.visited_choices))
    told = settings(study)["judged_on"].values()
    assert set(images) == {one["arrays"] for one in told}
    assert set(choices) == {one["subset"] for one in told} | {
        one["arrays"].replace(".safetensors", ".json") for one in told
    }


@pytest.mark.parametrize("family", ["fgsm", "noise", "interventions", "bandpass"])
def test_jobs_of_other_families_wait_for_nothing_and_are_told_their_section_alone(
    study: Study, family: str
) -> None:
    assert jobs.visited_images(study, "", family, "paper") == []
    assert jobs.visited_choices(study, "", family, "paper") == []
    told = json.loads(jobs.evaluate_settings(study, "", family, "paper", "vgg16-baseline"))
    section = jobs.section_of(study, "", family, "paper")
    assert told["settings"] == json.loads(json.dumps(section))
    assert set(told) == {"family", "model", "protocol", "settings", "asked"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        # Fashion-MNIST has ten classes as well, but others.
        ({"sources__cifar10g_contours": {"dataset": "fashion_mnist", "title": "x", "size": 224}},
         "judged_on.contours: expected the classes of 'cifar10-grey' in their order, airplane, automobile"),
        ({"sources__cifar10g_contours": {"dataset": "cifar10g", "title": "x", "splits": {"test": "contours"},
                                         "size": 64}}, "expected images of 1 x 224 x 224.*1 x 64 x 64"),
        ({"sources__cifar10g_contours": {"dataset": "cifar10g", "title": "x", "splits": {"test": "contours"},
                                         "channels": 3}}, "expected images of 1 x 224 x 224.*3 x 224 x 224"),
    ],
)  # fmt: skip
def test_datasets_that_do_not_fit_a_model_are_refused_before_a_job_starts(
    study: Study, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        settings(changed(study, **changes))


def test_networks_of_colour_images_are_judged_on_grey_drawings_and_not_the_other_way(study: Study) -> None:
    told = settings(study, model="vgg16-colour")["judged_on"]
    assert told == settings(study)["judged_on"]
    colour = {"dataset": "cifar10g", "title": "x", "splits": {"test": "contours"}, "size": 224, "channels": 3}
    with pytest.raises(ConfigError, match=r"expected images of 1 x 224 x 224.*3 x 224 x 224"):
        settings(changed(study, sources__cifar10g_contours=colour))


def test_a_model_of_other_images_cannot_be_asked(study: Study) -> None:
    with pytest.raises(ConfigError, match="expected images of 3 x 32 x 32, as 'cifar10' has"):
        settings(study, model="vgg16-baseline")


def found_problems(study: Study, dataset: Any, **changes: Any) -> list[str]:
    config = copy.deepcopy(changed(study, **changes).base)
    config["protocols"]["paper"]["drawings"]["judged_on"] = {"contours": dataset}
    return [str(problem) for problem in row_problems(config)]


def test_names_that_refer_to_nothing_are_told_with_the_nearest(study: Study) -> None:
    (problem,) = found_problems(study, "cifar10g-contour")
    assert problem.startswith("protocols.paper.drawings.judged_on.contours: expected a row of datasets")
    assert "did you mean 'cifar10g-contours'" in problem
    assert found_problems(study, "cifar10g-contours") == []


def test_a_dataset_whose_test_images_are_not_scored_is_refused(study: Study) -> None:
    held = {"source": "cifar10-grey", "holdout_per_class": 10, "score": "holdout"}
    (problem,) = found_problems(study, "cifar10-grey", datasets__cifar10_grey=held)
    assert "expected a dataset with test images that are scored" in problem


def test_a_change_of_what_is_judged_on_changes_that_job_and_no_training(study: Study) -> None:
    other = copy.deepcopy(study.base)
    other["protocols"]["paper"]["drawings"]["judged_on"].pop("contours")
    fewer = Study({"": other}, study.figures, {}, study.here)
    assert settings(fewer) != settings(study)
    assert jobs.train_settings(fewer, "", "vgg16-grey", "1") == jobs.train_settings(
        study, "", "vgg16-grey", "1"
    )
