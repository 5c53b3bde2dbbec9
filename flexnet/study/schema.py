"""A configuration against its JSON schema, with messages that a user can act on."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from numbers import Real
from typing import Any

import jsonschema

from flexnet.problems import Problem, unknown_keys, wrong

LARGEST = 2**63 - 1
# Types of a schema, as who writes YAML knows them.
TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a finite number",
    "object": "keys with values",
    "string": "text",
}


def schema_problems(config: Any, schema: Any) -> list[Problem]:
    """What is wrong with a configuration by its schema, sorted by key.

    Beyond the schema, keys are text, whole numbers are written as such, and numbers are finite and not too
    large to compute with.
    """
    found = [*_plain(config), *map(_problem, _VALIDATOR(schema).iter_errors(config))]
    return sorted(found, key=lambda problem: list(map(str, problem.path)))


def _is_whole(checker: Any, value: Any) -> bool:
    """10 and not 10.0: the latter would be another setting, and no number of epochs."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(checker: Any, value: Any) -> bool:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and (isinstance(value, int) or math.isfinite(value))


_VALIDATOR: Any = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_whole, "number": _is_finite}
    ),
)


def _plain(value: Any) -> Iterator[Problem]:
    """Keys that are no text, which YAML makes of `no:`, `1:` and the like, and numbers beyond 64 bits."""
    below: Any = {}
    if isinstance(value, Mapping):
        below = value
        for key in value:
            if not isinstance(key, str):
                text = f"expected names as keys; got {key!r}; put the key in quotes if it is meant as a name"
                yield Problem(text, inner=(key,))
    elif isinstance(value, list):
        below = dict(enumerate(value))
    elif isinstance(value, int) and abs(value) > LARGEST:
        yield Problem(f"expected a whole number of at most {LARGEST}; got one of {len(str(value))} digits")
    for key, part in below.items():
        yield from (problem.below(key if isinstance(key, int) else str(key)) for problem in _plain(part))


def _problem(error: jsonschema.ValidationError) -> Problem:
    """Say of a schema error which key it is, what was expected and what came."""
    found = _without_path(error)
    path = tuple(error.absolute_path)
    return found.below(*path) if path else replace(found, text=f"top level: {found.text}")


def _without_path(error: jsonschema.ValidationError) -> Problem:
    kind, value = str(error.validator), error.instance
    limit: Any = error.validator_value
    schema: Any = error.schema
    if kind == "additionalProperties" and isinstance(value, Mapping):
        known = list(schema.get("properties", {}))
        return unknown_keys(sorted(set(value) - set(known), key=str), known)
    if kind == "required":
        return Problem(error.message)
    if kind == "enum":
        return wrong(f"one of {limit}", value, [name for name in limit if isinstance(name, str)])
    if kind == "type":
        kinds = [limit] if isinstance(limit, str) else limit
        return wrong(" or ".join(TYPES[kind] for kind in kinds), value)
    expected = {
        "minimum": f"a number of at least {limit}",
        "exclusiveMinimum": f"a number above {limit}",
        "maximum": f"a number of at most {limit}",
        "minItems": f"a list of at least {limit}",
        "minProperties": f"at least {limit} key",
        "maxProperties": f"at most {limit} key",
        "pattern": f"{schema.get('description', 'text')} (pattern {limit})",
    }
    return wrong(expected.get(kind, f"{kind} {limit}"), value)
