"""Whatever code of the package a job really runs is in its digest: traced, call by call."""

import ast
import importlib.util
import inspect
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
import torch

from flexnet import config, digest, reading
from flexnet.config import read_yaml
from flexnet.corruptions.names import NAMES
from flexnet.data.shapes import CLASSES
from flexnet.digest import words_of
from flexnet.families.bandpass import FILTERS
from flexnet.families.registry import families
from flexnet.figures.names import module_of as figure_module
from flexnet.figures.registry import load
from flexnet.reading import SILENT
from flexnet.stages import collect, data, describe, evaluate, subset, train
from flexnet.study.facts import facts_from_config
from flexnet.study.jobs import network_code
from flexnet.study.published import config_of

ROOT = Path(__file__).parents[1]
FIGURES = read_yaml(ROOT / "config/figures.yaml")
CONFIG = config.resolve(read_yaml(ROOT / "config/config.yaml"))
# Who finds a job's code by a name at run time; what is found is told to the digest as a start.
FINDERS = ("flexnet.families.registry", "flexnet.figures.names", "flexnet.figures.registry")
GREY = {"channels": 1, "input_size": 28, "normalise": "half"}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "small learned": ("small", {"width": 0.25, "layer": {"scheme": "learned"}}),
    "small random": ("small", {"width": 0.25, "layer": {"scheme": "random", "matching": "interp"}}),
    "small uniform": ("small", {"width": 0.25, "layer": {"scheme": "uniform", "value": 0.1}}),
    "small redrawn": ("small", {"width": 0.25, "layer": {"scheme": "redrawn", "rule": "above"}}),
    "vgg16": (
        "vgg16",
        {"width": 0.05, "channels": 1, "input_size": 28, "normalise": "half", "flexible": "single"},
    ),
    "hmax": ("hmax", {"width": 0.01, "c1": "flexible", "s2": "flexible", "layer": {"scheme": "learned"}}),
    "surrogate": ("surrogate", {"width": 0.05, "channels": 1, "input_size": 28, "normalise": "half"}),
    "lenet": ("lenet", {"rectify": False, "layer": {"kind": "pushpull", "alpha": 0.5}}),
    "resnet": (
        "resnet",
        {"width": 0.25, "depth": 8, "layer": {"kind": "pushpull", "alpha": "learned"}, **GREY},
    ),
    "densenet": ("densenet", {"width": 0.25, "depth": 10, "layer": {"kind": "pushpull", "h": 1.5}, **GREY}),
}
RECIPES: dict[str, dict[str, Any]] = {
    "plain": {"epochs": 1, "batch_size": 10, "flip": 0},
    "rich": {
        "epochs": 2,
        "batch_size": 10,
        "nesterov": True,
        "precision": "bf16",
        "schedule": {"kind": "milestones", "epochs": [1], "factor": 0.5},
        "augment": [{"kind": "crop", "padding": 2}, {"kind": "resized_crop"}],
        "adversarial": {"kind": "pgd", "epsilon": 0.1, "steps": 2},
    },
}


@contextmanager
def traced() -> Iterator[set[str]]:
    """Definitions of the package that are called meanwhile, as "module:name"."""
    called: set[str] = set()
    seen: set[CodeType] = set()
    importing = 0

    def imported(frame: FrameType, event: str, argument: object) -> None:
        nonlocal importing
        importing -= event == "return"

    def note(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal importing
        code = frame.f_code
        if code in seen:
            return None
        if code.co_name == "<module>":  # what a module does when it is imported is the same in every job
            importing += 1
            frame.f_trace_lines = False
            return imported
        if not importing:
            seen.add(code)
            module, name = frame.f_globals.get("__name__", ""), code.co_qualname.split(".")[0]
            # By Python itself, such as a dataclass's __init__.
            made = name[0] == "<" or name == "__create_fn__"
            if module.startswith("flexnet.") and not made:
                called.add(f"{module}:{name}")
        return None

    sys.settrace(note)
    try:
        yield called
    finally:
        sys.settrace(None)


def missed(called: set[str], *starts: str, words: Any = ()) -> list[str]:
    """What was called and is not in the digest of code that starts so."""
    roots = [(module, name or "*") for module, _, name in (start.partition(":") for start in starts)]
    return unknown(called, {label.split("[")[0] for label in digest._reached(roots, words_of(words))})


def unknown(called: set[str], known: set[str]) -> list[str]:
    """Definitions that are not known, but for those that say something, find code or allow an option."""
    silent = {*SILENT, *FINDERS}
    return sorted(name for name in called - known - allowing() if name.split(":")[0] not in silent)


@cache
def allowing() -> set[str]:
    """What the checks of options are made of: they stop a job or let it run, and change no number."""
    roots = []
    for path in reading.ROOT.rglob("*.py"):
        module = ".".join(path.relative_to(reading.ROOT.parent).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = reading._imports(tree.body)
        own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        own |= {name for node in tree.body for name in reading._defined(node)}
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        for call in calls:
            if isinstance(call.func, ast.Name) and call.func.id in ("option", "required"):
                checks = call.args[int(call.func.id == "option") :]
                named = {
                    node.id for check in checks for node in ast.walk(check) if isinstance(node, ast.Name)
                }
                roots += [imported[name] for name in named & imported.keys()]
                roots += [(module, name) for name in named & own]
    return {label.split("[")[0] for label in digest._reached(roots, ())}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Prepared images and a choice of them; the jobs that made them are looked at as well."""
    place = tmp_path_factory.mktemp("jobs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLEXNET_DEVICE", "cpu")
        for split in ("train", "test"):
            settings = {"dataset": "shapes", "split": split, "options": {"n": 40, "size": 28, "channels": 1}}
            with traced() as called:
                data.run(settings, Namespace(output=str(place / f"{split}.safetensors"), log=None))
            drawn = {name for name in called if name.startswith("flexnet.data.shapes")}
            assert missed(drawn, "flexnet.data.shapes.splits:generate_split") == []
            assert missed(called, "flexnet.stages.data:run", words=settings) == []
        with traced() as called:
            subset.run({"row": {"source": "s"}, "seed": 1, "run_seed": 0}, files(place, output="s.json"))
        assert missed(called, "flexnet.stages.subset:run") == []
        yield place
    torch.set_flush_denormal(False)


def files(place: Path, **others: Any) -> Namespace:
    """Arguments of a job, its outputs in the folder."""
    images = {"training": str(place / "train.safetensors"), "test": str(place / "test.safetensors")}
    fixed = {"subset": str(place / "s.json"), "threads": 1, "log": None, "others": None, "images": None}
    return Namespace(**images, **fixed, **{key: str(place / name) for key, name in others.items()})


def trained(place: Path, name: str, recipe: str, model: str = "m") -> tuple[set[str], dict[str, Any]]:
    network, options = NETWORKS[name]
    settings = {"model": model, "seed": 1, "network": network, "options": options, "run_seed": 0, "code": ""}
    settings["recipe"] = RECIPES[recipe]
    with traced() as called:
        train.run(
            settings, files(place, weights=f"{name} {recipe}.safetensors", history=f"{name}.history.csv")
        )
    return called, settings


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", NETWORKS)
def test_what_a_training_job_runs_is_in_its_digest(name: str, recipe: str, folder: Path) -> None:
    called, settings = trained(folder, name, recipe)
    assert len(called) > 60
    starts = "flexnet.stages.train:run", *network_code(settings["network"], settings["options"])
    assert missed(called, *starts, words=settings) == []


ASKING = [name for name in NETWORKS if "small" in name or name == "lenet"]
# Family, network and what the model row says to the family.
ASKED: list[tuple[str, str, Any]] = [
    *((name, network, None) for name in ("fgsm", "noise") for network in NETWORKS if network in ASKING),
    *((name, network, None) for name in ("pgd", "suite") for network in ("small learned", "small random")),
    ("audit", "small learned", {"epsilon": 0.1}),
    ("audit", "small random", None),
    ("interventions", "small learned", ["shuffled", "normal(0,1)"]),
    ("interventions", "small random", None),
    ("sweep", "small uniform", [0.2]),
    ("corruptions", "small learned", None),
    ("corruptions", "small random", None),
    *(
        (name, "small random", None)
        for name in ("losses", "bandpass", "fourier", "maps", "drawings", "sensor")
    ),
]
GREYS = {"corruptions": [name for name in NAMES if name != "saturate"], "severities": [5]}


def visiting(folder: Path) -> dict[str, Any]:
    """The datasets that a family judges on here are those of the folder."""
    told = {"arrays": str(folder / "test.safetensors"), "subset": str(folder / "s.json"), "title": "others"}
    return {"judged_on": {"others": told}, "classes": list(CLASSES)}


def test_every_family_is_traced() -> None:
    asking = {name for name, family in families().items() if family.subject == "trained"}
    assert {family for family, _, _ in ASKED} == asking


# What is asked in short: of the attack of one step two repeats and sizes, of others few steps and images.
SHORT: dict[str, dict[str, Any]] = {
    "pgd": {"steps": [2], "draws": 1, "images": 4, "surrogate": None},
    "suite": {"parts": ["apgd-ce"], "epsilons": [0.1], "l2_epsilons": None, "eot_draws": 2, "images": 3},
    "corruptions": GREYS,
    "bandpass": {"filters": list(FILTERS), "frequencies": [3]},
    "fourier": {"norm": 2, "most": 1},
    "maps": {"images": 10, "pictured": 1},
    "sensor": {"variances": [0, 0.1], "contrasts": [1, 0.5], "draws": 2},
    "audit": {"steps": 2, "queries": 5, "few": 2, "images": 4, "twin": None, "surrogate": None},
}


@pytest.mark.parametrize("protocol", CONFIG["protocols"])
@pytest.mark.parametrize(("family", "name", "asked"), ASKED)
def test_what_an_evaluation_runs_is_in_its_digest(
    family: str, name: str, asked: Any, protocol: str, folder: Path
) -> None:
    if not (folder / f"{name} plain.safetensors").exists():
        trained(folder, name, "plain")
    declared = families()[family]
    if not declared.applies(CONFIG["protocols"][protocol]) and family in SHORT:
        pytest.skip(f"{protocol} does not ask it")
    short = SHORT.get(family, {"draws": 2, "epsilons": [0, 0.1]})
    short = visiting(folder) if family == "drawings" else short
    section = declared.section(CONFIG["protocols"][protocol]) | short
    section = section if declared.told is None else declared.told(section, 28)
    settings = {"family": family, "model": "m", "protocol": protocol, "settings": section, "asked": asked}
    place = files(folder, output="rows.csv")
    place.weights = [str(folder / f"{name} plain.safetensors")]
    with traced() as called:
        evaluate.run(settings, place)
    network, options = NETWORKS[name]
    starts = (
        "flexnet.stages.evaluate:run",
        f"flexnet.evaluation.{family}:evaluate",
        *network_code(network, options),
    )
    # How often images are scored is for the progress report alone.
    counted = called - {f"flexnet.evaluation.{family}:passes"}
    assert missed(counted, *starts, words=[network, options, section]) == []


@pytest.mark.parametrize("family", [name for name, each in families().items() if each.subject == "modules"])
def test_what_a_description_runs_is_in_its_digest(family: str, folder: Path) -> None:
    network, options = NETWORKS["lenet" if family == "responses" else "small learned"]
    size = {"worked": 5, "responses": 28}.get(family)
    example = {} if size is None else {"example": {"kernel_size": 3, "input_size": size, "seed": 1}}
    declared, place = families()[family], files(folder, output="d.csv")
    more: dict[str, Any] = {} if declared.told is None else {"told": declared.told(GREYS, 28)}
    if declared.images:
        more |= {"image": 1, "title": "drawn objects"}
        place.images = place.test
    series = {"a": {"network": network, "options": options, "more": more}}
    settings = {"family": family, "figure": "fig1", "protocol": "paper", "series": series, **example}
    with traced() as called:
        describe.run(settings, place)
    starts = (
        "flexnet.stages.describe:run",
        f"flexnet.evaluation.{family}:describe",
        *network_code(network, options),
    )
    assert missed(called, *starts, words=[network, options, more]) == []


def test_what_a_join_runs_is_in_its_digest(folder: Path) -> None:
    if not (folder / "small learned plain.safetensors").exists():
        trained(folder, "small learned", "plain")
    run = {"weights": str(folder / "small learned plain.safetensors"), "subset": str(folder / "s.json")}
    run |= {"manifests": [str(folder / "train.json")], "title": "drawn objects"}  # type: ignore[dict-item]
    settings = {"family": "history", "figure": "fig4b", "protocol": "paper", "band": "sem", "space": None}
    settings["series"] = {"a": [str(folder / "small learned.history.csv")]}  # type: ignore[assignment]
    with traced() as called:
        collect.run({**settings, "runs": {"a": [run]}}, files(folder, output="c.csv"))
    assert missed(called, "flexnet.stages.collect:run", "flexnet.families.history:FAMILY") == []


ROWS = sorted((ROOT / "published/laptop/results/rows").glob("*/*.csv"))
FIRST = {path.stem: path for path in reversed(ROWS)}  # one table of each figure


def run_script(name: str, run: Callable[[Any], None]) -> tuple[digest.Part, set[str]]:
    """Run what a script does, and tell what it called; with what the digest sees in the script itself."""
    path = ROOT / f"workflow/scripts/{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with traced() as called:
        run(module)
    return reading.script_part(path), called


def known_to(part: digest.Part, *starts: tuple[str, str]) -> set[str]:
    found = {**digest._reached(part.uses, part.words), **digest._reached(starts, ())}
    return {label.split("[")[0] for label in found}


def has_functions(module: Any) -> bool:
    """Whether a module defines any, and does not only name another's."""
    found = vars(module).values()
    return any(inspect.isfunction(value) and value.__module__ == module.__name__ for value in found)


@pytest.mark.parametrize("figure", FIRST)
def test_what_a_drawing_runs_is_in_its_digest(figure: str, tmp_path: Path) -> None:
    path = FIRST[figure]
    protocol, row = path.parent.name, FIGURES[figure]
    runs = facts_from_config(figure, row, protocol, config_of(path.parents[3], protocol, figure, None))
    words = {"scale": "laptop", "protocol": protocol, "series": list(row["series"]), "labels": row["labels"]}
    settings = {"figure": figure, "caption": row["caption"], "words": words, "runs": runs.document()}
    ends = {"table": "csv", "figure": "pdf", "caption": "md"}
    places = {"rows": str(path), **{key: str(tmp_path / f"a.{end}") for key, end in ends.items()}}
    part, called = run_script("draw", lambda module: module.draw(settings, places))
    known = known_to(part, (figure_module(figure), "*"))
    drawn = load(figure).draw.__module__  # another's, where a module only names it
    assert drawn in {name.split(":")[0] for name in called}
    assert unknown(called, known) == []


def test_what_the_judgement_of_claims_runs_is_in_its_digest(tmp_path: Path) -> None:
    settings = {"scale": "laptop", "note": "", "evidence": True, "classes": dict.fromkeys(FIRST, 10)}
    settings["protocols"] = list(CONFIG["protocols"])
    ends = {"ledger": "csv", "table": "numbers.csv", "figure": "pdf", "caption": "md"}
    places = {key: str(tmp_path / f"c.{end}") for key, end in ends.items()}
    part, called = run_script("ledger", lambda module: module.ledger(settings, places, list(map(str, ROWS))))
    assert any(name.startswith("flexnet.claims.differences:") for name in called)
    assert unknown(called, known_to(part)) == []
