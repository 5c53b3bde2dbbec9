"""Names of figures, which are paths: `fig1` and `pushpull/fig1` are two. Nothing here draws or imports.

The module `flexnet/figures/pushpull/fig1.py` draws the figure `pushpull/fig1`, and says so by its NAME.
"""

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
_SAYS = re.compile(r'^NAME(?:: .+?)? = "([^"\n]*)"$', re.MULTILINE)


def module_of(name: str) -> str:
    """The module that draws a figure, there or not."""
    return f"{__package__}.{name.replace('/', '.')}"


def said_by(name: str) -> str | None:
    """The NAME in the module of a figure; empty if it has none, None if there is no such module."""
    path = FOLDER / f"{name}.py"
    if not path.is_file() or name not in _modules(FOLDER):
        return None
    found = _SAYS.search(path.read_text(encoding="utf-8"))
    return found[1] if found else ""


def drawn() -> list[str]:
    """Names of all figures that a module draws, sorted."""
    return [name for name in _modules(FOLDER) if said_by(name) == name]


@cache
def _modules(folder: Path) -> tuple[str, ...]:
    found = (path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.py"))
    return tuple(sorted(found))
