"""The registry of figures: names that refer to something, and models that can be shown together."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

from flexnet.problems import Problem, ask, no_such_name, unknown_keys

FOLDER = Path(__file__).parents[1] / "figures"
# What the template of a caption may name; `flexnet.figures.captions` fills them.
CAPTION_FIELDS = (
    *("attack", "band", "chance", "classes", "dataset", "epochs", "epsilon_units", "n", "n_images"),
    *("network", "note", "protocol", "published", "scale", "series", "test_images", "train_images"),
)


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
    yield from _caption(figure["caption"])
    found = list(_models(figure, models))
    yield from found or _together(figure, models)


def _labels(figure: Mapping[str, Any]) -> Iterator[Problem]:
    """A label that is no series would add one, or be shown nowhere."""
    for key in ("release", "corrected", "labels"):
        unknown = [label for label in figure.get(key, {}) if label not in figure["series"]]
        if unknown:
            yield unknown_keys(unknown, figure["series"]).below(key)


def _caption(template: str) -> Iterator[Problem]:
    try:
        wanted = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError as problem:
        yield Problem(f"expected a template; {problem}; balance its braces", ("caption",))
        return
    for field in sorted(wanted - set(CAPTION_FIELDS)):
        yield no_such_name("a field of captions", field, CAPTION_FIELDS).below("caption")


def _models(figure: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[Problem]:
    for key in ("series", "release", "corrected"):
        for label, model in figure.get(key, {}).items():
            if model not in models:
                yield no_such_name("a row of models", model, models).below(key, label)


def _together(figure: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[Problem]:
    """Rows of all series make one table, and an example needs a flexible layer."""
    named = [
        (key, label, model)
        for key in ("series", "release", "corrected")
        for label, model in figure.get(key, {}).items()
    ]
    conditions = {model: "sweep" in models[model].get("at_test", {}) for _, _, model in named}
    for key, label, model in named:
        row = models[model]
        if figure["family"] == "thresholds" and conditions[model] != conditions[named[0][2]]:
            first = named[0][2]
            has, lacks = (first, model) if conditions[first] else (model, first)
            text = (
                f"expected all models with the same columns; {has!r} has at_test.sweep and {lacks!r} has not"
            )
            yield Problem(text, (key, label))
        if "example" in figure and not row.get("options", {}).get("layer"):
            text = f"expected a model with the options of a flexible layer; got {model!r}, which has none"
            yield Problem(text, (key, label))
