"""The configuration that goes into a provenance is the one with which a scale runs."""

import shutil
from pathlib import Path

import pytest

from flexnet.study.configuration import Given, load_scales
from flexnet.study.places import Places
from flexnet.study.written import written
from flexnet.yaml_files import read_yaml

ROOT = Path(__file__).parents[2]
RESOLVED = {"models", "recipes", "protocols"}  # rows that are like others, which stay so in a provenance


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the configuration with a scale that is like one that is like another."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    scales = tmp_path / "config/scales"
    (scales / "second.yaml").write_text("like: demo\nrecipes: { vgg: { momentum: 0.5 } }\n")
    (scales / "third.yaml").write_text("like: second\nrecipes: { vgg: { epochs: 3 } }\nnote: Mine.\n")
    return tmp_path


@pytest.mark.parametrize("scale", ["paper", "laptop", "demo", "second", "third"])
def test_what_is_written_is_what_runs(scale: str, checkout: Path) -> None:
    found = written(checkout, scale)
    schema = read_yaml(ROOT / "workflow/schemas/config.schema.yaml")
    runs = load_scales(Places(checkout, checkout), schema, Given())["" if scale == "paper" else f"{scale}/"]
    assert {key: value for key, value in found.items() if key not in RESOLVED} == {
        key: value for key, value in runs.items() if key not in RESOLVED
    }
    assert set(found["models"]) == set(runs["models"])
    for key in ("epochs", "momentum", "learning_rate"):
        assert found["recipes"]["vgg"][key] == runs["recipes"]["vgg"][key]


def test_a_scale_that_is_like_another_keeps_what_it_does_not_change(checkout: Path) -> None:
    found, demo = written(checkout, "third"), written(checkout, "demo")
    assert (found["note"], found["evidence"]) == ("Mine.", demo["evidence"])
    assert found["recipes"]["vgg"] == demo["recipes"]["vgg"] | {"momentum": 0.5, "epochs": 3}
    assert found["datasets"] == demo["datasets"]
