"""What every family keeps to, the next one included: declared columns, and the same answers twice."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
import torch

from flexnet import config
from flexnet.data.manifest import origin
from flexnet.data.prepare import prepare
from flexnet.data.shapes import CLASSES
from flexnet.data.shapes.splits import SHAPES
from flexnet.errors import ConfigError
from flexnet.evaluation.subject import Answer, Job, Subject
from flexnet.families.base import Family
from flexnet.families.registry import FOLDER, conditions, families
from flexnet.networks.registry import build
from flexnet.problems import refuse
from flexnet.tables.columns import CONDITIONS, COUNTS, EVALUATED, MEASURES, RUN, SERIES, rows_of
from flexnet.training.batches import DeviceImages
from flexnet.training.recipe import Recipe
from flexnet.training.run import TrainingRun
from flexnet.training.streamed import Streamed

ROOT = Path(__file__).parents[2]
CONFIG = config.resolve(config.read_yaml(ROOT / "config/config.yaml"))
TRAINED = [name for name, family in families().items() if family.subject == "trained"]
TOLD = [
    (name, protocol)
    for name in TRAINED
    for protocol, sections in CONFIG["protocols"].items()
    if families()[name].base or families()[name].applies(sections)
]
# Of attacks of many steps few are made here.
SHORT: dict[str, dict[str, Any]] = {
    "pgd": {"steps": [2], "draws": 1},
    "suite": {"parts": ["apgd-ce"], "epsilons": [0.1], "l2_epsilons": None},
    "audit": {
        "steps": 2,
        "queries": 10,
        "few": 2,
        "checks": ["zero_gradients", "noise", "black_box", "steps"],
    },
}
# The audit looks at all of its images, which are few, again and again.
WHOLE = ("audit",)


def asked_of(family: Family) -> tuple[Any, dict[str, Any]]:
    """What a configured small network says to a family, and its layer; any layer if it need say nothing."""
    for row in CONFIG["models"].values():
        if row["network"] == "small" and family.name in row.get("at_test", {}):
            return row["at_test"][family.name], row["options"]["layer"]
    return None, {"scheme": "learned"}


@cache
def subject_of(name: str) -> Subject:
    """A small network that tells images apart, fit to be asked, and thirty images."""
    layer = asked_of(families()[name])[1]
    options = {"channels": 3, "input_size": 16, "width": 0.25, "layer": layer}
    run = TrainingRun("m", 1, "small", options, Recipe())
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (30, 3, 16, 16), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 10, (30,), generator=generator)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build("small", **options).eval()
        for weights in network.head.parameters():
            weights.data = torch.randn_like(weights)
        return Subject(network, run, DeviceImages(images, labels))


@cache
def drawn() -> dict[str, str]:
    """Drawings of small objects, as a job is told a dataset that it judges on."""
    folder = Path(mkdtemp())
    options = {"n": 40, "size": 16}
    manifest = prepare(SHAPES, "contours", folder / "drawn.safetensors", options=options)
    subset = {"training": [], "scored": list(range(40)), "split": "test", "data": {"test": origin(manifest)}}
    (folder / "choice.json").write_text(json.dumps(subset))
    paths = {"arrays": str(folder / "drawn.safetensors"), "subset": str(folder / "choice.json")}
    return {**paths, "title": "drawings"}


# What fits the small images of these tests in the place of what is configured.
FITTING: dict[str, Callable[[], dict[str, Any]]] = {
    "bandpass": lambda: {"frequencies": [1, 6, 11]},
    "fourier": lambda: {"most": 4, "step": 2},
    "drawings": lambda: {"judged_on": {"contours": drawn()}, "classes": list(CLASSES)},
}


def section_of(name: str, protocol: str = "") -> dict[str, Any]:
    """What a protocol tells a family, by default the first that asks it."""
    protocol = protocol or next(key for family, key in TOLD if family == name)
    told = families()[name].section(CONFIG["protocols"][protocol]) | SHORT.get(name, {})
    return told | FITTING[name]() if name in FITTING else told


def answers(name: str, protocol: str = "", batch: int = 100, scored: Any = None) -> list[Answer]:
    subject = subject_of(name)
    subject = replace(subject, scored=scored or subject.scored)
    asked = asked_of(families()[name])[0]
    module = import_module(f"flexnet.evaluation.{name}")
    return list(module.evaluate(subject, section_of(name, protocol), asked, Job(protocol or "paper", batch)))


def rows(found: list[Answer]) -> list[dict[str, Any]]:
    return [answer.row() for answer in found]


@pytest.mark.parametrize("name", families())
def test_a_family_is_a_declaration_and_a_function_of_its_name(name: str) -> None:
    assert (FOLDER / f"{name}.py").is_file()
    family = families()[name]
    if family.subject != "training":
        module = import_module(f"flexnet.evaluation.{name}")
        assert callable(module.evaluate if family.subject == "trained" else module.describe)
    assert set(family.conditions) <= set(CONDITIONS)
    assert family.subject == "modules" or set(family.measures) <= set(MEASURES)
    assert not set(conditions()) & {"model", "seed", "protocol", "n", "correct", "accuracy"}


def test_no_condition_has_the_name_of_a_measure() -> None:
    assert not set(CONDITIONS) & {*MEASURES, *COUNTS, *RUN, *SERIES}


def test_declarations_import_nothing_that_computes() -> None:
    code = "import sys; from flexnet.families import registry; registry.families(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "pandas", "matplotlib"} & set(done.stdout.split())


@pytest.mark.parametrize(("name", "protocol"), TOLD)
def test_answers_have_the_declared_columns_and_no_others(name: str, protocol: str) -> None:
    family, found = families()[name], answers(name, protocol)
    columns = {"model", "seed", "protocol"} | set(rows(found)[0])
    assert columns == set(rows_of(family).required)
    assert columns <= set(EVALUATED.columns)
    for answer in found:
        for key, value in answer.conditions.items():
            assert family.conditions[key].kind.read(str(value)) == value
        assert (answer.right is not None) == family.counts
    keys = [tuple(answer.conditions.values()) for answer in found]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(("name", "protocol"), TOLD)
def test_answers_are_the_same_twice_and_whatever_the_batch(name: str, protocol: str) -> None:
    before = {key: value.clone() for key, value in subject_of(name).model.state_dict().items()}
    found, again, small = (answers(name, protocol, batch) for batch in (100, 100, 7))
    # Of the released code's counting the batch is part.
    if section_of(name, protocol).get("counting", "all") == "all":
        assert rows(found) == rows(again) == rows(small)
        for first, second in zip(found, small, strict=True):
            if first.right is not None and second.right is not None:
                assert torch.equal(first.right, second.right)
    assert rows(found) == rows(again)
    after = subject_of(name).model.state_dict()
    assert all(torch.equal(before[key], value) for key, value in after.items())


@pytest.mark.parametrize("name", TRAINED)
def test_images_that_stream_give_the_same_answers_and_are_asked_for_in_parts(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored = subject_of(name).scored
    assert isinstance(scored.images, torch.Tensor)
    turned = torch.arange(len(scored) - 1, -1, -1)
    moving = Streamed(scored.images[turned], turned, scored.images.device)
    asked, given = [], Streamed.__getitem__

    def noted(self: Streamed, part: slice | torch.Tensor) -> torch.Tensor:
        asked.append(len(found := given(self, part)))
        return found

    monkeypatch.setattr(Streamed, "__getitem__", noted)
    found = answers(name, batch=20, scored=replace(scored, images=moving))
    kept = answers(name, batch=20)
    assert rows(found) == rows(kept)
    for one, other in zip(found, kept, strict=True):
        assert one.right is None or torch.equal(one.right, other.right)  # type: ignore[arg-type]
    assert max(asked) == (30 if name in WHOLE else 20)


@pytest.mark.parametrize("name", [name for name in TRAINED if families()[name].counts])
def test_other_labels_give_other_counts(name: str) -> None:
    """Constants would pass the tests above."""
    scored = subject_of(name).scored
    other = DeviceImages(scored.images, (scored.labels + 1) % 10)
    assert rows(answers(name, scored=other)) != rows(answers(name))


@pytest.mark.parametrize("name", [name for name, family in families().items() if family.settings])
def test_a_setting_that_is_not_allowed_is_refused_by_name(name: str) -> None:
    settings = families()[name].settings
    assert settings is not None
    section = section_of(name)
    refuse(name, settings.problems(section))
    for key in section:
        with pytest.raises(ConfigError, match=rf"{name}: unknown key '{key}x'.*did you mean '{key}'"):
            refuse(name, settings.problems({**section, f"{key}x": 1}))
        with pytest.raises(ConfigError, match=rf"{name}: {key}(\.no)?: expected"):
            refuse(name, settings.problems({**section, key: {"no": {"value": 1}}}))


@pytest.mark.parametrize(
    "name", [name for name, family in families().items() if family.base and family.settings]
)
def test_what_a_section_does_not_say_is_taken_from_its_base(name: str) -> None:
    family = families()[name]
    assert family.base is not None
    base = {"space": "pixel", "strange": 1}
    assert family.section({family.base: base, name: {"clamp": "valid"}}) == {
        "space": "pixel",
        "clamp": "valid",
    }
    assert family.section({family.base: base, name: {"space": "mine"}})["space"] == "mine"
    assert not family.applies({family.base: {}})
