"""The parts that a configuration was laid together from, and which of them a message must name."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flexnet.problems import Key, Problem

_NOTHING = object()
INHERITING = ("recipes", "models", "protocols")  # sections whose rows may be like another row


@dataclass(frozen=True)
class Part:
    """One configuration of those that are laid over each other.

    Attributes:
        name: what messages call it, such as its file.
        content: what it holds.
    """

    name: str
    content: Any


def located(
    problems: Iterable[Problem], config: Any, parts: Sequence[Part], otherwise: str = "config"
) -> Iterator[str]:
    """A line for each problem, with the part and the row that hold the key.

    Args:
        problems: with the paths of the configuration.
        config: the parts laid over each other, before rows took over what they are like.
        parts: from the lowest.
        otherwise: the name where there are no parts.
    """
    for problem in problems:
        held = held_by(config, (*problem.path, *problem.inner))
        name = part_of(parts, held) if parts else otherwise
        yield f"{name}: {replace(problem, path=held[: len(problem.path)])}"


def held_by(config: Any, path: tuple[Key, ...]) -> tuple[Key, ...]:
    """The path of a key in the row that holds it: the row itself, or one that it took the key over from."""
    if len(path) < 3 or path[0] not in INHERITING:
        return path
    section, name, *rest = path
    seen = []
    while name not in seen:
        seen.append(name)
        row = _get(config, (section, name))
        if _get(row, rest) is not _NOTHING:
            return (section, name, *rest)
        parent = row.get("like") if isinstance(row, Mapping) else None
        if not isinstance(parent, str):
            break
        name = parent
    return path


def part_of(parts: Sequence[Part], path: Sequence[Key]) -> str:
    """Name of the last part that set a key, or else what is nearest above it."""
    for end in range(len(path), -1, -1):
        found, current = "", _NOTHING
        for part in parts:
            value = _get(part.content, path[:end])
            if value is not _NOTHING and (current is _NOTHING or value != current):
                found, current = part.name, value
        if found:
            return found
    return parts[0].name


def _get(value: Any, path: Sequence[Key]) -> Any:
    for key in path:
        if isinstance(value, list):
            value = dict(enumerate(value))
        if not isinstance(value, Mapping) or key not in value:
            return _NOTHING
        value = value[key]
    return value
