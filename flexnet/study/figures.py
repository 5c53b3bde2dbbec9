"""The registry of figures: names that refer to something, and models that can be shown together."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from string import Formatter
from typing import Any

from flexnet.families.base import Pictured
from flexnet.families.registry import families, families_of, family_of
from flexnet.figures.names import drawn, said_by
from flexnet.networks.registry import options_of
from flexnet.problems import Problem, ask, no_such_name, unknown_keys

LEDGER = "claims"  # the drawing of the ledger, which is no figure of the registry
# What no figure's path begins with, whatever protocols and scales there are: its rows lie in `results/rows`.
TAKEN = (LEDGER, "results")
# What the template of a caption may name; `flexnet.figures.captions` fills them.
CAPTION_FIELDS = (
    *("attack", "band", "batch", "chance", "classes", "crossing", "dataset", "differences", "dropout"),
    *("epochs", "epsilon_units", "frost", "n", "n_images", "network", "note", "precision", "protocol"),
    *("published", "scale", "scored", "series", "test_images", "train_images", "width"),
)
# What the template of a label may name; `flexnet.figures.facts` fills them.
LABEL_FIELDS = (
    *("batch", "dataset", "dropout", "epochs", "model", "precision", "scored", "test_images"),
    *("threshold", "train_images", "width"),
)


def figure_problems(
    name: str, figure: Mapping[str, Any], models: Mapping[str, Any], protocols: Mapping[str, Any]
) -> Iterator[Problem]:
    """What is wrong with a figure of the registry.

    Args:
        name: of the figure.
        figure: its row, which fits the schema.
        models: all configured models, resolved.
        protocols: all configured protocols, resolved.
    """
    yield from _module(name)
    yield from _labels(figure, protocols)
    if figure.get("paired", next(iter(figure["series"]))) not in figure["series"]:
        yield no_such_name("a series", figure["paired"], figure["series"]).below("paired")
    yield from (
        problem.below("caption") for problem in _template(figure["caption"], CAPTION_FIELDS, "captions")
    )
    for keys, named in _legends(figure).items():
        for label, template in named.items():
            yield from (
                problem.below(*keys, label) for problem in _template(template, LABEL_FIELDS, "labels")
            )
    strange = list(_families(figure))
    yield from strange
    if strange:
        return
    found = list(_models(figure, models))
    yield from found or _together(figure, models)


def name_problems(figures: Collection[str], taken: Collection[str]) -> Iterator[Problem]:
    """Names that make two files of one path, or one module of two: what is drawn would be mistaken.

    Args:
        figures: all names of the registry.
        taken: names of protocols and scales, whose folders hold figures.
    """
    for name in figures:
        if name.split("/")[0] in (*TAKEN, *taken):
            text = "expected a name that does not begin like the ledger, a protocol or a scale, with files"
            yield Problem(f"{text} of their own; got {name!r}; rename figure and module", (name,))
        yield from (problem.below(name) for other in figures for problem in _mistaken(name, other))


def _mistaken(name: str, other: str) -> Iterator[Problem]:
    if other.startswith(f"{name}/"):
        text = f"expected a name that is no folder of another figure; got that of {other!r}"
        yield Problem(f"{text}; rename one of them")
    if other < name and other.lower() == name.lower():
        text = f"expected names that differ in more than capital letters; got {other!r} as well"
        yield Problem(f"{text}, which some systems take for the same file; rename one of them")


def _module(name: str) -> Iterator[Problem]:
    """A figure must be drawn by the module at its path; one that was copied may still have another's NAME."""
    said = said_by(name)
    if not said:
        known = [other for other in drawn() if other != LEDGER]
        text = f"expected a figure that flexnet/figures/ draws; got {name!r}"
        yield Problem(text + (ask(name, known) or f"; known are {known}"))
    elif said != name:
        yield Problem(
            f"expected NAME = {name!r} in flexnet/figures/{name}.py, as its path says; got {said!r}"
        )


def places(figure: Mapping[str, Any]) -> dict[tuple[str, ...], Mapping[str, str]]:
    """Where a figure names models, by the keys that lead there: its series, and those of single protocols."""
    found: dict[tuple[str, ...], Mapping[str, str]] = {("series",): figure["series"]}
    for name, models in figure.get("instead", {}).items():
        found["instead", name] = models
    return found


def _legends(figure: Mapping[str, Any]) -> dict[tuple[str, ...], Mapping[str, str]]:
    """Where a figure says what its legend says, by the keys that lead there."""
    found: dict[tuple[str, ...], Mapping[str, str]] = {("labels",): figure.get("labels", {})}
    for name, labels in figure.get("relabelled", {}).items():
        found["relabelled", name] = labels
    return found


def _labels(figure: Mapping[str, Any], protocols: Mapping[str, Any]) -> Iterator[Problem]:
    """A label that is no series would add one, or be shown nowhere; so would an unknown protocol."""
    for keys, named in {**places(figure), **_legends(figure)}.items():
        unknown = [label for label in named if label not in figure["series"]]
        if unknown:
            yield unknown_keys(unknown, figure["series"]).below(*keys)
    for key in ("instead", "relabelled", "protocols"):
        for name in figure.get(key, ()):
            if name not in protocols:
                yield no_such_name("a protocol", name, protocols).below(key)


def _template(template: str, fields: Sequence[str], what: str) -> Iterator[Problem]:
    try:
        wanted = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError as problem:
        yield Problem(f"expected a template; {problem}; balance its braces")
        return
    for field in sorted(wanted - set(fields)):
        yield no_such_name(f"a field of {what}", field, fields)


def _families(figure: Mapping[str, Any]) -> Iterator[Problem]:
    """Families that there are, and of several only such as ask trained models and count images."""
    also = figure.get("also", ())
    named: dict[tuple[str | int, ...], Any] = {
        ("family",): figure["family"],
        **{("also", place): name for place, name in enumerate(also)},
    }
    for keys, name in named.items():
        if name not in families():
            yield no_such_name("a family", name, families()).below(*keys)
        elif also and not (family_of(name).subject == "trained" and family_of(name).counts):
            yield Problem(f"expected a family that counts answers of models; got {name!r}").below(*keys)
    if also and "paired" in figure:
        yield Problem("expected one family where networks are paired by images; remove one").below("also")
    if figure["family"] in also:
        yield Problem("expected each family once; got the first again; remove it").below("also")


def _models(figure: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[Problem]:
    for keys, named in places(figure).items():
        for label, model in named.items():
            if model not in models:
                yield no_such_name("a row of models", model, models).below(*keys, label)


def _together(figure: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[Problem]:
    """Every model can be asked what the figure shows; an example needs a layer that it is one of."""
    family = family_of(figure["family"])
    asking = [each for each in families_of(figure) if each.asks]
    for keys, named in places(figure).items():
        for label, model in named.items():
            for each in asking:
                if each.name not in models[model].get("at_test", {}):
                    text = f"expected a model that says at_test.{each.name}; {model!r} does not"
                    yield Problem(text).below(*keys, label)
            if "example" in figure and family.pictured:
                found = _layer(model, models, family.pictured)
                yield from (problem.below(*keys, label) for problem in found)
    sizes = figure.get("example", {"kernel_size": 0, "input_size": 0})
    if sizes["kernel_size"] > sizes["input_size"]:
        text = f"expected an input of at least the kernel's {sizes['kernel_size']} pixels; got"
        yield Problem(f"{text} {sizes['input_size']}", ("example", "input_size"))


def _layer(model: str, models: Mapping[str, Any], pictured: Pictured) -> Iterator[Problem]:
    row = models[model]
    layer = options_of(row["network"]).from_values(row.get("options", {})).replaced()
    told = pictured(layer)
    if told is not None:
        yield Problem(f"expected {told[0]}; got {model!r} with {told[1]}")
