"""Networks to make again are found by the whole path of the figures that show them."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml

from flexnet.config import read_yaml
from flexnet.errors import ConfigError

ROOT = Path(__file__).parents[2]
FIGURES = read_yaml(ROOT / "config/figures.yaml")
TABLE = (
    "figure,protocol,series,model,seed,epsilon,draw,n,correct,accuracy\n{},paper,baseline,{},1,0,0,4,1,0.25\n"
)


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, in a checkout with two figures of one stem that show other models and families."""
    spec = importlib.util.spec_from_file_location("verify", ROOT / "workflow/scripts/verify.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    theirs = FIGURES["table2"] | {"series": {"baseline": "small-baseline"}, "instead": {}}
    (tmp_path / "config").mkdir()
    registry = yaml.safe_dump({"fig4d": FIGURES["fig4d"], "pushpull/fig4d": theirs})
    (tmp_path / "config/figures.yaml").write_text(registry)
    for figure, model in (("fig4d", "vgg16-baseline"), ("pushpull/fig4d", "small-baseline")):
        path = tmp_path / f"published/laptop/results/rows/paper/{figure}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TABLE.format(figure, model))
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return module


@pytest.mark.parametrize(
    ("model", "figure", "made"),
    [
        ("vgg16-baseline", "fig4d", "verified/results/fgsm/paper/vgg16-baseline/seed1.csv"),
        ("small-baseline", "pushpull/fig4d", "verified/results/interventions/paper/small-baseline/all.csv"),
    ],
)
def test_a_network_is_compared_with_the_rows_of_its_own_figure(
    model: str, figure: str, made: str, script: ModuleType, tmp_path: Path
) -> None:
    (subject,) = script.subjects("laptop", [f"{model}:1"])
    assert subject.table == tmp_path / f"published/laptop/results/rows/paper/{figure}.csv"
    assert subject.made == made


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ({"processor": "P", "gpu": "none", "torch": "2"}, []),
        ({"processor": "Q", "gpu": "none", "torch": "1"}, ["processor Q, here P", "torch 1, here 2"]),
        ({"processor": "P", "torch": "2"}, []),  # before GPUs were noted
        ({"processor": "P", "gpu": "G", "torch": "2"}, ["gpu G, here none"]),
    ],
)
def test_what_rounds_otherwise_is_told_where_rows_do_not_repeat(
    then: dict[str, str],
    told: list[str],
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        script, "machine", lambda: {"processor": "P", "gpu": "none", "torch": "2", "cores": 2}
    )
    (subject,) = script.subjects("laptop", ["vgg16-baseline:1"])
    assert script.elsewhere("laptop", subject) == []  # without a provenance
    table = "results/rows/paper/fig4d.csv"
    runs = [{"machine": then | {"cores": 9}, "sha256": {table: "0"}, "config": {"seed": 0}}]
    others = {"machine": {"processor": "R"}, "sha256": {table: "0"}, "config": {"seed": 0}}
    others["networks"] = {"vgg16-baseline": {"data": {"seed2": ""}}}
    runs[0]["networks"] = {"vgg16-baseline": {"data": {"seed1": ""}}}
    (tmp_path / "published/laptop/provenance.json").write_text(json.dumps({"runs": [others, *runs]}))
    assert script.elsewhere("laptop", subject) == told  # by the run of its seed


Answers = list[tuple[int, float, int]]  # seed, size of the attack, right answers of 4


def compared(script: ModuleType, folder: Path, published: Answers, made: Answers) -> tuple[int, list[str]]:
    """What is said of seed 1 of a network."""
    before = [
        "figure,protocol,series,model,seed,epsilon,draw,n,correct,accuracy",
        *(f"fig4d,paper,b,one,{seed},{size},0,4,{right},{right / 4}" for seed, size, right in published),
    ]
    after = [
        "model,seed,protocol,epsilon,draw,n,correct,accuracy",
        *(f"one,{seed},paper,{size},0,4,{right},{right / 4}" for seed, size, right in made),
    ]
    (folder / "published.csv").write_text("\n".join(before) + "\n")
    (folder / "made.csv").write_text("\n".join(after) + "\n")
    subject = script.Subject("one", 1, folder / "published.csv", "made.csv", "fgsm")
    found: tuple[int, list[str]] = script.differences(subject, folder)
    return found


def test_rows_that_differ_and_rows_that_are_no_longer_there_do_not_repeat(
    script: ModuleType, tmp_path: Path
) -> None:
    published = [(1, 0.0, 4), (1, 0.1, 3), (1, 0.2, 2)]
    assert compared(script, tmp_path, published, published) == (3, [])
    assert compared(script, tmp_path, published, [(1, 0.0, 4), (1, 0.1, 1)]) == (
        3,
        [
            "epsilon 0.1, draw 0: 3 of 4 published, 1 of 4 now",
            "epsilon 0.2, draw 0: 2 of 4 published, no row now",
        ],
    )


def test_a_network_is_not_compared_with_another_seed_of_its_model(script: ModuleType, tmp_path: Path) -> None:
    published = [(1, 0.1, 3), (2, 0.1, 2)]
    assert compared(script, tmp_path, published, [(1, 0.1, 3)]) == (1, [])
    _, lines = compared(script, tmp_path, published, [(1, 0.1, 1), (2, 0.1, 2)])
    assert lines == ["epsilon 0.1, draw 0: 3 of 4 published, 1 of 4 now"]


def test_a_network_of_no_published_figure_is_named(script: ModuleType) -> None:
    with pytest.raises(ConfigError, match="hmax:1: expected a network with rows below"):
        list(script.subjects("laptop", ["hmax:1"]))


@pytest.fixture
def here() -> ModuleType:
    """The script, in this checkout."""
    sys.path.insert(0, str(ROOT / "workflow/scripts"))
    try:
        return importlib.import_module("verify")
    finally:
        sys.path.pop(0)


def named_in(path: str) -> list[tuple[str, str]]:
    """Scales and networks that a text names for verify.py, or for make verify."""
    text = (ROOT / path).read_text()
    scale = re.search(r"verify\.py (\w+) ", text)
    return [(scale[1] if scale else "laptop", network) for network in re.findall(r"[\w-]+:\d+\b", text)]


@pytest.mark.parametrize("path", ["Makefile", "docs/results.md", "workflow/scripts/verify.py"])
def test_networks_that_are_named_as_examples_are_configured_as_published(path: str, here: ModuleType) -> None:
    named = [(scale, network) for scale, network in named_in(path) if not network.startswith("model:")]
    assert named
    for scale, network in named:
        for subject in here.subjects(scale, [network]):
            here.require_same_settings(scale, subject)


def test_a_network_that_is_judged_otherwise_by_now_is_not_trained(
    here: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    (subject, *_) = here.subjects("bf16", ["small-max:1"])
    written = here.written

    def changed(checkout: Path, scale: str) -> Any:
        found = written(checkout, scale)
        found["protocols"]["corrected"]["fgsm"]["draws"] = 3
        return found

    monkeypatch.setattr(here, "written", changed)
    with pytest.raises(ConfigError, match="other by now: the rules of interventions; check out the commit"):
        here.require_same_settings("bf16", subject)


def test_of_each_network_the_seed_that_is_named_is_trained_alone(
    here: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **_: object) -> Any:
        asked.append(command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(here.subprocess, "run", run)
    here.make("bf16", list(here.subjects("bf16", ["small-max:2"])), tmp_path, 1)
    (command,) = asked
    assert command[-2:] == [
        "scales={verified: {like: bf16, models: {small-max: {seeds: 2}}}}",
        "only_seeds=[2]",
    ]
