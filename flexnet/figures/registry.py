"""Finding a figure by name. A figure is a module of this folder that has NAME, summarise_rows and draw."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Protocol, cast

from flexnet.errors import ConfigError
from flexnet.figures.facts import Facts

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class FigureModule(Protocol):
    """What every figure module offers. A table also offers its text as Markdown: see `body_of`."""

    NAME: str

    @staticmethod
    def summarise_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
        """Turn rows into the figure's tidy table."""

    @staticmethod
    def draw(table: "pd.DataFrame", facts: Facts) -> "Figure":
        """Draw the figure from its table."""


def load(name: str) -> FigureModule:
    """Import the figure called `name`, and no other.

    Raises:
        ConfigError: if there is no such figure; the message lists those that there are.
    """
    if name in _modules():
        module = import_module(f"flexnet.figures.{name}")
        if getattr(module, "NAME", None) == name:
            return cast(FigureModule, module)
    raise ConfigError(f"unknown figure {name!r}; known are {names()}; choose one")


def body_of(figure: FigureModule, table: "pd.DataFrame", facts: Facts) -> str:
    """What stands below the caption: the Markdown of a module that has `body(table, facts)`, else nothing."""
    body = getattr(figure, "body", None)
    return str(body(table, facts)) if body else ""


def names() -> list[str]:
    """Names of all figures, sorted. It imports every module of this folder."""
    found = (getattr(import_module(f"flexnet.figures.{name}"), "NAME", None) for name in _modules())
    return sorted(name for name in found if name)


def _modules() -> list[str]:
    return [module.name for module in iter_modules([str(Path(__file__).parent)])]
