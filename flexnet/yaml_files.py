"""Reading YAML that means what it looks like: every key is given once, and numbers are decimal.

YAML's own readers let the last of two equal keys win in silence, so that a line copied and forgotten changes
what is computed; they read 010 as eight and 1:30 as ninety.
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from flexnet.errors import ConfigError

_MERGE = "tag:yaml.org,2002:merge"  # of the key <<, which may stand beside keys that it also brings
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
MOST_PARTS = 1_000_000  # of one file, each as often as it is named
_NOT_DECIMAL = re.compile(r"[-+]?0[0-9_]+|.*:.*")


def read_yaml(path: str | Path) -> Any:
    """Read a YAML file.

    Raises:
        ConfigError: if it is missing or no valid YAML, a key is given twice or a number is not decimal.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: expected a YAML file; got: {error}") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str) -> Any:
    """Read YAML from a text.

    Args:
        text: one document.
        name: what messages call it, such as its file.

    Raises:
        ConfigError: as `read_yaml`, with the line.
    """
    loader = _loader(text)
    try:
        node = loader.get_single_node()
        faults = [] if node is None else list(_faults(loader, node, ""))
        value = None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date such as 2024-02-30
        raise ConfigError(_no_yaml(name, error)) from error
    finally:
        loader.dispose()
    if faults:
        raise ConfigError("\n".join(f"{name}, {fault}" for fault in faults))
    return value


def require_plain(path: str | Path, name: str) -> None:
    """Refuse a YAML file whose text is none, or that means more than it shows.

    That are control characters, tags such as `!!set`, and parts that are named again and again (`*name`)
    until they are more than memory holds. Other mistakes are left to `read_yaml`, which says them better.

    Args:
        path: the file.
        name: what messages call it.

    Raises:
        ConfigError: naming the line, what was expected and what came.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        fault = _hidden(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        fault = f"line {line}: expected plain text; got the character U+{error.character:04X}; remove it"
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return
    if fault:
        raise ConfigError(f"{name}, {fault}")


def _hidden(events: Iterable[Any]) -> str:
    """What is hidden in a text: the first tag, or how much its parts come to; nothing if all is plain."""
    sizes: dict[str | None, int] = {}  # of the parts that have a name
    inside: list[tuple[str | None, int]] = [(None, 0)]  # name of each open part, and its size before it
    total = 0
    for event in events:
        line = event.start_mark.line + 1
        if getattr(event, "tag", None) not in (None, "!"):
            tag = event.tag.replace(yaml.SafeLoader.DEFAULT_TAGS["!!"], "!!")
            return f"line {line}: expected plain values; got the tag {tag}; remove it"
        if isinstance(event, yaml.AliasEvent):
            total += sizes.get(event.anchor, 1)
        elif isinstance(event, yaml.CollectionStartEvent):
            inside.append((event.anchor, total))
        elif isinstance(event, yaml.CollectionEndEvent):
            named, before = inside.pop()
            sizes |= {} if named is None else {named: total - before + 1}
        total += 1
        if total > MOST_PARTS:
            return f"line {line}: expected at most {MOST_PARTS:,} values, those that *names repeat included"
    return ""


def _loader(text: str) -> Any:
    """The fast reader, if it is there and has no complaint; the other one says better what is wrong."""
    fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        yaml.compose(text, Loader=fast)
    except yaml.YAMLError:
        return yaml.SafeLoader(text)
    return fast(text)


def _no_yaml(name: str, error: Exception) -> str:
    """What is wrong with a text that is no YAML, and on which line."""
    mark = getattr(error, "problem_mark", None)
    told = ", ".join(filter(None, (getattr(error, key, None) for key in ("context", "problem")))) or error
    if mark is None:
        return f"{name}: expected a YAML file; got: {told}"
    return f"{name}, line {mark.line + 1}: expected a YAML file; got: {told}; correct it there or just above"


def line_of(path: str | Path, keys: Sequence[str | int]) -> int | None:
    """The line, from 1, on which a key stands in a YAML file, or the nearest above it; None if none does."""
    try:
        node = yaml.compose(Path(path).read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return None
    found = None
    for key in keys:
        place = _below(node, key)
        if place is None:
            break
        found, node = place
    return found


def _below(node: yaml.Node | None, key: str | int) -> tuple[int, yaml.Node] | None:
    """Line and value of a key of a node."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(key):
                return name.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key].start_mark.line + 1, node.value[key]
    return None


def _faults(loader: yaml.SafeLoader, node: yaml.Node, path: str) -> Iterator[str]:
    """Say of each key and number that does not mean what it looks like where it stands."""
    line = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for place, entry in enumerate(node.value):
            yield from _faults(loader, entry, f"{path}.{place}" if path else str(place))
    elif isinstance(node, yaml.MappingNode):
        yield from _faults_of_mapping(loader, node, path)
    elif node.tag in _NUMBERS and _NOT_DECIMAL.fullmatch(node.value):
        read = loader.construct_object(node, deep=True)
        found = f"{node.value}, which YAML reads as {read}"
        yield f"line {line}: {path}: expected a decimal number, its point a dot; got {found}"


def _faults_of_mapping(loader: yaml.SafeLoader, node: yaml.MappingNode, path: str) -> Iterator[str]:
    lines: dict[Any, int] = {}
    for key, value in node.value:
        found = key.value if key.tag == _MERGE else loader.construct_object(key, deep=True)
        if not isinstance(found, Hashable):
            continue  # the reader itself refuses it
        line, where = key.start_mark.line + 1, f"{path}.{key.value}" if path else str(key.value)
        if found in lines:
            yield f"line {line}: {where}: expected every key once; line {lines[found]} has it too; keep one"
        lines.setdefault(found, line)
        yield from _faults(loader, value, where)
