"""The configuration: laying scales over it, checking it, and resolving what each job needs.

Whatever can be refused is refused here, before any job starts: by the schema, and by the rules of the
networks, layers, recipes, attacks and datasets themselves. Nothing here imports torch.
"""

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from flexnet.data.shapes.splits import SHAPES
from flexnet.errors import ConfigError
from flexnet.options.layer import UNSAID
from flexnet.problems import Problem, ask, no_such_name, refuse, refuse_lines
from flexnet.study.data import images_of
from flexnet.study.figures import figure_problems, name_problems
from flexnet.study.like import inherit, like_problems
from flexnet.study.models import give_classes
from flexnet.study.parts import INHERITING, Part, located
from flexnet.study.rows import row_problems, unused_problems
from flexnet.study.schema import schema_problems
from flexnet.study.visiting import series_problems
from flexnet.yaml_files import read_yaml

__all__ = [
    "SCALE_KEYS",
    "Config",
    "Part",
    "check",
    "check_figures",
    "check_named",
    "check_scale",
    "check_scale_name",
    "inherited",
    "lay_over",
    "load",
    "note_of",
    "read_yaml",
    "resolve",
    "scale_files",
    "seeds_of",
    "series_of",
]

Config = dict[str, Any]
# What a scale may change. The rest holds for all: scales share prepared images, the seed and the machine.
SCALE_KEYS = (
    *("threads", "note", "evidence", "everything_of", "everything_under", "series_made"),
    *("datasets", "recipes", "models", "protocols"),
)
# What no scale can be called: the papers' own scale, rules and targets, and directories with another use.
TAKEN = (
    *("all", "benchmarks", "build", "config", "corrected", "data", "default", "describe", "dist", "docs"),
    *("evaluate", "figures", "flexnet", "logs", "paper", "profiles", "published", "release", "requirements"),
    *("results", "targets", "tests", "tools", "train", "workflow"),
)


def lay_over(base: Any, above: Any) -> Any:
    """Lay one configuration over another: mappings merge key by key, anything else is replaced.

    A mapping of another `kind` is something else, too: options of two kinds are never mixed. One that says no
    kind may be of a layer.
    """
    return copy.deepcopy(_laid(base, above))


def _laid(base: Any, above: Any) -> Any:
    """As `lay_over`, of parts of both."""
    if not isinstance(base, Mapping) or not isinstance(above, Mapping) or _other_kind(base, above):
        return above
    over = {key: _laid(base[key], value) if key in base else value for key, value in above.items()}
    return {**base, **over}


def _other_kind(base: Mapping[str, Any], above: Mapping[str, Any]) -> bool:
    return "kind" in above and bool(base.get("kind", UNSAID) != above["kind"])


def load(config: Any, schema: Any, parts: Sequence[Part]) -> Config:
    """Check a configuration and resolve it.

    Args:
        config: the parts laid over each other.
        schema: what it must fit.
        parts: from the lowest, such as a file, the command line, a scale.

    Raises:
        ConfigError: naming the part that holds the key, the key, what was expected and what came.
    """
    check(config, schema, parts[-1].name, parts)
    return resolve(config, parts[-1].name, parts)


def check(config: Any, schema: Any, name: str, parts: Sequence[Part] = ()) -> None:
    """Check a configuration against a JSON schema.

    Args:
        config: what was read.
        schema: the schema.
        name: what the configuration is called in a message, such as its file.
        parts: what it was laid together from; then the part that holds a key is named instead.

    Raises:
        ConfigError: naming the key, what was expected and what came.
    """
    problems = (_meant(problem, config, parts) for problem in schema_problems(config, schema))
    refuse_lines(located(problems, config, parts, name))


def _meant(problem: Problem, config: Any, parts: Sequence[Part]) -> Problem:
    """A row without anything in it may be a name that was mistyped: then the nearest is offered."""
    if len(problem.path) != 2 or len(parts) < 2:
        return problem
    section, name = problem.path
    known = [row for part in parts for row in _rows(part.content, section)]
    if known.count(name) != 1 or config[section][name] is not None:
        return problem
    text = f"expected keys of a row below it; got nothing{ask(name, {*known} - {name})}"
    return replace(problem, text=text)


def _rows(content: Any, section: Any) -> list[Any]:
    rows = content.get(section) if isinstance(content, Mapping) else None
    return list(rows) if isinstance(rows, Mapping) else []


def check_scale(layer: Any, name: str, file: Path | None = None) -> None:
    """Check that a scale changes only what a scale may change.

    Raises:
        ConfigError: naming the key and where it belongs.
    """
    text = f"expected keys among {sorted(SCALE_KEYS)} in a scale"
    end = "this one holds for all scales; set it in config/config.yaml"
    keys = [key for key in layer if key not in SCALE_KEYS]
    part = Part(name, layer, file)
    refuse_lines(f"{part.at([key])}: {key}: {text}{ask(key, SCALE_KEYS)}; {end}" for key in keys)


def resolve(config: Config, name: str = "config", parts: Sequence[Part] = ()) -> Config:
    """Resolve inheritance (`like`), and check every row by the rules of those who will read it.

    Networks get as many classes as their data have where their rows do not say how many.

    Args:
        config: a configuration that fits the schema.
        name: what it is called in a message, such as its file.
        parts: as for `check`.

    Raises:
        ConfigError: naming the row and the key, what was expected, what came and the nearest right name.
    """

    def refuse_all(problems: Iterator[Problem]) -> None:
        refuse_lines(located(problems, config, parts, name))

    refuse_all(problem.below(section) for section in INHERITING for problem in like_problems(config[section]))
    resolved = inherited(config)
    give_classes(resolved)
    refuse_all(row_problems(resolved))
    refuse_all(_unknown_protocols(resolved))
    if parts:
        refuse_all(unused_problems(config, parts))
    return resolved


def _unknown_protocols(config: Config) -> Iterator[Problem]:
    for place, protocol in enumerate(config.get("everything_under", ())):
        if protocol not in config["protocols"]:
            problem = no_such_name("a protocol", protocol, config["protocols"])
            yield problem.below("everything_under", place)


def inherited(config: Config) -> Config:
    """Resolve inheritance (`like`) alone, as of a configuration that the rules of its own time accepted."""
    resolved = {key: value if key in INHERITING else copy.deepcopy(value) for key, value in config.items()}
    for section in filter(config.__contains__, INHERITING):
        resolved[section] = {row: inherit(config[section], row, _laid) for row in config[section]}
    for name, recipe in resolved.get("recipes", {}).items():
        resolved["recipes"][name] = {key: value for key, value in recipe.items() if value is not None}
    for row in resolved["models"].values():
        for key in ("recipe", "checkpoint"):
            if row.get(key, "") is None:
                del row[key]
        given = {key: value for key, value in (row.pop("at_test", None) or {}).items() if value is not None}
        if given:
            row["at_test"] = given
    return resolved


def check_figures(
    figures: Mapping[str, Config],
    config: Config,
    name: str = "config/figures.yaml",
    scales: Mapping[str, Config] = {},
    parts: Sequence[Part] = (),
) -> None:
    """Check that every figure can be drawn from models that exist.

    Args:
        figures: the registry, which fits its schema.
        config: a resolved configuration.
        name: what the registry is called in a message.
        scales: configuration of each scale by its home, whose protocols and names no figure may have.
        parts: the registry, as for `check`.

    Raises:
        ConfigError: naming the figure and the key, what was expected, what came and the nearest right name.
    """
    taken = {scale_home.rstrip("/") for scale_home in scales} - {""}
    taken |= {protocol for scale in (config, *scales.values()) for protocol in scale["protocols"]}
    refuse_lines(located(name_problems(figures, taken), figures, parts, name))
    problems = (
        problem.below(figure)
        for figure, row in figures.items()
        for problem in figure_problems(figure, row, config["models"], config["protocols"])
    )
    refuse_lines(located(problems, figures, parts, name))
    unfit = (
        problem.below(figure) for figure, row in figures.items() for problem in series_problems(row, config)
    )
    refuse_lines(located(unfit, figures, parts, name))


def check_named(scales: Mapping[str, Config], figures: Mapping[str, Config]) -> None:
    """Check that the figures and series of which scales consist are in the registry.

    Args:
        scales: resolved configuration of each scale by its home.
        figures: the registry.

    Raises:
        ConfigError: naming the scale, the key, what came and the nearest right name.
    """
    for home, scale in scales.items():
        refuse(f"scale {home.rstrip('/') or 'paper'}", _unknown_names(scale, figures))


def _unknown_names(config: Config, figures: Mapping[str, Config]) -> Iterator[Problem]:
    for place, figure in enumerate(config.get("everything_of", ())):
        if figure not in figures:
            yield no_such_name("a figure", figure, figures).below("everything_of", place)
    for figure, made in config.get("series_made", {}).items():
        if figure in figures:
            yield from (each.below("series_made", figure) for each in _unfit_series(made, figures[figure]))
        else:
            yield no_such_name("a figure", figure, figures).below("series_made")


def _unfit_series(made: Sequence[str], figure: Config) -> Iterator[Problem]:
    for place, series in enumerate(made):
        if series not in figure["series"]:
            yield no_such_name("a series of the figure", series, figure["series"]).below(place)
    if figure.get("paired", made[0]) not in made:
        yield Problem(f"expected {figure['paired']!r}, with which all are compared, among them; got {made}")


def series_of(figure: Mapping[str, Any], protocol: str) -> dict[str, str]:
    """Series of a figure under a protocol: label of the series to model."""
    return {**figure["series"], **figure.get("instead", {}).get(protocol, {})}


def seeds_of(config: Config, model: str) -> list[int]:
    """Seed indices of a model, from 1: all, or those to which this run keeps (`only_seeds`).

    Raises:
        ConfigError: if the model has none of them.
    """
    number, only = int(config["models"][model]["seeds"]), config.get("only_seeds")
    found = [seed for seed in range(1, number + 1) if only is None or seed in only]
    if not found:
        raise ConfigError(
            f"only_seeds: expected a seed of {model} among them, which has {number}; got {only}; name one, or"
            " leave only_seeds away"
        )
    return found


def note_of(config: Mapping[str, Any]) -> str:
    """What a reader of a scale's captions must know, the seeds to which a run keeps included."""
    note, only = str(config["note"]).strip(), config.get("only_seeds")
    told = "" if only is None else f" Of each network's seeds, {', '.join(map(str, only))} alone."
    return (note + told).strip()


def is_evidence(config: Mapping[str, Any], figures: Mapping[str, Config]) -> bool:
    """Whether results of a scale may be set beside a paper's numbers.

    They may if the scale says so and none of the figures' models learns the objects of the embedded dataset.
    """
    shown = {
        model
        for figure in figures.values()
        for name in config["protocols"]
        for model in series_of(figure, name).values()
    }
    datasets = {config["datasets"][config["models"][model]["dataset"]]["source"] for model in shown}
    drawn = any(config["sources"][source]["dataset"] == SHAPES for source in datasets)
    return bool(config["evidence"]) and not drawn


def classes_of(config: Mapping[str, Any], dataset: str) -> int:
    """Number of classes of a configured dataset."""
    return images_of(config["sources"][config["datasets"][dataset]["source"]]).classes


def scale_files(folder: str | Path, shown: Callable[[Path], str] = str) -> Iterator[tuple[str, Path]]:
    """Names and files of the scales in a folder; hidden files are none. `shown` is how messages call a file.

    Raises:
        ConfigError: if a file's name cannot be that of a scale, whose directory and target are called so.
    """
    for path in sorted(Path(folder).glob("[!.]*.y*ml")):
        if path.suffix != ".yaml":
            refuse(shown(path), [Problem("expected a scale's file to end in .yaml; rename it")])
        check_scale_name(path.stem, shown(path))
        yield path.stem, path


def check_scale_name(name: str, source: str) -> None:
    """Check that results can lie in a folder of a scale's name.

    Raises:
        ConfigError: naming where the scale comes from.
    """
    if not re.fullmatch("[a-z0-9]+([-_][a-z0-9]+)*", name) or name in TAKEN:
        words = "expected a name of lower-case letters and digits, joined by - or _, for a scale"
        refuse(source, [Problem(f"{words}, and none of {list(TAKEN)}; got {name!r}; rename it")])
