"""A digest of the code that a job runs: it changes when something that the job computes with changes.

From the functions that a job starts with, the digest follows the names that they use, from definition to
definition through all modules of this package: functions, classes and constants, each as a syntax tree. What
no number depends on is left out: comments, docstrings, annotations; what is said in errors and progress
lines; the modules of `SILENT`; what options allow, beside their defaults; and of a table `ByName` the entries
whose names occur neither in the settings of the job nor in its code. So a new function, network, loss or
dataset in a module that stands, another message, or a version number run nothing again.

What it cannot see is a name that is made at run time (`getattr`, `import_module`): who does that tells the
module to `code_digest`.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from flexnet.reading import SILENT, UNCOUNTED, Module, Part, Reference, exists, script_part
from flexnet.readings import Readings

READINGS = Readings()


@cache
def _module(module: str) -> Module:
    return READINGS.of(module)


def _reached(roots: Iterable[Reference], words: Iterable[str]) -> dict[str, str]:
    """Every definition that is reached, by its name, with its text."""
    found: dict[str, str] = {}
    known = set(words)
    tables: dict[str, dict[str, Part]] = {}
    waiting = _follow(list(roots), found, known, tables)
    while chosen := [
        (f"{label}[{name}]", entries[name])
        for label, entries in tables.items()
        for name in sorted(known & entries.keys())
        if f"{label}[{name}]" not in found
    ]:
        for label, part in chosen:
            found[label] = part.dump
            known |= part.words
            waiting += part.uses
        waiting = _follow(waiting, found, known, tables)
    return found


def _follow(
    waiting: list[Reference], found: dict[str, str], known: set[str], tables: dict[str, dict[str, Part]]
) -> list[Reference]:
    """Follow references until none is left; note definitions, texts and tables on the way."""
    seen: set[Reference] = set()
    while waiting:
        reference = waiting.pop()
        if reference in seen or reference[0] in SILENT:
            continue
        seen.add(reference)
        for label, part in _parts(*reference):
            found[label] = part.dump
            known |= part.words
            waiting += part.uses
            if part.entries:
                tables[label] = part.entries
    return waiting


def _parts(module: str, name: str) -> Iterator[tuple[str, Part]]:
    """The parts that a reference means, with what their module runs when it is imported."""
    if not exists(module):
        return
    found = _module(module)
    yield f"{module}:", found.always
    if name == "*":
        yield from ((f"{module}:{each}", part) for each, part in found.parts.items())
        yield f"{module}:*", Part("", frozenset(found.imported.values()))
    elif name in found.parts:
        yield f"{module}:{name}", found.parts[name]
    elif name in found.imported:
        yield f"{module}:{name}", Part("", frozenset({found.imported[name]}))
    elif name not in UNCOUNTED:
        raise ValueError(f"expected {name!r} to be defined in {module}; it is not there")


def code_digest(*starts: str | Path, words: Iterable[str] = ()) -> str:
    """Digest (16 hexadecimal digits) of everything that some code computes with.

    Args:
        starts: modules, single definitions such as "flexnet.stages.train:run", or files outside the package;
            of these all but comments and layout counts.
        words: texts in the settings of the job, which choose entries of tables.
    """
    return _code_digest(tuple(dict.fromkeys(starts)), frozenset(words))


@cache
def _code_digest(starts: tuple[str | Path, ...], words: frozenset[str]) -> str:
    files = [start for start in starts if isinstance(start, Path)]
    named = [start.partition(":") for start in starts if isinstance(start, str)]
    roots = [(module, name or "*") for module, _, name in named]
    scripts = [script_part(path) for path in files]
    roots += [reference for script in scripts for reference in script.uses]
    dumps = _reached(roots, words.union(*(script.words for script in scripts)))
    texts = [path.read_text(encoding="utf-8") for path in files]
    dumps |= {f"file {place}": ast.dump(ast.parse(text)) for place, text in enumerate(texts)}
    return _digest(f"{label}\n{dump}" for label, dump in sorted(dumps.items()) if dump)


def forget() -> None:
    """Read every file again the next time: a process that plans many jobs reads each once."""
    for function in (_module, exists, script_part, _code_digest):
        function.cache_clear()


def file_digest(path: str | Path) -> str:
    """Digest of one Python file that is no module of the package, and of what it uses of the package."""
    part = script_part(Path(path))
    dumps = _reached(part.uses, part.words)
    return _digest([part.dump, *(f"{label}\n{dump}" for label, dump in sorted(dumps.items()) if dump)])


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for text in texts:
        digest.update(f"{text}\n".encode())
    return digest.hexdigest()


def words_of(value: Any) -> Iterator[str]:
    """Every text in settings: keys and values, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, below in value.items():
            yield str(key)
            yield from words_of(below)
    elif isinstance(value, list | tuple):
        for below in value:
            yield from words_of(below)
