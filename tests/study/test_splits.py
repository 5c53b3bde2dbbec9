"""Splits by role: what jobs are told of sources that name splits otherwise, or have none to train on."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from flexnet import config as settings
from flexnet.data.catalogue import DATASETS, Dataset
from flexnet.data.shapes.splits import SPLITS as RENDERINGS
from flexnet.errors import ConfigError
from flexnet.study import cost, jobs
from flexnet.study.data import Used, images_of, splits_of, used_images
from flexnet.study.parts import Part
from flexnet.study.study import Study

ROOT = Path(__file__).parents[2]
BASE = settings.read_yaml(ROOT / "config/config.yaml")
SCHEMA = settings.read_yaml(ROOT / "workflow/schemas/config.schema.yaml")
DRAWINGS = {"drawings": {"source": "cifar10g-contours"}}
PHOTOS: dict[str, Any] = {
    "sources": {"small": {"dataset": "imagenette", "title": "Photos", "size": 64}},
    "datasets": {"photos": {"source": "small", "per_class": 20}},
    "models": {
        "mine": {
            **{"dataset": "photos", "network": "vgg16", "recipe": "vgg", "seeds": 1},
            "options": {"input_size": 64, "head": "global"},
        }
    },
}


def resolved(*layers: Any) -> settings.Config:
    config = BASE
    for layer in layers:
        config = settings.lay_over(config, layer)
    return settings.load(
        config, SCHEMA, [Part("config.yaml", BASE), *(Part("mine", layer) for layer in layers)]
    )


def study(*layers: Any) -> Study:
    return Study({"": resolved(*layers)}, {}, {}, ROOT)


def refused(*layers: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        resolved(*layers)
    return str(caught.value)


def trained_on(dataset: str) -> dict[str, Any]:
    return {"models": {"vgg16-random": {"dataset": dataset}}}


def source(**row: Any) -> dict[str, Any]:
    return {"sources": {"mine": {"title": "Mine", **row}}}


# --- what stood stays as it was ---------------------------------------------------------------------


def test_what_jobs_were_told_before_there_were_roles_they_are_told_still() -> None:
    """Canonical texts of then: another word, and every image is prepared, chosen and learned again."""
    today = study()
    assert (
        jobs.data_settings(today, "cifar10", "train") == '{"dataset":"cifar10","options":{},"split":"train"}'
    )
    assert jobs.data_settings(today, "shapes28", "test") == (
        '{"dataset":"shapes","options":{"channels":1,"n":500,"size":28},"split":"test"}'
    )
    assert jobs.data_code(today, "fashion_mnist", "test") == (
        '{"10000":"99e65a33b88166ba50844b296799af18d9eb1491eb7f2eb3875b8f184762f39c"}'
    )
    assert jobs.subset_settings(today, "", "cifar10-1000", "3") == (
        '{"expects":{"test":{"dataset":"cifar10","split":"test"},'
        '"training":{"dataset":"cifar10","split":"train"}},'
        '"row":{"per_class":100,"source":"cifar10"},"run_seed":0,"seed":3}'
    )
    assert jobs.arrays_of(today, "", "fashion-mnist") == {
        "training": "data/fashion_mnist/train.safetensors",
        "test": "data/fashion_mnist/test.safetensors",
    }
    assert "classes" not in json.loads(jobs.train_settings(today, "", "small-baseline", "1"))["options"]


# --- roles ------------------------------------------------------------------------------------------


def test_photos_are_scored_on_their_validation_split() -> None:
    told = study(PHOTOS)
    assert list(jobs.arrays_of(told, "", "photos", "json").values()) == [
        "data/small/train.json",
        "data/small/val.json",
    ]
    assert json.loads(jobs.data_settings(told, "small", "val")) == {
        **{"dataset": "imagenette", "split": "val", "options": {"size": 64}}
    }
    assert json.loads(jobs.subset_settings(told, "", "photos", "1"))["expects"] == {
        "training": {"dataset": "imagenette", "split": "train"},
        "test": {"dataset": "imagenette", "split": "val"},
    }
    assert {"train", "test", "val", "contours"} <= jobs.all_splits(told)


def test_splits_may_be_exchanged_and_chosen() -> None:
    turned = source(dataset="imagenette", splits={"train": "val", "test": "train"})
    assert splits_of(turned["sources"]["mine"]) == {"train": "val", "test": "train"}
    assert images_of(turned["sources"]["mine"]).counts == {"train": 3_925, "test": 9_469}
    small = {"sources": {"mine": {"size": 32}}}
    told = study(turned, small, {"datasets": {"turned": {"source": "mine"}}}, trained_on("turned"))
    assert jobs.arrays_of(told, "", "turned")["training"] == "data/mine/val.safetensors"


def test_the_size_of_images_is_part_of_what_makes_them_and_of_nothing_else() -> None:
    whole, small = source(dataset="imagenette"), source(dataset="imagenette", size=64)
    before, after = (jobs.data_code(study(layer), "mine", "val") for layer in (whole, small))
    assert json.loads(after)["content"] == json.loads(before)
    assert before != after
    assert (images_of(small["sources"]["mine"]).size, images_of(whole["sources"]["mine"]).size) == (64, 224)


def test_the_embedded_dataset_draws_sets_to_be_judged_on() -> None:
    drawn = source(dataset="shapes", splits={"test": "silhouettes_inverted"}, size=32, channels=3, test=100)
    told = study(drawn, {"datasets": {"drawn": {"source": "mine"}}})
    assert json.loads(jobs.data_settings(told, "mine", "silhouettes_inverted")) == {
        "dataset": "shapes",
        "split": "silhouettes_inverted",
        "options": {"n": 100, "size": 32, "channels": 3},
    }
    assert jobs.arrays_of(told, "", "drawn") == {"test": "data/mine/silhouettes_inverted.safetensors"}


def test_every_set_of_drawings_has_a_source() -> None:
    rows = [row for row in resolved()["sources"].values() if row["dataset"] == "cifar10g"]
    sizes = {row.get("size", 224) for row in rows}
    asked = [(row["splits"]["test"], row.get("size", 224)) for row in rows]
    assert sizes == {224, 64}
    assert sorted(asked) == sorted(product(DATASETS["cifar10g"].splits, sizes))  # each once
    assert len({row["title"] for row in rows}) == len(rows)


def test_a_dataset_without_training_images_may_be_judged_on() -> None:
    told = study({"datasets": {"drawings": {"source": "cifar10g-contours", "test_per_class": 5}}})
    assert jobs.arrays_of(told, "", "drawings") == {"test": "data/cifar10g-contours/contours.safetensors"}
    assert json.loads(jobs.subset_settings(told, "", "drawings", "1"))["expects"] == {
        "test": {"dataset": "cifar10g", "split": "contours"}
    }


def test_nothing_trains_on_a_dataset_without_training_images() -> None:
    assert (
        "mine: models.vgg16-random.dataset: expected a dataset to train on; 'drawings' can only be judged on,"
        " as its source has no split in the role 'train'; choose another"
    ) in refused({"datasets": DRAWINGS}, trained_on("drawings"))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"dataset": "imagenette", "splits": {"test": "vall"}},
            "splits.test: expected a split of imagenette",
        ),
        (
            {"dataset": "cifar10", "splits": {"test": "val"}},
            "splits.test: expected a split of cifar10: one of",
        ),
        ({"dataset": "cifar10", "splits": {"val": "test"}}, "splits: unknown key 'val'; expected keys among"),
        ({"dataset": "cifar10", "splits": {}}, "splits: expected at least 1 key"),
        (
            {"dataset": "cifar10", "splits": {"train": "test", "test": "test"}},
            "splits: expected another split",
        ),
        ({"dataset": "cifar10g"}, "splits: expected which split is scored, such as splits: {test: contours}"),
        ({"dataset": "imagenette", "size": 8}, "size: expected a number of at least 16; got 8"),
        ({"dataset": "cifar10", "train": 100}, "train: only the embedded dataset 'shapes' has this key"),
        ({"dataset": "shapes", "test": 100}, "'train' is a required property"),
        (
            {"dataset": "shapes", "splits": {"test": "contours"}},
            "test: expected how many images of the split",
        ),
        (
            {"dataset": "shapes", "splits": {"test": "contours"}, "test": 50, "train": 60},
            "train: expected no number where no split plays the role; got 60",
        ),
    ],
)
def test_a_source_whose_roles_cannot_be_is_refused(row: dict[str, Any], message: str) -> None:
    assert f"mine: sources.mine{'.' if message[0] != chr(39) else ': '}{message}" in refused(source(**row))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"per_class": 5},
            "per_class: expected at most 0 of each class: the source has 0 images of 10 classes",
        ),
        ({"holdout_per_class": 5}, "holdout_per_class: expected at most 0 of each class"),
        (
            {"test_per_class": 11},
            "test_per_class: expected at most 10 of each class: the source has 100 images",
        ),
    ],
)
def test_a_dataset_that_asks_for_images_that_are_not_there_is_refused(
    row: dict[str, Any], message: str
) -> None:
    layer = {"datasets": {"drawings": {"source": "cifar10g-contours", **row}}}
    assert f"mine: datasets.drawings.{message}" in refused(layer)


def test_a_source_of_which_nothing_is_scored_serves_no_dataset() -> None:
    layer = {**source(dataset="cifar10", splits={"train": "train"}), "datasets": {"one": {"source": "mine"}}}
    assert "datasets.one.source: expected a source with a split that is scored; this one has" in refused(
        layer
    )


def test_a_path_of_a_split_that_plays_no_role_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"data/cifar10/val: expected a split of sources\.cifar10 that plays"
    ):
        jobs.data_settings(study(), "cifar10", "val")


def test_roles_of_the_catalogue_are_splits_that_there_are() -> None:
    for record in DATASETS.values():
        assert set(record.roles.values()) <= set(record.splits), record.name
    assert {"train", "test"} <= set(RENDERINGS)


# --- sizes from what is there -----------------------------------------------------------------------


@pytest.fixture
def seven(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A source of 7 classes in colour at 32 pixels, whose splits have other names, and a dataset of it."""
    record = Dataset(
        name="seven",
        splits={"learn": (700,), "check": (280, 140)},
        size=32,
        channels=3,
        classes=tuple("abcdefg"),
        licence="none",
        citation="none",
        roles={"train": "learn", "test": "check"},
    )
    monkeypatch.setitem(DATASETS, "seven", record)
    row = {"source": "mine", "per_class": 50, "holdout_per_class": 4}
    return {**source(dataset="seven"), "datasets": {"cifar10": row}}


def test_a_network_has_as_many_logits_as_its_dataset_has_classes(seven: dict[str, Any]) -> None:
    told = study(seven)
    options = json.loads(jobs.train_settings(told, "", "vgg16-flexible", "1"))["options"]
    assert options == {"flexible": "single", "layer": {"rule": "below", "scheme": "learned"}, "classes": 7}
    elsewhere = json.loads(jobs.train_settings(told, "", "vgg16-flexible-1000", "1"))["options"]
    assert "classes" not in elsewhere
    more = study(seven, {"models": {"vgg16-flexible": {"options": {"classes": 9}}}})
    assert more.model("", "vgg16-flexible")["options"]["classes"] == 9
    fewer = {"models": {"vgg16-flexible": {"options": {"classes": 6}}}}
    assert "options.classes: expected at least the 7 classes of dataset 'cifar10'; got 6" in refused(
        seven, fewer
    )


def test_numbers_of_images_follow_the_classes_and_splits(seven: dict[str, Any]) -> None:
    config = resolved(seven)
    row, mine = config["datasets"]["cifar10"], config["sources"]["mine"]
    assert used_images(row, mine) == Used(350, 280, 7)
    assert used_images({**row, "score": "holdout"}, mine) == Used(350, 28, 7)
    assert used_images({"source": "mine", "holdout_per_class": 4}, mine) == Used(672, 280, 7)
    assert used_images({"source": "mine", "test_per_class": 3}, mine) == Used(700, 21, 7)
    assert settings.classes_of(config, "cifar10") == 7
    used = cost.used_of(study(seven).base, "vgg16-baseline")
    assert (used.training, used.scored) == (350, 280)
