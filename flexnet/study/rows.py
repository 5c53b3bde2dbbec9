"""What is wrong with the rows of a configuration: names of nothing, and what their readers refuse."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flexnet.data.roles import TRAIN
from flexnet.families.registry import families
from flexnet.networks.registry import network_problems
from flexnet.options.checkpoint import SEED, CheckpointOptions
from flexnet.problems import Problem, ask, no_such_name
from flexnet.study.data import (
    Images,
    dataset_problems,
    images_of,
    source_problems,
    splits_of,
    training_problems,
)
from flexnet.study.models import model_problems
from flexnet.study.parts import Part
from flexnet.study.protocols import protocol_problems
from flexnet.study.visiting import visit_problems
from flexnet.training.recipe import Recipe

Rows = Mapping[str, Any]
NEEDED = ("dataset", "network", "recipe", "seeds")  # of a model, by itself or from the row that it is like


def row_problems(config: Rows) -> Iterator[Problem]:
    """What is wrong with rows that have taken over what they are like."""
    images: dict[str, Images] = {}
    recipes: dict[str, Recipe] = {}  # those that are well
    for name, source in config["sources"].items():
        yield from (problem.below("sources", name) for problem in source_problems(source))
    for name, row in config["datasets"].items():
        found = list(_dataset(row, config["sources"], name, images))
        yield from (problem.below("datasets", name) for problem in found)
    for name, row in config["recipes"].items():
        found = list(Recipe.problems(row))
        yield from (problem.below("recipes", name) for problem in found)
        if not found:
            recipes[name] = Recipe.from_mapping(row)
    for name, row in config["models"].items():
        found = list(_model_names(name, row, config)) or list(model_problems(row, images.get(row["dataset"])))
        if "recipe" in row and row.get("dataset") in images:
            found += training_problems(row, images[row["dataset"]])
        if not found and row.get("recipe") in recipes and row["dataset"] in images:
            found = list(_unfit_recipe(row, recipes[row["recipe"]], images[row["dataset"]]))
        others = _other_models(row.get("at_test", {}), config["models"])
        found = found or [problem.below("at_test") for problem in others]
        yield from (problem.below("models", name) for problem in found)
    for name, protocol in config["protocols"].items():
        found = list(protocol_problems(protocol)) or list(_other_models(protocol, config["models"]))
        yield from (problem.below("protocols", name) for problem in found)
    yield from visit_problems(config)


def _dataset(row: Rows, sources: Rows, name: str, images: dict[str, Images]) -> Iterator[Problem]:
    """Problems of a row of `datasets`; where there is none, its images are noted under its name."""
    source = sources.get(row["source"])
    if source is None:
        yield no_such_name("a row of sources", row["source"], sources).below("source")
    elif not list(source_problems(source)):
        found = images_of(source)
        problems = list(dataset_problems(row, found))
        yield from problems
        if not problems:
            images[name] = found


def _unfit_recipe(row: Rows, recipe: Recipe, images: Images) -> Iterator[Problem]:
    """What a model's recipe says and cannot be done to the images of its dataset."""
    for problem in recipe.unfit(images.size, images.size):
        yield Problem(f"{row['recipe']!r} does not fit dataset {row['dataset']!r}: {problem}", ("recipe",))


def _model_names(name: str, row: Rows, config: Rows) -> Iterator[Problem]:
    missing = [key for key in NEEDED if key not in row and not (key == "recipe" and "checkpoint" in row)]
    if missing:
        others = [other for other in config["models"] if other != name]
        hint = ask(name, others) if "network" in missing else ""
        yield Problem(f"expected the keys {missing}, here or in the row it is like{hint}")
    for key, names in {"dataset": config["datasets"], "recipe": config["recipes"]}.items():
        if key in row and row[key] not in names:
            yield no_such_name(f"a row of {key}s", row[key], names).below(key)
    if "network" in row:
        yield from (problem.below("network") for problem in network_problems(row["network"]))
    yield from _weights(row)


def _other_models(sections: Rows, models: Rows) -> Iterator[Problem]:
    """Sections of families that name a model which is not there."""
    for family, section in sections.items():
        declared = families().get(family)
        if declared is None or not isinstance(section, Mapping):
            continue
        for key in declared.models:
            if section.get(key) is not None and section[key] not in models:
                yield no_such_name("a row of models", section[key], models).below(family, key)


def _weights(row: Rows) -> Iterator[Problem]:
    """A model is trained by a recipe, or has weights from elsewhere: a file for each seed."""
    if "recipe" in row and "checkpoint" in row:
        text = "expected a recipe or a checkpoint; got both; remove one (in a row that is like another, set"
        yield Problem(f"{text} it to null)")
    if "checkpoint" in row:
        found = list(CheckpointOptions.problems(row["checkpoint"]))
        if not found and row.get("seeds", 1) > 1 and SEED not in row["checkpoint"]["file"]:
            file, seeds = row["checkpoint"]["file"], row["seeds"]
            text = f"expected {SEED} in it for the {seeds} seeds of the model; got {file!r}"
            found = [Problem(text, ("file",))]
        yield from (problem.below("checkpoint") for problem in found)


def unused_problems(config: Rows, parts: Sequence[Part]) -> Iterator[Problem]:
    """Datasets and recipes that an upper part adds and no model uses: mistyped names, else ignored.

    A dataset that can only be judged on is no model's.
    """
    rows = [row for section in ("models", "recipes") for row in config[section].values()]
    used = {row.get(key) for row in rows for key in ("dataset", "recipe", "like")}
    used |= {
        name
        for name, row in config["datasets"].items()
        if TRAIN not in splits_of(config["sources"][row["source"]])
    }
    for section in ("datasets", "recipes"):
        known = _section(parts[0], section)
        added = {name: None for part in parts[1:] for name in _section(part, section) if name not in known}
        for name in added:
            if name not in used:
                yield Problem(f"no model uses this row{ask(name, known)}", (section, name))


def _section(part: Part, name: str) -> Rows:
    found = part.content.get(name, {}) if isinstance(part.content, Mapping) else {}
    return found if isinstance(found, Mapping) else {}
