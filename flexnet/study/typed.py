"""What is typed after `--config`, read as it is meant.

Snakemake guesses what a value is: of `data_mirror=2024_01` it makes the number 202401, of `download=no` the
text "no", and numbers inside `{...}` stay text. Here the schema says what a key takes.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml

from flexnet.config import lay_over
from flexnet.errors import ConfigError

Schema = Mapping[str, Any]
_YES, _NO = {"true", "yes", "on"}, {"false", "no", "off"}
# What a value such as 2024-02-30, or one with a tag such as !!timestamp, raises when it is read.
NO_VALUE = (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, RecursionError)
_NOTHING = {"", "~", "null", "none"}


def require_once(words: Iterable[str]) -> None:
    """Check that a command has `--config` once: Snakemake takes the last and drops the others in silence.

    Raises:
        ConfigError: if it is there more often.
    """
    times = sum(word in ("--config", "-C") or word.startswith("--config=") for word in words)
    if times > 1:
        raise ConfigError(
            f"expected --config once; got it {times} times, of which Snakemake would take the last alone;"
            " write all values behind one: --config device=cpu threads=8"
        )


def read_typed(entries: Iterable[str], schema: Schema) -> dict[str, Any]:
    """Read `key=value` entries; mappings of a key that is typed twice are joined.

    Args:
        entries: as typed; a nested value is written in braces, `{vgg: {epochs: 3}}`.
        schema: what each key takes. Keys that it does not know are read as YAML.

    Raises:
        ConfigError: naming the key, what was expected and what came.
    """
    typed: dict[str, Any] = {}
    for entry in entries:
        key, _, text = entry.partition("=")
        value = _read(key, text, _below(schema, key, schema), schema)
        typed = lay_over(typed, {key: value})
    return typed


def _read(key: str, text: str, schema: Schema, root: Schema) -> Any:
    if "string" in _types(schema):  # such as a path: nothing in it is a sign of YAML, but quotes around it
        if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
            return text[1:-1]
        return None if "null" in _types(schema) and text.lower() in _NOTHING else text
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        return None if node is None else _value(node, schema, root, key)
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(
            f"--config {key}: expected a value, or a mapping such as {{vgg: {{epochs: 3}}}}; got {text!r}:"
            f" {' '.join(str(error).split())}"
        ) from error


def _value(node: yaml.Node, schema: Schema, root: Schema, key: str) -> Any:
    schema = _followed(schema, root)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, schema, root, key)
    if isinstance(node, yaml.SequenceNode):
        items = schema.get("items", {})
        return [_value(item, items, root, f"{key}[{i}]") for i, item in enumerate(node.value)]
    return _scalar(node, schema, key)


def _mapping(node: yaml.MappingNode, schema: Schema, root: Schema, key: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name_node, value in node.value:
        name = str(name_node.value)
        if name in found:
            raise ConfigError(f"--config {key}.{name}: expected a key once; got it twice; remove one")
        found[name] = _value(value, _below(schema, name, root), root, f"{key}.{name}")
    return found


def _scalar(node: yaml.Node, schema: Schema, key: str) -> Any:
    text, quoted = str(node.value), getattr(node, "style", None) is not None
    if quoted:
        return text
    for member in schema.get("enum", ()):
        if str(member) == text:
            return member
    for kind, read in _READERS.items():
        if kind in _types(schema):
            if "null" in _types(schema) and text.lower() in _NOTHING:
                return None
            return read(key, text)
    return _guessed(node, text, key)


def _guessed(node: yaml.Node, text: str, key: str) -> Any:
    """A value that no schema describes, such as an option of a network: as in a YAML file, and 1e-3."""
    try:
        value = yaml.SafeLoader("").construct_object(node)
    except NO_VALUE as error:
        told = getattr(error, "problem", None) or error
        raise ConfigError(f"--config {key}: expected a plain value; got {text!r}: {told}") from error
    if isinstance(value, str):
        try:
            return _finite(float(text)) if text[:1] in "+-.0123456789" else value
        except ValueError:
            return value
    return value


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError(number)
    return number


def _boolean(key: str, text: str) -> bool:
    if text.lower() in _YES | _NO:
        return text.lower() in _YES
    raise ConfigError(f"--config {key}: expected yes or no (or true, false, on, off); got {text!r}")


def _integer(key: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ConfigError(f"--config {key}: expected a whole number; got {text!r}") from None


def _number(key: str, text: str) -> float:
    try:
        return int(text) if text.lstrip("+-").replace("_", "").isdigit() else _finite(float(text))
    except ValueError:
        raise ConfigError(f"--config {key}: expected a number; got {text!r}") from None


_READERS: dict[str, Callable[[str, str], Any]] = {
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "string": lambda key, text: text,
}


def _types(schema: Schema) -> list[str]:
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _followed(schema: Schema, root: Schema) -> Schema:
    """The schema that a reference inside the document stands for."""
    while "$ref" in schema:
        found: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _below(schema: Schema, key: str, root: Schema) -> Schema:
    """The schema of a key; empty if none is known."""
    inner = schema.get("properties", {}).get(key, schema.get("additionalProperties", {}))
    return _followed(inner, root) if isinstance(inner, Mapping) else {}
