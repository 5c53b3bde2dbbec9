"""Readings of the modules, kept in a file between runs: a plan of many jobs needs some 400 of them.

A reading is kept with the digest of the text that was read. The file holds for one way of reading, one
version of Python and one set of modules; what is damaged, or holds for another, is as if it were not there.
"""

import hashlib
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from flexnet import reading
from flexnet.files import write_text
from flexnet.reading import Module, Part, module_path, read_module


class Readings:
    """What the modules of the package say, from a file where it is there."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._kept: dict[str, list[Any]] = {}
        self._is_new = False

    def use(self, file: Path) -> None:
        """Take readings from a file from now on, and write it in `keep`."""
        self._file, self._kept, self._is_new = file, _load(file), False

    def of(self, module: str) -> Module:
        """What a module of the package says.

        Raises:
            ValueError: if the package has no such module.
        """
        text = module_path(module).read_text(encoding="utf-8")
        key = _digest(text)
        known = self._kept.get(module)
        if known is not None and known[0] == key:
            return _module(known[1])
        found = read_module(module, text)
        self._kept[module], self._is_new = [key, _plain(found)], True
        return found

    def keep(self) -> None:
        """Write what was read anew; where that cannot be written, it is read again the next time."""
        if self._file is not None and self._is_new:
            body = json.dumps({"for": _validity(), "modules": self._kept})
            with suppress(OSError):
                write_text(self._file, f"{_digest(body)}\n{body}")
                self._is_new = False


def _load(file: Path) -> dict[str, list[Any]]:
    try:
        digest, _, body = file.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return {}
    if digest != _digest(body):
        return {}
    found: dict[str, Any] = json.loads(body)
    modules: dict[str, list[Any]] = found["modules"]
    return modules if found["for"] == _validity() else {}


def _validity() -> str:
    """What every reading depends on beside its own text, such as which names are modules."""
    modules = sorted(str(path.relative_to(reading.ROOT)) for path in reading.ROOT.rglob("*.py"))
    ways = [Path(file).read_text(encoding="utf-8") for file in (reading.__file__, __file__)]
    return _digest("\n".join([sys.version, *modules, *ways]))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _plain(module: Module) -> list[Any]:
    parts = {name: _plain_part(part) for name, part in module.parts.items()}
    return [parts, module.imported, _plain_part(module.always)]


def _plain_part(part: Part) -> list[Any]:
    entries = {name: _plain_part(entry) for name, entry in part.entries.items()}
    return [part.dump, sorted(part.uses), sorted(part.words), entries]


def _module(plain: list[Any]) -> Module:
    parts, imported, always = plain
    references = {name: (target[0], target[1]) for name, target in imported.items()}
    return Module({name: _part(part) for name, part in parts.items()}, references, _part(always))


def _part(plain: list[Any]) -> Part:
    dump, uses, words, entries = plain
    references = frozenset((module, name) for module, name in uses)
    return Part(dump, references, frozenset(words), {name: _part(entry) for name, entry in entries.items()})
