"""What decides rows is compared between two configurations: all of it, and nothing else."""

from pathlib import Path

import pytest
import yaml

from flexnet.config import Config, inherited, lay_over, read_yaml
from flexnet.families.registry import families_of
from flexnet.study.circumstances import changed, circumstances

ROOT = Path(__file__).parents[2]
FIGURES = read_yaml(ROOT / "config/figures.yaml")
LAPTOP = lay_over(read_yaml(ROOT / "config/config.yaml"), read_yaml(ROOT / "config/scales/laptop.yaml"))


def laptop(**keys: object) -> Config:
    """The scale, with what keys of the form `part__row__key` say."""
    config = yaml.safe_load(yaml.safe_dump(LAPTOP))
    for path, value in keys.items():
        *parts, last = path.split("__")
        place = config
        for part in parts:
            place = place.setdefault(part.replace("_DASH_", "-"), {})
        place[last] = value
    return inherited(config)


def other(figure: str, model: str, **keys: object) -> list[str]:
    """What differs for a model in a figure of the paper's protocol."""
    asking = families_of(FIGURES[figure])
    then, now = (circumstances(config, "paper", [model], asking) for config in (laptop(), laptop(**keys)))
    return changed(then, now)


@pytest.mark.parametrize(
    ("figure", "model", "keys", "expected"),
    [
        ("fig4d", "vgg16-baseline", {"seed": 7}, ["the study's seed"]),
        ("fig4d", "vgg16-baseline", {"protocols__paper__fgsm__epsilons": [0, 0.3]}, ["the rules of fgsm"]),
        # What is taken from another section counts where its own says nothing else.
        (
            "table2",
            "small-baseline",
            {"protocols__paper__fgsm__clamp": "valid"},
            ["the rules of interventions"],
        ),
        ("table2", "small-baseline", {"protocols__paper__fgsm__epsilons": [0, 0.3]}, []),
        ("table3", "vgg16-baseline", {"recipes__surrogate__epochs": 1}, ["surrogate: recipe"]),
        ("fig4b", "vgg16-baseline", {"sources__cifar10__size": 64}, ["the images of cifar10"]),
        ("fig4b", "vgg16-baseline", {"datasets__cifar10__per_class": 3}, ["the dataset cifar10"]),
        (
            "fig4b",
            "vgg16-baseline",
            {"models__vgg16_DASH_baseline__options": {"width": 0.5}},
            ["vgg16-baseline: options"],
        ),
    ],
)
def test_what_decides_rows_is_named(
    figure: str, model: str, keys: dict[str, object], expected: list[str]
) -> None:
    assert other(figure, model, **keys) == expected


def test_what_a_model_says_of_the_audit_counts_and_the_networks_that_it_names() -> None:
    asked = {"twin": "surrogate", "surrogate": "small-flexible"}
    found = other("audit_small", "small-baseline", models__small_DASH_baseline__at_test={"audit": asked})
    assert "small-baseline: at_test of audit" in found
    assert "surrogate: network" in found  # which takes part now
    assert other("table2", "small-baseline", models__small_DASH_baseline__at_test={"audit": asked}) == []


def test_drawings_that_are_judged_count() -> None:
    model = next(iter(FIGURES["fig6"]["series"].values()))
    dataset = next(iter(laptop()["protocols"]["paper"]["drawings"]["judged_on"].values()))
    keys = {f"datasets__{dataset.replace('-', '_DASH_')}__test_per_class": 3}
    assert other("fig6", model, **keys) == [f"the dataset {dataset}"]


def test_a_family_that_one_protocol_does_not_ask_differs_and_stops_nothing() -> None:
    asking, model = families_of(FIGURES["fig6"]), next(iter(FIGURES["fig6"]["series"].values()))
    then, now = laptop(), laptop()
    del now["protocols"]["paper"]["drawings"]
    found = changed(*(circumstances(config, "paper", [model], asking) for config in (then, now)))
    assert found[-1] == "the rules of drawings"
    assert all(part.startswith(("the dataset", "the images")) for part in found[:-1])


@pytest.mark.parametrize(
    "keys",
    [
        {"protocols__paper__fgsm__epsilons": [0, 0.3]},  # of another family than that of the figure
        {"recipes__surrogate__epochs": 1},
        {"models__vgg16_DASH_random__options": {"width": 0.5}},
        {"models__vgg16_DASH_baseline__seeds": 9},
        {"sources__fashion_mnist__size": 64},
        {"note": "other words"},
    ],
)
def test_what_decides_other_rows_does_not_count(keys: dict[str, object]) -> None:
    assert other("fig4b", "vgg16-baseline", **keys) == []


def test_what_one_of_the_two_lacks_differs() -> None:
    assert changed({"a": 1}, {"a": 1, "b": 2}) == ["b"]
    assert changed({"a": 1, "b": 2}, {"a": 1}) == ["b"]
