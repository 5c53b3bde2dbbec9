"""A digest of the code that a stage runs: it changes when the meaning of that code changes.

The digest covers the syntax trees, without comments and docstrings, of a module and of all modules of
this package that it imports, directly or through others. A workflow that tracks it reruns a job when
the code behind it was edited, and does nothing for a comment, a checkout or an edit elsewhere.

Convention that makes it narrow: inside the package a name is imported from the module that defines it.
Then the `__init__` of a sub-package, which only re-exports, is no dependency.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = "flexnet"
ROOT = Path(__file__).parent


def module_path(module: str) -> Path:
    """File of a module of this package, such as "flexnet.layers.flexible".

    Raises:
        ValueError: if the package has no such module.
    """
    base = ROOT.joinpath(*module.split(".")[1:])
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    raise ValueError(f"expected a module of {PACKAGE}; got {module!r}")


def _exists(module: str) -> bool:
    try:
        return module_path(module).is_file()
    except ValueError:
        return False


def _without_docstrings(tree: ast.Module) -> ast.Module:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree


@cache
def _parsed(path: Path, modified: int) -> tuple[str, frozenset[str]]:
    """Dump of a file's syntax tree, and the package's modules that it imports."""
    del modified  # only part of the cache's key
    tree = _without_docstrings(ast.parse(path.read_text(encoding="utf-8")))
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            submodules = {name for name in parts if name.startswith(PACKAGE + ".") and _exists(name)}
            imported |= submodules or {node.module}
    own = frozenset(name for name in imported if name == PACKAGE or name.startswith(PACKAGE + "."))
    return ast.dump(tree), own


def imported_modules(*modules: str) -> list[str]:
    """Return the modules and all modules of this package that they import, sorted."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            path = module_path(module)
            waiting += _parsed(path, path.stat().st_mtime_ns)[1]
    return sorted(found)


def code_digest(*modules: str) -> str:
    """Digest (16 hexadecimal digits) of the modules and of everything of this package they import."""
    digest = hashlib.blake2b(digest_size=8)
    for module in imported_modules(*modules):
        path = module_path(module)
        digest.update(f"{module}\n{_parsed(path, path.stat().st_mtime_ns)[0]}\n".encode())
    return digest.hexdigest()


def file_digest(path: str | Path) -> str:
    """Digest of one Python file that is no module of the package, and of the modules it imports."""
    source = Path(path)
    dump, imported = _parsed(source, source.stat().st_mtime_ns)
    return hashlib.blake2b(f"{dump}\n{code_digest(*imported)}".encode(), digest_size=8).hexdigest()
