"""Networks beside the one that is asked: whose weights a job gets, and whose code it depends on."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

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


def changed(study: Study, *path: str, value: Any) -> Study:
    """The study with another value at a path of the papers' scale."""
    config = copy.deepcopy(dict(study.base))
    *keys, last = path
    section = config
    for key in keys:
        section = section[key]
    section[last] = value
    return replace(study, scales={**study.scales, "": config})


def weights(*models: str, seeds: range = range(1, 6)) -> dict[str, list[str]]:
    names = ("twin", "surrogate")[-len(models) :]
    return {
        key: [f"results/models/{model}/seed{seed}.safetensors" for seed in seeds]
        for key, model in zip(names, models, strict=True)
    }


def test_a_job_gets_the_surrogate_of_each_of_its_seeds(study: Study) -> None:
    for protocol in ("paper", "release", "corrected"):
        found = jobs.other_models(study, "", "pgd", protocol, "vgg16-flexible", "all")
        assert found == weights("surrogate")
    one = jobs.other_models(study, "", "pgd", "paper", "vgg16-flexible", "seed3")
    assert one == {"surrogate": ["results/models/surrogate/seed3.safetensors"]}
    assert jobs.other_models(study, "", "fgsm", "paper", "vgg16-flexible", "seed3") == {}


def test_what_a_model_row_says_goes_before_the_protocol_and_nobody_is_his_own_twin(study: Study) -> None:
    def others(model: str) -> dict[str, list[str]]:
        return jobs.other_models(study, "", "audit", "paper", model, "all")

    ten = range(1, 11)
    assert others("vgg16-random") == weights("vgg16-baseline", "surrogate")
    assert others("vgg16-baseline") == weights("surrogate")
    assert others("small-above") == weights("small-baseline", "small-flexible", seeds=ten)
    assert others("small-flexible") == {"twin": weights("small-baseline", seeds=ten)["surrogate"]}
    none = changed(study, "protocols", "paper", "pgd", "surrogate", value=None)
    assert jobs.other_models(none, "", "pgd", "paper", "vgg16-random", "all") == {}


def test_a_job_depends_on_the_code_of_the_networks_that_it_gets(study: Study) -> None:
    def code(found: Study) -> str:
        return jobs.evaluate_code(found, "", "pgd", "paper", "vgg16-baseline")

    without = changed(study, "protocols", "paper", "pgd", "surrogate", value=None)
    another = changed(study, "protocols", "paper", "pgd", "surrogate", value="densenet40-12")
    assert len({code(study), code(without), code(another)}) == 3


@pytest.mark.parametrize(
    ("family", "protocol"), [("pgd", "corrected"), ("suite", "corrected"), ("audit", "paper")]
)
def test_attacks_of_many_steps_cost_what_they_do_for_the_images_that_they_see(
    study: Study, family: str, protocol: str
) -> None:
    def seconds(found: Study, model: str = "vgg16-baseline") -> float:
        said = {"home": "", "model": model, "family": family, "protocol": protocol, "seeds": "all"}
        cost = task_seconds(found, Task("evaluate", said))
        assert cost is not None
        return cost

    fewer = changed(study, "protocols", protocol, family, "images", value=50)
    assert seconds(fewer) < seconds(study) / 5
    sizes = [0.01, 0.02, 0.03, 0.04, 0.05]
    longer = {"pgd": ("steps", [20, 200]), "suite": ("epsilons", sizes), "audit": ("steps", 60)}
    key, value = longer[family]
    assert seconds(changed(study, "protocols", protocol, family, key, value=value)) > 1.2 * seconds(study)
    assert seconds(study, "vgg16-random") > {"audit": 2}.get(family, 5) * seconds(study)
