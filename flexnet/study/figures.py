"""The registry of figures: names that refer to something, and models that can be shown together."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Any

from flexnet.networks.registry import options_of
from flexnet.options.layers.flexible import STORED
from flexnet.problems import Problem, ask, no_such_name, unknown_keys

FOLDER = Path(__file__).parents[1] / "figures"
# What the template of a caption may name; `flexnet.figures.captions` fills them.
CAPTION_FIELDS = (
    *("attack", "band", "batch", "chance", "classes", "dataset", "differences", "dropout", "epochs"),
    *("epsilon_units", "n", "n_images", "network", "note", "precision", "protocol", "published", "scale"),
    *("series", "test_images", "train_images", "width"),
)
# What the template of a label may name; `flexnet.figures.facts` fills them.
LABEL_FIELDS = (
    *("batch", "dataset", "dropout", "epochs", "model", "precision", "test_images", "threshold"),
    *("train_images", "width"),
)
PLACES = ("series", "release", "corrected")  # where a figure names its models


def figure_problems(name: str, figure: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with a figure of the registry.

    Args:
        name: of the figure.
        figure: its row, which fits the schema.
        models: all configured models, resolved.
    """
    modules = [path.stem for path in FOLDER.glob("*.py") if path.stem.startswith(("fig", "table"))]
    if name not in modules:
        text = f"expected a figure that flexnet/figures/ draws; got {name!r}"
        yield Problem(text + (ask(name, modules) or f"; known are {sorted(modules)}"))
    yield from _labels(figure)
    yield from (
        problem.below("caption") for problem in _template(figure["caption"], CAPTION_FIELDS, "captions")
    )
    for label, template in figure.get("labels", {}).items():
        yield from (problem.below("labels", label) for problem in _template(template, LABEL_FIELDS, "labels"))
    found = list(_models(figure, models))
    yield from found or _together(figure, models)


def _labels(figure: Mapping[str, Any]) -> Iterator[Problem]:
    """A label that is no series would add one, or be shown nowhere."""
    for key in ("release", "corrected", "labels"):
        unknown = [label for label in figure.get(key, {}) if label not in figure["series"]]
        if unknown:
            yield unknown_keys(unknown, figure["series"]).below(key)


def _template(template: str, fields: Sequence[str], what: str) -> Iterator[Problem]:
    try:
        wanted = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError as problem:
        yield Problem(f"expected a template; {problem}; balance its braces")
        return
    for field in sorted(wanted - set(fields)):
        yield no_such_name(f"a field of {what}", field, fields)


def _models(figure: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[Problem]:
    for key in PLACES:
        for label, model in figure.get(key, {}).items():
            if model not in models:
                yield no_such_name("a row of models", model, models).below(key, label)


def _together(figure: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[Problem]:
    """Rows of all series make one table; an example needs a layer with a threshold per unit, and room."""
    for place in PLACES:
        series = {**figure["series"], **figure.get(place, {})}
        first = next(iter(series.values()))
        for label in figure.get(place, {}):
            if figure["family"] == "thresholds":
                yield from (problem.below(place, label) for problem in _columns(first, series[label], models))
            if "example" in figure:
                yield from (problem.below(place, label) for problem in _layer(series[label], models))
    sizes = figure.get("example", {"kernel_size": 0, "input_size": 0})
    if sizes["kernel_size"] > sizes["input_size"]:
        text = f"expected an input of at least the kernel's {sizes['kernel_size']} pixels; got"
        yield Problem(f"{text} {sizes['input_size']}", ("example", "input_size"))


def _columns(first: str, model: str, models: Mapping[str, Any]) -> Iterator[Problem]:
    swept = ["sweep" in models[name].get("at_test", {}) for name in (first, model)]
    if swept[0] != swept[1]:
        has, lacks = (first, model) if swept[0] else (model, first)
        text = (
            f"expected models whose rows have the same columns; {has!r} has at_test.sweep and {lacks!r} not"
        )
        yield Problem(text)


def _layer(model: str, models: Mapping[str, Any]) -> Iterator[Problem]:
    row = models[model]
    layer = options_of(row["network"])(**row.get("options", {})).flexible_layer()
    if layer is None or layer.scheme not in STORED or layer.per != "unit" or not layer.bias:
        found = "no flexible layer" if layer is None else f"scheme {layer.scheme!r}, per {layer.per!r}"
        words = "a model whose flexible layer has a bias and stores a threshold per unit"
        yield Problem(f"expected {words}; got {model!r} with {found}")
