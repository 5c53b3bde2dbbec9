"""What the paper and the released code set, stated in `specification.yaml`, against the configuration.

`pytest -s tests/test_specification.py -k differences` prints where the study does otherwise, and why.
"""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from flexnet.config import inherited, read_yaml, series_of
from flexnet.families.base import Visiting
from flexnet.families.registry import families
from flexnet.networks.registry import build, options_of
from flexnet.options.attacks import LOOSE_HIGH, LOOSE_LOW
from flexnet.options.checkpoint import CheckpointOptions
from flexnet.options.networks.base import NORMALISATIONS
from flexnet.study.data import images_of, source_problems, splits_of
from flexnet.training.recipe import Recipe

ROOT = Path(__file__).parents[1]
TABLE = read_yaml(Path(__file__).with_name("specification.yaml"))
CONFIG = read_yaml(ROOT / "config/config.yaml")
FIGURES = read_yaml(ROOT / "config/figures.yaml")
RESOLVED = inherited(CONFIG)
SAYS_ALL = {
    "schedule": ("step_size", "gamma"),
    "augment": ("flip",),
}  # keys of a recipe beside which others rest
BUILT = ("weights", "thresholds")  # numbers of the networks as they are built
STATED = {key for section in ("training", "protocols") for block in TABLE[section] for key in block["states"]}

Values = dict[str, Any]
# What a model, or a family, is told: by the protocol under which that is, and its name.
Subjects = dict[tuple[str, str], Values]


# --- the table -------------------------------------------------------------------------------------


class Line(NamedTuple):
    """One statement of the table that is in force for a subject."""

    expected: Any
    states: Any
    because: str
    source: str


def number(value: Any) -> Any:
    """A value of the table; a fraction such as 1/255 is a number."""
    if isinstance(value, list):
        return [number(entry) for entry in value]
    parts = re.fullmatch(r"([0-9.]+)/([0-9]+)", value) if isinstance(value, str) else None
    return float(parts[1]) / int(parts[2]) if parts else value


@cache
def lines(section: str, protocol: str, name: str) -> dict[str, Line]:
    """The statements of the table about a subject, by key."""
    return lines_of(TABLE[section], protocol, name)


def lines_of(section: list[Values], protocol: str, name: str) -> dict[str, Line]:
    """The statements about a subject, by key; a later one wins."""
    found = {}
    for block in section:
        if not fits(name, block["of"] if isinstance(block["of"], str) else tuple(block["of"])):
            continue
        if protocol in block.get("under", [protocol]):
            here = block.get("here", {})
            for key, value in {**block["states"], **here}.items():
                reason = block["because"] if key in here else ""
                found[key] = Line(number(value), block["states"].get(key), reason, block["source"])
    return found


@cache
def fits(name: str, patterns: str | tuple[str, ...]) -> bool:
    """Whether a name is one of those that a block speaks of."""
    return any(fnmatchcase(name, each) for each in ([patterns] if isinstance(patterns, str) else patterns))


# --- the configuration -----------------------------------------------------------------------------


def told_models(config: Values, figures: Values) -> Subjects:
    """What each model is told, under every protocol that shows it; under none, that of the paper."""
    shown = {
        (protocol, model)
        for figure in figures.values()
        for protocol in config["protocols"]
        for model in series_of(figure, protocol).values()
    }
    unshown = {("paper", name) for name in config["models"] if name not in {model for _, model in shown}}
    told = {name: model_values(rows_behind(config, row)) for name, row in config["models"].items()}
    return {(protocol, name): told.get(name, {}) for protocol, name in sorted(shown | unshown)}


def rows_behind(config: Values, row: Values) -> str:
    """The rows that say what a model is, as JSON: most are the same in thousands of comparisons."""
    recipes = {name: config["recipes"][name] for name in [row.get("recipe")] if name}
    dataset = config["datasets"][row["dataset"]]
    sources = {dataset["source"]: config["sources"][dataset["source"]]}
    rows = {"recipes": recipes, "datasets": {row["dataset"]: dataset}, "sources": sources, "model": row}
    return json.dumps(rows)


@cache
def model_values(rows: str) -> Values:
    """All that identifies the training of a model."""
    config = json.loads(rows)
    row = config["model"]
    values = {"seeds": row["seeds"]}
    for part in (
        weights_values(config, row),
        network_values(row),
        data_values(config, config["datasets"][row["dataset"]]),
        {name: row.get("at_test", {}).get(name) for name, family in families().items() if family.asked},
    ):
        assert not set(part) & set(values), "two settings of one name"
        values |= part
    images, built = images_of(config["sources"][config["datasets"][row["dataset"]]["source"]]), values
    if (images.channels, images.size) != (built["channels"], built["input_size"]):
        values["images of another kind"] = [images.channels, images.size]
    return values


def weights_values(config: Values, row: Values) -> Values:
    """The recipe, or the file that somebody else's program wrote."""
    if "checkpoint" in row:
        return with_defaults(CheckpointOptions(**row["checkpoint"]), row["checkpoint"])
    given = config["recipes"][row["recipe"]]
    values = with_defaults(Recipe(), given)
    silenced = {key for name, others in SAYS_ALL.items() if name in given for key in others}
    return {key: value for key, value in values.items() if key in given or key not in silenced}


def with_defaults(options: Any, given: Mapping[str, Any]) -> Values:
    """What is given, and defaults of what the table speaks of: at its default, a new option says nothing."""
    defaults = {entry.name: getattr(options, entry.name) for entry in dataclasses.fields(options)}
    return {key: value for key, value in defaults.items() if key in STATED} | dict(given)


def network_values(row: Values) -> Values:
    """The network, its options and those of its flexible layers."""
    given, accepted = dict(row.get("options", {})), options_of(row["network"])
    options = accepted(**{key: given[key] for key in accepted.__dataclass_fields__ if key in given})
    mean, std = map(list, NORMALISATIONS[options.normalise])
    layer = options.replaced()
    told = {} if layer is None else with_defaults(layer, given.get("layer") or {})
    own = {key: value for key, value in given.items() if key not in ("layer", "normalise")}
    return {"network": row["network"], "mean": mean, "std": std, **with_defaults(options, own), **told}


def data_values(config: Values, row: Values) -> Values:
    """The images that a model sees."""
    source = config["sources"][row["source"]]
    images = images_of(source)
    per_class, tested = row.get("per_class"), row.get("test_per_class")
    return {
        "dataset": source["dataset"],
        "content": source.get("content", "official"),
        **{f"{key} of the source": source[key] for key in ("splits", "size", "channels") if key in source},
        "training_images": per_class * images.classes if per_class else images.counts["train"],
        "test_images": tested * images.classes if tested else images.counts["test"],
        "sampling": row.get("sampling", "stratified" if per_class else "all"),
        "score": row.get("score", "test"),
        "holdout_per_class": row.get("holdout_per_class", 0),
    }


def told_families(config: Values) -> Subjects:
    """What each protocol tells each family that it asks, and the bands of figures."""
    images = json.dumps([config["datasets"], config["sources"]])
    found: Subjects = {}
    for protocol, sections in config["protocols"].items():
        found |= told_under(protocol, json.dumps(sections), images)
    return found


@cache
def told_under(protocol: str, told: str, images: str) -> Subjects:
    """What one protocol tells the families, of JSON: most of it is the same in thousands of comparisons."""
    sections = json.loads(told)
    config = dict(zip(("datasets", "sources"), json.loads(images), strict=True))
    found: Subjects = {(protocol, "band"): {"band": sections["band"]}}
    for name, family in families().items():
        if family.settings is not None and family.applies(sections):
            found[protocol, name] = family_values(family.settings, family.section(sections))
            named = sections[name].get(family.judged_on) if isinstance(family, Visiting) else None
            if isinstance(family, Visiting) and isinstance(named, Mapping):
                words = {key: judged_words(config, dataset) for key, dataset in named.items()}
                found[protocol, name][family.judged_on] = words
    return found


def judged_words(config: Values, dataset: str) -> str:
    """The images of a dataset that models are only judged on: what they are, and all that its row adds."""
    row = config["datasets"].get(dataset, {"source": dataset})
    source = config["sources"].get(row["source"])
    if source is None or list(source_problems(source)):
        return f"nothing that is called {dataset}"
    images, split = images_of(source), splits_of(source)["test"]
    words = f"{images.counts['test']} of {source['dataset']}/{split}, {images.channels} x {images.size}"
    added = {**{key: source[key] for key in ("content",) if key in source}, **row}
    return words + "".join(f", {key} {value}" for key, value in added.items() if key != "source")


def family_values(settings: type[Any], section: Values) -> Values:
    """Settings of a family; the clamp as the range that it means."""
    defaults = {entry.name: entry.default for entry in dataclasses.fields(settings)}
    values = {key: value for key, value in defaults.items() if key in STATED} | section
    ranges = {"loose": [LOOSE_LOW, LOOSE_HIGH], "valid": [0, 1]}
    return {key: ranges.get(value, value) if key == "clamp" else value for key, value in values.items()}


# --- the comparison --------------------------------------------------------------------------------


def contradictions(config: Values, figures: Values = FIGURES, table: Values = TABLE) -> Iterator[str]:
    """Where the configuration at the scale of the papers is not what the table holds, or the table is silent.

    Args:
        config: as it is written, before rows take over what they are like.
        figures: the registry.
        table: as `specification.yaml`.
    """
    resolved = with_inherited(config)
    yield from _names("model", resolved["models"], table["models"])
    yield from _names("figure", figures, table["figures"])
    for name in set(figures) & set(table["figures"]):
        yield from _figure(name, figures[name], table["figures"][name], resolved["protocols"])
    told = {"training": told_models(resolved, figures), "protocols": told_families(resolved)}
    for section, subjects in told.items():
        for (protocol, name), values in subjects.items():
            own = table[section] is TABLE[section]
            stated = lines(section, protocol, name) if own else lines_of(table[section], protocol, name)
            yield from _values(f"{name} under {protocol}", values, stated)


def contradicts(config: Values, figures: Values = FIGURES, table: Values = TABLE) -> bool:
    """Whether there is any contradiction; the rest is not looked for."""
    return next(contradictions(config, figures, table), None) is not None


def with_inherited(config: Values) -> Values:
    """A configuration whose rows have taken over what they are like; what was not changed is known."""
    changed = {section: rows for section, rows in config.items() if rows is not CONFIG.get(section)}
    return RESOLVED | inherited({"models": config["models"], **changed}) if changed else RESOLVED


def _names(kind: str, here: Mapping[str, Any], stated: Mapping[str, Any]) -> Iterator[str]:
    for name in here:
        if name not in stated:
            yield f"{kind} {name}: the table does not cover it; add what its source sets"
    for name in stated:
        if name not in here:
            yield f"{kind} {name}: the table speaks of it; there is none"


def _figure(name: str, figure: Values, stated: Values, protocols: Values) -> Iterator[str]:
    if figure["family"] != stated["family"]:
        yield f"figure {name}: expected the family {stated['family']}; got {figure['family']}"
    for protocol in protocols:
        expected = list({**stated["series"], **stated.get(protocol, {})}.items())
        found = list(series_of(figure, protocol).items())
        if found != expected:
            yield f"figure {name} under {protocol}: expected the series {expected}; got {found}"


def _values(where: str, values: Values, stated: dict[str, Line]) -> Iterator[str]:
    for key, value in values.items():
        if key not in stated:
            yield f"{where}: {key}: the table does not cover it; here it is {value!r}"
        elif not _equal(value, stated[key].expected):
            line = stated[key]
            yield f"{where}: {key}: expected {line.expected!r} ({line.source}); got {value!r}"


def _equal(value: Any, expected: Any) -> bool:
    value = list(value) if isinstance(value, tuple) else value
    return bool(value == expected) and isinstance(value, bool) == isinstance(expected, bool)


def test_the_configuration_is_what_the_table_states() -> None:
    assert list(contradictions(CONFIG)) == []


def test_differences_from_the_sources_are_stated_with_their_reasons() -> None:
    """They are also what `pytest -s` prints: a study that says where it does otherwise."""
    for section in ("training", "protocols"):
        for block in TABLE[section]:
            assert bool(block.get("here")) == bool(block.get("because")), f"{block['of']}: a reason, or none"
            for key, value in block.get("here", {}).items():
                states = block["states"][key]
                assert states != value, f"{block['of']}: {key} is no difference"
                says = "says nothing" if states is None else f"says {states}"
                print(f"{block['of']}, {key}: {block['source']} {says}; here {value}: {block['because']}")


# --- networks as they are built --------------------------------------------------------------------


@pytest.mark.parametrize("name", CONFIG["models"])
def test_networks_have_the_numbers_that_follow_from_their_definitions(name: str) -> None:
    """A factor, a kernel or a layer in the wrong place changes the number of weights or of thresholds."""
    row = RESOLVED["models"][name]
    with torch.device("meta"):
        model = build(row["network"], **row.get("options", {}))
    found = dict.fromkeys(BUILT, 0)
    kept = {**dict(model.named_buffers()), **dict(model.named_parameters())}
    weights = dict(model.named_parameters())
    for key, tensor in kept.items():
        if key.endswith("threshold"):
            found["thresholds"] += tensor.numel()
        elif key in weights:
            found["weights"] += tensor.numel()
    stated = lines("training", "paper", name)
    assert found == {key: stated[key].expected for key in BUILT}


# --- whether the comparison sees anything ----------------------------------------------------------


# Which row a row takes values over from, and what captions call it, is no value by itself.
NO_VALUES = ("like", "title")


def leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Paths of all values below a path."""
    if not isinstance(value, dict):
        yield path
        return
    for key, inner in value.items():
        yield from leaves(inner, (*path, key))


def value_at(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def replaced(document: Values, path: tuple[str, ...], value: Any) -> Values:
    """The document with another value at a path."""
    key, *rest = path
    inner = replaced(document.get(key) or {}, tuple(rest), value) if rest else value
    return {**document, key: inner}


def other_than(path: tuple[str, ...], value: Any) -> Any:
    """Another value that can stand at a path; where names are looked up, one that is there."""
    section, key = path[0], path[-1]
    names = {
        ("sources", "dataset"): ["mnist", "cifar10"],
        ("datasets", "source"): ["cifar10", "fashion_mnist"],
        ("models", "dataset"): ["cifar10-1000", "fashion-mnist-hmax", "fashion-mnist"],
        ("models", "recipe"): ["vgg-1000", "range-release"],
        ("models", "network"): ["surrogate", "small"],
        ("models", "normalise"): ["half", "none"],
        ("models", "flexible"): ["none", "all"],
        ("models", "layer"): [None],
        ("models", "kind"): ["mylayers.Another"],
    }
    if (section, key) in names:
        return next(name for name in names[section, key] if name != value)
    if value is None or isinstance(value, str):
        return f"not {value}"
    if isinstance(value, list | tuple):
        return [*value, 0.123]
    return not value if isinstance(value, bool) else 2 * value + 1


# Sources that no dataset uses yet are there for whoever wants them: no paper says anything of them.
USED = {row["source"] for row in CONFIG["datasets"].values()}
SETTINGS = [
    path
    for section in ("sources", "datasets", "recipes", "models", "protocols")
    for path in leaves(CONFIG[section], (section,))
    if path[-1] not in NO_VALUES and (section != "sources" or path[1] in USED)
]


@pytest.mark.parametrize("path", SETTINGS, ids=".".join)
def test_a_changed_value_of_the_configuration_is_told(path: tuple[str, ...]) -> None:
    assert contradicts(replaced(CONFIG, path, other_than(path, value_at(CONFIG, path))))


def options_not_set(name: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Paths of what a model could set and does not, in its row and its recipe, with the defaults."""
    row = RESOLVED["models"][name]
    accepted, given = options_of(row["network"]), row.get("options", {})
    sections = {("models", name, "options"): (accepted, given)}
    if "checkpoint" in row:
        sections["models", name, "checkpoint"] = (CheckpointOptions, row["checkpoint"])
    else:
        sections["recipes", row["recipe"]] = (Recipe, RESOLVED["recipes"][row["recipe"]])
    if accepted(**given).replaced() is not None:
        layer = given.get("layer", {})
        sections["models", name, "options", "layer"] = (type(accepted(**given).replaced()), layer)
    for path, (options, values) in sections.items():
        for entry in dataclasses.fields(options):
            if entry.name not in values and entry.name != "layer":
                yield (*path, entry.name), entry.default


@pytest.mark.parametrize("name", CONFIG["models"])
def test_an_option_that_is_set_beside_the_others_is_told(name: str) -> None:
    for path, default in options_not_set(name):
        assert contradicts(replaced(CONFIG, path, other_than(path, default))), ".".join(path)


@pytest.mark.parametrize("key", ["sampling", "holdout_per_class", "score", "per_class", "test_per_class"])
@pytest.mark.parametrize("name", CONFIG["datasets"])
def test_other_images_are_told(name: str, key: str) -> None:
    assert contradicts(replaced(CONFIG, ("datasets", name, key), {"sampling": "x", "score": "x"}.get(key, 7)))


@pytest.mark.parametrize("protocol", CONFIG["protocols"])
def test_an_option_that_a_protocol_sets_beside_the_others_is_told(protocol: str) -> None:
    for name, family in families().items():
        if family.settings is not None and name in CONFIG["protocols"][protocol]:
            for key in {entry.name for entry in dataclasses.fields(family.settings)} - {"like"}:
                path = ("protocols", protocol, name, key)
                assert contradicts(replaced(CONFIG, path, "another")), ".".join(path)


STATEMENTS = [
    pytest.param(section, place, key, id=f"{section}-{place}-{key}")
    for section in ("training", "protocols")
    for place, block in enumerate(TABLE[section])
    for key in block["states"]
    if key not in BUILT
]


@pytest.mark.parametrize(("section", "place", "key"), STATEMENTS)
def test_every_line_of_the_table_is_in_force_somewhere(section: str, place: int, key: str) -> None:
    """A line whose key is misspelt, whose pattern fits nothing or that later lines undo says nothing."""
    blocks = [*TABLE[section]]
    here = {**blocks[place].get("here", {}), key: "another"}
    blocks[place] = {"because": "", **blocks[place], "here": here}
    assert contradicts(CONFIG, table={**TABLE, section: blocks})


# --- what the table does not cover -----------------------------------------------------------------


def test_a_model_that_the_table_does_not_cover_is_told() -> None:
    twin = {"like": "vgg16-flexible"}  # the same in every value
    found = list(contradictions(replaced(CONFIG, ("models", "vgg16-twin"), twin)))
    assert found == ["model vgg16-twin: the table does not cover it; add what its source sets"]


def test_a_figure_that_the_table_does_not_cover_is_told() -> None:
    found = list(contradictions(CONFIG, {**FIGURES, "fig9": FIGURES["fig4b"]}))
    assert found == ["figure fig9: the table does not cover it; add what its source sets"]


def test_a_protocol_that_the_table_does_not_cover_is_told() -> None:
    found = list(contradictions(replaced(CONFIG, ("protocols", "mild"), {"like": "corrected"})))
    assert any("fgsm under mild: epsilons: the table does not cover it" in line for line in found)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_other_models_or_another_family_is_told(name: str) -> None:
    figure = FIGURES[name]
    others: list[Values] = [replaced(figure, ("family",), "another")]
    for path in (*leaves(figure["series"], ("series",)), *leaves(figure.get("instead", {}), ("instead",))):
        others.append(
            replaced(figure, path, "hmax-conv" if value_at(figure, path) != "hmax-conv" else "hmax")
        )
        others.append(
            replaced(
                figure, path[:-1], {k: v for k, v in value_at(figure, path[:-1]).items() if k != path[-1]}
            )
        )
    others.append(replaced(figure, ("series",), dict(reversed([*figure["series"].items(), ("new", "hmax")]))))
    for other in others:
        assert contradicts(CONFIG, {**FIGURES, name: other}), other


def test_a_model_or_figure_that_is_gone_is_told() -> None:
    assert contradicts(CONFIG, {name: row for name, row in FIGURES.items() if name != "fig3"})
    table = replaced(TABLE, ("models", "small-gone"), {"is": "gone", "source": "this study"})
    assert contradicts(CONFIG, table=table)
