"""The configuration of every scale: the checkout's, over it the user's own, a scale, and what was typed.

Whatever is computed comes from files, or from a scale that is named where it is typed, so that the path of a
result says what it is. On the command line stand only keys of the machine, which win over every file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flexnet.config import (
    Config,
    check,
    check_figures,
    check_named,
    check_scale,
    check_scale_name,
    lay_over,
    load,
    read_yaml,
)
from flexnet.errors import ConfigError
from flexnet.study.like import like_problems
from flexnet.study.parts import Part
from flexnet.study.places import Places
from flexnet.study.typed import Schema, read_typed
from flexnet.yaml_files import require_plain

# Where and how fast things run, never what is computed.
MACHINE_KEYS = (
    *("device", "threads", "checkpoint_seconds", "image_memory", "longest_job"),
    *("data_mirror", "torchvision_root", "download"),
)
# Which part of what the scales say is made: captions tell it.
PART_KEY = "only_seeds"
TYPED_KEYS = (*MACHINE_KEYS, PART_KEY)
SCALES_KEY = "scales"
# Machine keys of which jobs learn by their environment, so that no job runs again because of them.
VARIABLES = {
    "device": "FLEXNET_DEVICE",
    "checkpoint_seconds": "FLEXNET_CHECKPOINT_SECONDS",
    "image_memory": "FLEXNET_IMAGE_MEMORY",
    "data_mirror": "FLEXNET_DATA_MIRROR",
    "torchvision_root": "FLEXNET_TORCHVISION_ROOT",
}


@dataclass(frozen=True)
class Given:
    """What came with the command, beside the files of the configuration.

    Attributes:
        base: what another workflow hands over to this one as its module; it is laid over the files.
        wins: keys of the machine and the seeds to which a run keeps, over everything else.
        scales: scales that were named on the spot.
    """

    base: Config = field(default_factory=dict)
    wins: Config = field(default_factory=dict)
    scales: Config = field(default_factory=dict)


def given(
    config: Mapping[str, Any],
    entries: Iterable[str],
    laid_on: Iterable[str | Path],
    schema: Schema,
    *,
    as_module: bool,
) -> Given:
    """Sort out what came with the command.

    Args:
        config: what Snakemake made of it; as a module, what the workflow around this one handed over.
        entries: the `key=value` entries after `--config`, as typed.
        laid_on: the files after `--configfile`.
        schema: that of the configuration.
        as_module: whether another workflow uses this one. Then entries and files are its own, but for the
            keys that it hands over.

    Raises:
        ConfigError: if a value does not fit its key, or a key is none of the machine.
    """
    known = with_scales(schema)
    mine = [entry for entry in entries if _key(entry) in config and _key(entry) in known["properties"]]
    typed = read_typed(mine, known)
    if as_module:
        require_machine(typed, "--config", schema)
        base = lay_over(config, typed)
        return Given(base, _machine(typed), _named_scales(base.pop(SCALES_KEY, None)))
    for path in laid_on:
        require_machine(read_yaml(path) or {}, f"--configfile {path}", schema)
    everything = lay_over(config, typed)
    require_machine(everything, "--config", schema)
    return Given({}, _machine(everything), _named_scales(everything.get(SCALES_KEY)))


def _named_scales(value: Any) -> Config:
    """Scales that were named on the spot, by their names."""
    if not isinstance(value, Mapping | None):
        example = "such as {trial: {like: demo}}"
        raise ConfigError(f"--config {SCALES_KEY}: expected scales by their names, {example}; got {value!r}")
    return dict(value or {})


def with_scales(schema: Schema) -> dict[str, Any]:
    """The schema of the configuration, and of scales that are named on the spot."""
    scales = {
        "type": "object",
        "additionalProperties": {"type": "object", "properties": schema["properties"]},
    }
    return {**schema, "properties": {**schema["properties"], SCALES_KEY: scales}}


def _key(entry: str) -> str:
    return entry.partition("=")[0]


def _machine(values: Mapping[str, Any]) -> Config:
    return {key: value for key, value in values.items() if key in TYPED_KEYS}


def require_machine(values: Mapping[str, Any], source: str, schema: Schema) -> None:
    """Check that all keys are of the machine or name a part of the study, and their values right.

    Raises:
        ConfigError: naming the key and where it belongs.
    """
    study = sorted(set(values) & set(schema["properties"]) - set(TYPED_KEYS))
    others = {key: value for key, value in values.items() if key not in {*study, SCALES_KEY}}
    check(others, {**schema, "required": []}, source)
    if study:
        raise ConfigError(
            f"{source}: {', '.join(study)}: expected keys of this machine, {', '.join(MACHINE_KEYS)}, or"
            f" {PART_KEY}. What is computed is said by a scale, so that paths and captions tell it: write"
            " config/scales/<name>.yaml and ask for <name>/figures/...; or name one on the spot, such as"
            " --config 'scales={trial: {like: demo, recipes: {vgg: {epochs: 3}}}}'. What holds for all"
            " scales stands in config/config.yaml"
        )


def load_scales(places: Places, schema: Schema, came: Given, *, reset: bool = False) -> dict[str, Config]:
    """Read, lay over, check and resolve the configuration of every scale.

    Args:
        places: where the files are.
        schema: that of the configuration.
        came: what came with the command.
        reset: whether the files are left out, as by `--replace-workflow-config`.

    Returns:
        The configuration of each scale by the home of its results: "" for that of the papers, `demo/`, ...

    Raises:
        ConfigError: naming the file and the key.
    """
    files = [] if reset else places.config_files()
    parts = [Part(places.shown(path), read_mapping(path, places.shown(path)), path) for path in files]
    parts.append(Part("the workflow around this one", came.base))
    scales = {"": [*parts, Part("--config", came.wins)]}
    layers = _layers(places, came)
    scales |= {home: [*parts, *laid, Part("--config", came.wins)] for home, laid in layers.items()}
    resolved = {home: _laid(laid, schema) for home, laid in scales.items()}
    for layer in (part for laid in layers.values() for part in laid):
        check_scale(layer.content, layer.name, layer.file)
    return resolved


def _laid(parts: Sequence[Part], schema: Schema) -> Config:
    merged: Config = {}
    for part in parts:
        merged = lay_over(merged, part.content)
    return load(merged, schema, parts)


def machine_variables(config: Mapping[str, Any], came: Given) -> dict[str, str]:
    """Environment variables of jobs.

    A key without a value leaves the user's variable as it is, unless it was typed: then there is none.
    """
    typed = {variable: "" for key, variable in VARIABLES.items() if key in came.wins}
    told = {
        variable: str(Path(config[key]).expanduser()) if isinstance(config[key], str) else str(config[key])
        for key, variable in VARIABLES.items()
        if config.get(key) is not None
    }
    return typed | told | {"FLEXNET_DOWNLOAD": str(int(config.get("download", True)))}


def _layers(places: Places, came: Given) -> dict[str, list[Part]]:
    """Home of each scale: where it is written, and what it changes, after the scales that it is like."""
    paths = places.scale_files()
    parts = {name: _scale(path, places.shown(path)) for name, path in paths.items()}
    for name, layer in came.scales.items():
        source = f"--config {SCALES_KEY}.{name}"
        check_scale_name(name, source)
        if name in parts:
            raise ConfigError(
                f"{source}: expected a new name; got that of {parts[name].name}; choose another"
            )
        if not isinstance(layer, Mapping):
            raise ConfigError(f"{source}: expected a mapping of what the scale changes; got {layer!r}")
        parts[name] = Part(source, dict(layer))
    for name, part in parts.items():
        places.require_free(name, part.name)
    rows = {name: part.content for name, part in parts.items()}
    for problem in like_problems(rows):
        part = parts[str(problem.path[0])]
        raise ConfigError(f"{part.at(problem.path[1:])}: {replace(problem, path=problem.path[1:])}")
    return {f"{name}/": _chain(parts, name) for name in parts}


def _scale(path: Path, name: str) -> Part:
    content = read_mapping(path, name)
    if not content:  # taken for no change at all, it would be the papers' study under another name
        raise ConfigError(
            f"{name}: expected what the scale changes; got nothing; write it, or delete the file"
        )
    return Part(name, content, path)


def _chain(parts: Mapping[str, Part], name: str) -> list[Part]:
    """What a scale changes, and before it what the scale changes that it is like."""
    part = parts[name]
    own = {key: value for key, value in part.content.items() if key != "like"}
    parent = part.content.get("like")
    return [*([] if parent is None else _chain(parts, parent)), replace(part, content=own)]


def read_mapping(path: Path, name: str) -> Config:
    """Read a YAML file that holds keys with values.

    Args:
        path: the file.
        name: what messages call it.

    Raises:
        ConfigError: if it holds anything else, or text that no person reads.
    """
    require_plain(path, name)
    try:
        found = read_yaml(path) or {}
    except ConfigError as error:
        raise ConfigError(str(error).replace(str(path), name)) from None
    if not isinstance(found, dict):
        raise ConfigError(f"{name}: expected a mapping of keys; got {type(found).__name__}")
    return found


def load_figures(places: Places, schema: Schema, scales: Mapping[str, Config]) -> dict[str, Config]:
    """Read and check the registry of figures.

    Args:
        places: where the files are.
        schema: that of the registry.
        scales: configuration of each scale by the home of its results.

    Raises:
        ConfigError: naming the file, the figure and the key.
    """
    path = places.figures_file()
    name = places.shown(path)
    figures = read_mapping(path, name)
    part = Part(name, figures, path)
    check(figures, schema, name, [part])
    check_figures(figures, scales[""], name, scales, [part])
    # A registry of the user's own need not hold what scales of the checkout consist of.
    foreign = _shipped(places) if path != places.checkout / "config/figures.yaml" else set()
    check_named({home: scale for home, scale in scales.items() if home not in foreign}, figures)
    return figures


def _shipped(places: Places) -> set[str]:
    """Homes of the scales that lie in the checkout: what they consist of are figures of its registry."""
    folder = places.checkout / "config/scales"
    return {f"{name}/" for name, path in places.scale_files().items() if path.parent == folder}
