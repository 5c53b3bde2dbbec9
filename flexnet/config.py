"""The configuration: laying scales over it, checking it, and resolving what each job needs."""

import copy
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from flexnet.data.catalogue import DATASETS
from flexnet.errors import ConfigError
from flexnet.networks.registry import NETWORKS

Config = dict[str, Any]
PROTOCOLS = ("paper", "release", "corrected")
EMBEDDED = "shapes"
EMBEDDED_CLASSES = 10
# What a scale may change. The rest holds for all: scales share prepared images, the seed and the machine.
SCALE_KEYS = ("threads", "note", "evidence", "datasets", "recipes", "models", "protocols")


def read_yaml(path: str | Path) -> Any:
    """Read a YAML file.

    Raises:
        ConfigError: if it is missing or no valid YAML.
    """
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: expected a YAML file; got: {error}") from error


def lay_over(base: Any, above: Any) -> Any:
    """Lay one configuration over another: mappings merge key by key, anything else is replaced."""
    if not isinstance(base, Mapping) or not isinstance(above, Mapping):
        return copy.deepcopy(above)
    merged = {key: copy.deepcopy(value) for key, value in base.items()}
    for key, value in above.items():
        merged[key] = lay_over(merged[key], value) if key in merged else copy.deepcopy(value)
    return merged


def _message(error: jsonschema.ValidationError) -> str:
    """Say of a schema error which key it is, what was expected and what came."""
    path = ".".join(str(part) for part in error.absolute_path) or "top level"
    if error.validator == "additionalProperties":
        schema: Any = error.schema
        known = sorted(schema.get("properties", {}))
        unknown = (
            sorted(set(error.instance) - set(known), key=str) if isinstance(error.instance, Mapping) else []
        )
        return f"{path}: unknown key {', '.join(map(repr, unknown))}; expected keys among {known}"
    if error.validator == "required":
        return f"{path}: {error.message}"
    expected = {
        "type": f"a value of type {error.validator_value}",
        "enum": f"one of {error.validator_value}",
        "minimum": f"a number of at least {error.validator_value}",
        "exclusiveMinimum": f"a number above {error.validator_value}",
        "maximum": f"a number of at most {error.validator_value}",
    }.get(str(error.validator), f"{error.validator} {error.validator_value}")
    return f"{path}: expected {expected}; got {error.instance!r}"


def check(config: Any, schema: Any, name: str) -> None:
    """Check a configuration against a JSON schema.

    Args:
        config: what was read.
        schema: the schema.
        name: what the configuration is called in a message, such as its file.

    Raises:
        ConfigError: naming the key, what was expected and what came.
    """
    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(config),
        key=lambda e: list(map(str, e.absolute_path)),
    )
    if errors:
        raise ConfigError(f"{name}: " + "; ".join(_message(error) for error in errors[:5]))


def check_scale(layer: Mapping[str, Any], name: str) -> None:
    """Check that a scale changes only what a scale may change.

    Raises:
        ConfigError: naming the key and where it belongs.
    """
    for key in layer:
        if key not in SCALE_KEYS:
            raise ConfigError(
                f"{name}: {key}: expected keys among {sorted(SCALE_KEYS)} in a scale; this one holds for all"
                " scales; set it in config/config.yaml"
            )


def _inherit(section: str, rows: Mapping[str, Config], name: str, seen: tuple[str, ...] = ()) -> Config:
    """Resolve the key `like` of one row: everything of the row it names, with its own keys on top."""
    row = rows[name]
    parent = row.get("like")
    if parent is None:
        return copy.deepcopy(row)
    if parent not in rows:
        raise ConfigError(f"{section}.{name}.like: expected another row among {sorted(rows)}; got {parent!r}")
    if parent in (*seen, name):
        circle = " -> ".join((*seen, name, parent))
        raise ConfigError(f"{section}.{name}.like: expected rows that do not lead back; got {circle}")
    merged: Config = lay_over(_inherit(section, rows, parent, (*seen, name)), row)
    merged.pop("like")
    return merged


def resolve(config: Config, name: str = "config") -> Config:
    """Resolve inheritance (`like`) and check that every name refers to something that exists.

    Args:
        config: a configuration that fits the schema.
        name: what it is called in a message, such as its file.

    Raises:
        ConfigError: naming the row, the name it uses and the names there are.
    """
    try:
        return _resolve(config)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None


def _resolve(config: Config) -> Config:
    resolved = copy.deepcopy(config)
    for section in ("recipes", "models"):
        rows = config[section]
        resolved[section] = {name: _inherit(section, rows, name) for name in rows}
    for name, row in resolved["sources"].items():
        _require(f"sources.{name}.dataset", row["dataset"], [*DATASETS, EMBEDDED])
    for name, row in resolved["datasets"].items():
        _require(f"datasets.{name}.source", row["source"], resolved["sources"])
    for name, row in resolved["models"].items():
        for key, section in (("dataset", "datasets"), ("recipe", "recipes")):
            _require(f"models.{name}.{key}", row.get(key), resolved[section])
        missing = {"network", "seeds"} - set(row)
        if missing:
            raise ConfigError(
                f"models.{name}: expected the keys {sorted(missing)}, here or in the row it is like"
            )
        _require(f"models.{name}.network", row["network"], NETWORKS)
    return resolved


def _require(key: str, value: Any, names: Collection[str]) -> None:
    if value not in names:
        raise ConfigError(f"{key}: expected one of {sorted(names)}; got {value!r}")


def check_figures(figures: Mapping[str, Config], config: Config) -> None:
    """Check that every figure uses models that exist.

    Raises:
        ConfigError: naming the figure, the series and the model.
    """
    for name, figure in figures.items():
        for protocol in PROTOCOLS:
            for series, model in series_of(figure, protocol).items():
                _require(f"figures.{name}.series.{series}", model, config["models"])


def series_of(figure: Mapping[str, Any], protocol: str) -> dict[str, str]:
    """Series of a figure under a protocol: label of the series to model."""
    return {**figure["series"], **figure.get(protocol, {})}


def seeds_of(config: Config, model: str) -> list[int]:
    """Seed indices of a model, from 1."""
    return list(range(1, int(config["models"][model]["seeds"]) + 1))


def is_evidence(config: Mapping[str, Any], figures: Mapping[str, Config]) -> bool:
    """Whether results of a scale may be set beside a paper's numbers.

    They may if the scale says so and none of the figures' models learns the objects of the embedded dataset.
    """
    shown = {
        model
        for figure in figures.values()
        for name in PROTOCOLS
        for model in series_of(figure, name).values()
    }
    datasets = {config["datasets"][config["models"][model]["dataset"]]["source"] for model in shown}
    drawn = any(config["sources"][source]["dataset"] == EMBEDDED for source in datasets)
    return bool(config["evidence"]) and not drawn


def classes_of(config: Mapping[str, Any], dataset: str) -> int:
    """Number of classes of a configured dataset."""
    source = config["sources"][config["datasets"][dataset]["source"]]["dataset"]
    return EMBEDDED_CLASSES if source == EMBEDDED else len(DATASETS[source].classes)


def scale_files(folder: str | Path) -> Iterator[tuple[str, Path]]:
    """Names and files of the scales in a folder."""
    for path in sorted(Path(folder).glob("*.yaml")):
        yield path.stem, path
