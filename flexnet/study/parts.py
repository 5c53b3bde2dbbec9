"""The parts that a configuration was laid together from, and which of them a message must name."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flexnet.problems import Key, Problem
from flexnet.yaml_files import line_of

_NOTHING = object()
INHERITING = ("recipes", "models", "protocols")  # sections whose rows may be like another row


@dataclass(frozen=True)
class Part:
    """One configuration of those that are laid over each other.

    Attributes:
        name: what messages call it, such as its file.
        content: what it holds.
        file: where its lines are looked up for messages, if it is a file.
    """

    name: str
    content: Any
    file: Path | None = None

    def at(self, path: Sequence[Key]) -> str:
        """What messages call the place of a key: the name and, of a file, the line."""
        line = line_of(self.file, path) if self.file is not None else None
        return self.name if line is None else f"{self.name}, line {line}"


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
        name = part_of(parts, held).at(held) if parts else otherwise
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


def part_of(parts: Sequence[Part], path: Sequence[Key]) -> Part:
    """The last part that set a key, or else what is nearest above it."""
    for end in range(len(path), -1, -1):
        found: Part | None = None
        current: Any = _NOTHING
        for part in parts:
            value = _get(part.content, path[:end])
            if value is not _NOTHING and (current is _NOTHING or value != current):
                found, current = part, value
        if found is not None:
            return found
    return parts[0]


def _get(value: Any, path: Sequence[Key]) -> Any:
    for key in path:
        if isinstance(value, list):
            value = dict(enumerate(value))
        if not isinstance(value, Mapping) or key not in value:
            return _NOTHING
        value = value[key]
    return value
