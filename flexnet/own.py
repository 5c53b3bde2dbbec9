"""Layers and networks of a user's own, named by a dotted path such as `mypackage.layers.MyLayer`.

They are looked for where Python looks for modules and in the working directory. Nothing here runs them but
`load`: what a path means is read off the files, so that a plan of jobs imports nothing.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from flexnet.errors import ConfigError
from flexnet.problems import Problem, ask


def is_dotted(name: object) -> bool:
    """Whether a name is the path of something of the user's own."""
    return isinstance(name, str) and "." in name


def own_code(network: str, options: Mapping[str, Any]) -> list[str]:
    """The dotted paths by which a network and its options name code of the user's own."""
    return [name for name in (network, *_kinds(options)) if is_dotted(name)]


def _kinds(value: Any) -> Iterator[Any]:
    """Every kind of layer that options name, however deep."""
    if isinstance(value, Mapping):
        yield value.get("kind")
        for part in value.values():
            yield from _kinds(part)
    elif isinstance(value, list):
        for part in value:
            yield from _kinds(part)


def own_problems(path: Any) -> Iterator[Problem]:
    """What is wrong with a dotted path: no such file, no Python in it, or nothing of this name."""
    module, _, name = str(path).rpartition(".")
    file = _file(module)
    if file is None:
        wanted = f"{module.replace('.', '/')}.py"
        text = f"expected a Python file {wanted} for {path!r}; found none in {Path.cwd()}"
        yield Problem(f"{text} or where Python looks; write the name as an import would find it")
        return
    try:
        names = _bound(file)
    except (SyntaxError, ValueError, OSError) as error:
        yield Problem(f"expected Python in {file}; got {error}; correct it")
        return
    if name not in names:
        yield Problem(f"expected {name!r} to be defined in {file}; it is not there{ask(name, names)}")


def load(path: str) -> Any:
    """Import what a dotted path names.

    Raises:
        ConfigError: if it is not there, or its module cannot be imported.
    """
    for problem in own_problems(path):
        raise ConfigError(str(problem))
    module, _, name = path.rpartition(".")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    file = _file(module)
    try:
        found = import_module(module)
        imported = Path(found.__file__ or "").resolve()
        value = getattr(found, name)
    except Exception as error:
        raise ConfigError(
            f"{path}: expected {file} to be imported; got {type(error).__name__}: {error}; try python -c "
            f"'import {module}'"
        ) from error
    if imported != file:
        raise ConfigError(
            f"{path}: expected {file} to be imported; got {imported}; give the module another name"
        )
    return value


def files_behind(path: str) -> list[Path]:
    """The file of a dotted path, and what it imports of the user's own, directly or not.

    That is everything of the same package, and what is neither installed nor a part of Python or of this
    package.

    Raises:
        ConfigError: if there is no such file.
    """
    for problem in own_problems(path):
        raise ConfigError(str(problem))
    found: dict[Path, None] = {}
    waiting = [path.rpartition(".")[0]]
    package = _top(waiting[0])
    while waiting:
        module = waiting.pop()
        file = _file(module)
        if file is not None and file not in found and (_top(module) == package or _beside(module, file)):
            found[file] = None
            waiting += _imported(module, file)
    return sorted(found)


def _top(module: str) -> str:
    return module.split(".")[0]


def _beside(module: str, file: Path) -> bool:
    installed = any(part in ("site-packages", "dist-packages") for part in file.parts)
    return not installed and _top(module) not in ("flexnet", *sys.stdlib_module_names)


def _imported(module: str, file: Path) -> Iterator[str]:
    """Modules that a file may import, and the packages that it is in, whose files run before it."""
    parts = module.split(".")
    yield from (".".join(parts[:count]) for count in range(1, len(parts)))
    package = parts if file.name == "__init__.py" else parts[:-1]
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _bound(file: Path) -> set[str]:
    """Names that a module has once it is imported."""
    names: set[str] = set()
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _file(module: str) -> Path | None:
    """The file that an import of a module would run; None if there is none."""
    parts = module.split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    for place in (*map(Path, sys.path), Path.cwd()):
        base = place.joinpath(*parts)
        for file in (base / "__init__.py", base.with_suffix(".py")):
            if file.is_file():
                return file.resolve()
    return None
