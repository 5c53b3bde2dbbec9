"""One sentence that says in what the runs of a figure's series differ, beside what the figure compares."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from flexnet.figures.facts import Facts, dataset_words
from flexnet.tables.facts import SeriesFacts

# Keys of a recipe with the words for them; one that is not here is its own words.
_RECIPE: Final = {
    "epochs": "epochs",
    "batch_size": "images per batch",
    "learning_rate": "learning rate",
    "step_size": "epochs between decays of the rate",
    "gamma": "factor of each decay",
    "threshold_weight_decay": "weight decay of thresholds",
    "flip": "share of mirrored images",
    "adversarial": "attack on training images",
}
# What changes no weight.
_IDLE: Final = ("evaluate_every", "score_training", "compile")
_NONE: Final = "none"


def difference_sentence(facts: Facts) -> str:
    """The sentence; empty if all series were trained alike, or nothing was run."""
    if facts.runs is None:
        return ""
    found = [
        f"in {words} ({groups})"
        for words, value_of in _aspects(facts.runs.series).items()
        if (groups := _groups({run.name: value_of(run) for run in facts.runs.series}, facts))
    ]
    if not found:
        return ""
    listed = found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
    return f"Series differ {listed}."


def _aspects(runs: tuple[SeriesFacts, ...]) -> dict[str, Callable[[SeriesFacts], Any]]:
    """What series may differ in, in words, with its value of a series."""
    keys = dict.fromkeys([*_RECIPE, *(key for run in runs for key in run.recipe or {})])
    recipe = {
        _RECIPE.get(key, key.replace("_", " ")): partial(_of_recipe, key) for key in keys if key not in _IDLE
    }
    return {
        "dataset": dataset_words,
        "classes": lambda run: run.classes,
        "training images": lambda run: run.training_images,
        "test images": lambda run: run.scored_images,
        **recipe,
        "width": lambda run: run.factor("width"),
        "dropout rates": lambda run: run.factor("dropout"),
    }


def _of_recipe(key: str, run: SeriesFacts) -> Any:
    return (run.recipe or {}).get(key)


def _groups(values: Mapping[str, Any], facts: Facts) -> str:
    """Which series have which value ("30 for Uniform; 15 for the others"); empty if all have the same."""
    groups: dict[str, list[str]] = {}
    for series, value in values.items():
        groups.setdefault(_words(value), []).append(facts.label(series))
    if len(groups) == 1:
        return ""
    most = max(groups, key=lambda words: len(groups[words]))
    others = groups.pop(most) if len(groups[most]) > 1 else []
    told = [f"{words} for {' and '.join(labels)}" for words, labels in groups.items()]
    return "; ".join([*told, *([f"{most} for the others"] if others else [])])


def _words(value: Any) -> str:
    if value is None:
        return _NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.10g}"
    if isinstance(value, Mapping):
        rest = (f"{key.replace('_', ' ')} {_words(value[key])}" for key in sorted(value) if key != "kind")
        return ", ".join([*([value["kind"]] if "kind" in value else []), *rest])
    return value if isinstance(value, str) else ", ".join(map(_words, value)) or _NONE
